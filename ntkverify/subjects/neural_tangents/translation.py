"""Architectures as layers of neural-tangents' stax: a name there and its arguments."""

import math
from collections.abc import Callable
from typing import Any

from numpy.polynomial.hermite_e import herme2poly

from ntkverify import activations as ours
from ntkverify.architecture import Architecture, Linear
from ntkverify.errors import InvalidArgument

Call = tuple[str, dict[str, Any]]

HIGHEST_MONOMIAL = 5
"""The highest degree of stax.Monomial."""

CALLS: dict[type, Callable[[Any], Call]] = {
    # stax takes the number of units too, and reads it nowhere in the limit.
    Linear: lambda it: ("Dense", {"out_dim": 1, "W_std": it.weight_std, "b_std": it.bias_std or None}),
    ours.ReLU: lambda it: ("Relu", {}),
    ours.LeakyReLU: lambda it: ("LeakyRelu", {"alpha": it.negative_slope}),
    ours.ABReLU: lambda it: ("ABRelu", {"a": it.a, "b": it.b}),
    ours.Abs: lambda it: ("Abs", {}),
    ours.RectifiedMonomial: lambda it: ("RectifiedMonomial", {"degree": it.degree}),
    # Its NTK there is its NNGP kernel: a derivative of 0 stands for the one that it has not.
    ours.Sign: lambda it: ("Sign", {}),
    ours.Erf: lambda it: ("Erf", {}),
    ours.GELU: lambda it: ("Gelu", {}),
    ours.Sin: lambda it: ("Sin", {}),
    ours.Cos: lambda it: ("Cos", {}),
    ours.RBF: lambda it: ("Rbf", {"gamma": it.gamma}),
    ours.Exp: lambda it: ("Exp", {}),
    ours.Gaussian: lambda it: ("Gaussian", {"b": -it.gamma}),
    ours.Monomial: lambda it: ("Monomial", {"degree": it.degree}),
    # stax.Hermite is right for inputs of variance 1 only, which no first layer promises.
    ours.Hermite: lambda it: ("Polynomial", {"coef": _hermite(it.degree)}),
}


def calls(arch: Architecture) -> list[Call]:
    """The layers from input to output. Raises InvalidArgument for one that stax has not in closed form."""
    for layer in arch.layers.flat():
        if not _known(layer):
            remedy = "Ask the subject's supports(arch) first."
            raise InvalidArgument("layer", repr(layer), "one that neural-tangents has in closed form", remedy)
    return [CALLS[type(layer)](layer) for layer in arch.layers.flat()]


def supports(arch: Architecture) -> bool:
    """Whether stax has every layer of `arch` in closed form."""
    return all(_known(layer) for layer in arch.layers.flat())


def _known(layer: Any) -> bool:
    too_high = isinstance(layer, ours.Monomial) and layer.degree > HIGHEST_MONOMIAL
    return type(layer) in CALLS and not too_high


def _hermite(degree: int) -> list[float]:
    """Coefficients, lowest first, of the Hermite polynomial with E h(z)^2 = 1."""
    return list(herme2poly([0] * degree + [1]) / math.sqrt(math.factorial(degree)))
