"""Gaussian weight matrices too large to store, drawn only where they are asked; exact in law."""

from ntkverify.lazy.layer import LazyLinear, grown, is_lazy, lazy_linear
from ntkverify.lazy.matrix import TOLERANCE, LazyGaussian

__all__ = ["TOLERANCE", "LazyGaussian", "LazyLinear", "grown", "is_lazy", "lazy_linear"]
