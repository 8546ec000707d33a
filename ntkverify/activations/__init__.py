"""Activations, each with its dual: what a layer does to the covariance of its Gaussian inputs.

For (u, v) ~ N(0, [[a, c], [c, b]]) the dual activation is E[phi(u) phi(v)] and the dual of the
derivative E[phi'(u) phi'(v)] (Daniely, Frostig & Singer 2016; Jacot, Gabriel & Hongler 2018).
"""

from ntkverify.activations.base import Activation, Layer, SecondMoments, root
from ntkverify.activations.error_function import Erf
from ntkverify.activations.rectified import ReLU

__all__ = ["Activation", "Erf", "Layer", "ReLU", "SecondMoments", "root"]
