"""Activations, each with its dual: what a layer does to the covariance of its Gaussian inputs.

For (u, v) ~ N(0, [[a, c], [c, b]]) the dual activation is E[phi(u) phi(v)] and the dual of the
derivative E[phi'(u) phi'(v)] (Daniely, Frostig & Singer 2016; Jacot, Gabriel & Hongler 2018).
"""

import importlib
import pkgutil

from ntkverify.activations.base import REGISTRY, Activation, Layer, SecondMoments, root
from ntkverify.activations.error_function import Erf
from ntkverify.activations.exponential import Exp, Gaussian
from ntkverify.activations.gelu import GELU
from ntkverify.activations.numeric import Custom, Sigmoid, SiLU, Tanh
from ntkverify.activations.polynomial import Hermite, Monomial
from ntkverify.activations.rectified import ABReLU, Abs, LeakyReLU, ReLU
from ntkverify.activations.rectified_monomial import RectifiedMonomial, Sign
from ntkverify.activations.trigonometric import RBF, Cos, Sin

for _module in pkgutil.iter_modules(__path__):  # those above, and any other file in this folder
    importlib.import_module(f"{__name__}.{_module.name}")

_FACTS = sorted(REGISTRY.items(), key=lambda item: item[1].place)
BY_NAME: dict[str, type[Activation]] = {kind.__name__: kind for kind, _ in _FACTS}
"""Every activation by its name."""
DRAWN = tuple(kind(*arguments) for kind, facts in _FACTS for arguments in facts.drawn)
GROWING = tuple(kind(*arguments) for kind, facts in _FACTS for arguments in facts.growing)
SUSPECTED = tuple(kind(*arguments) for kind, facts in _FACTS for arguments in facts.suspected)
"""What claims draw, what those about kernels draw besides, and what a diagnosis tries; see `Registration`."""

globals().update(BY_NAME)
__all__ = [
    "BY_NAME",
    "DRAWN",
    "GROWING",
    "SUSPECTED",
    "Activation",
    "Layer",
    "SecondMoments",
    "root",
    *BY_NAME,
]
