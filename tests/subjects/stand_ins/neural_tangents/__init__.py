"""Stands in for neural-tangents."""

__version__ = "0.0.stand-in"
