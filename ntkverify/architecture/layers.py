"""The layers of fully connected networks that have parameters, or hold others: frozen values without a width."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from ntkverify.activations import Layer
from ntkverify.errors import InvalidArgument

WEIGHTS = ("gaussian", "rademacher", "uniform", "ternary")
"""Distributions of a weight, all of mean 0 and the same variance; ternary is 0 one time in three."""

LINEAR_NUMBERS = {
    "weight_std": "It is a standard deviation, not a variance and not a weight.",
    "bias_std": "It is a standard deviation, not a variance and not a bias.",
    "weight_rate": "0 freezes the weights, None moves them as NTK parameterisation does.",
    "bias_rate": "0 freezes the biases, None moves them as NTK parameterisation does.",
}
"""The numbers of a Linear layer, and what to remember of each."""


@dataclass(frozen=True)
class Linear(Layer):
    """A dense layer has two laws: where its parameters start, and how fast they move.

    weight_std, bias_std: standard deviations at the start, of weights times sqrt(fan_in) and of biases; how they
    are stored is the parameterisation's affair (see `ntkverify.networks`).
    weights: their distribution, one of WEIGHTS; biases are always Gaussian. The infinite-width
    kernels depend on its first two moments only, but that is a central limit over fan_in: it
    asks for a wide layer below, so the first layer, whose fan_in never grows, must be Gaussian.
    weight_rate, bias_rate: coefficients of the layer's own term in the NTK, which is
    weight_rate E[phi phi] + bias_rate; None for the squares of the deviations, as in NTK parameterisation. 0 freezes.
    weight_std=0 with a rate is a layer whose weights start at zero, bias_std=0 with a rate one whose biases do.
    Raises InvalidArgument for a negative or non-finite number, weights that neither start nor move, or an unknown
    distribution.
    """

    weight_std: float = 1.0
    bias_std: float = 0.0
    weights: str = "gaussian"
    weight_rate: float | None = field(default=None, kw_only=True)
    bias_rate: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        for name, remedy in LINEAR_NUMBERS.items():
            value = getattr(self, name)
            if value is None and name.endswith("rate"):
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise InvalidArgument(name, repr(value), "a real number", "Pass a Python float.")
            if not (math.isfinite(value) and value >= 0):
                raise InvalidArgument(name, repr(value), "a finite number >= 0", remedy)
            object.__setattr__(self, name, float(value))
        if self.weight_std == 0 and not self.weight_rate:
            remedy = "A layer without weights ignores its input. Pass weight_rate= too if they start at zero and move."
            raise InvalidArgument("weight_std", "0.0", "a positive number", remedy)
        if self.weights not in WEIGHTS:
            raise InvalidArgument(
                "weights", repr(self.weights), f"one of {', '.join(WEIGHTS)}", "Choose one."
            )

    @property
    def rates(self) -> tuple[float, float]:
        """Are the coefficients of the weights' and of the biases' own term in the NTK."""
        return (
            self.weight_std**2 if self.weight_rate is None else self.weight_rate,
            self.bias_std**2 if self.bias_rate is None else self.bias_rate,
        )

    @property
    def in_ntk_parameterization(self) -> bool:
        """Whether parameters move as far as they are spread at the start."""
        return self.rates == (self.weight_std**2, self.bias_std**2)


@dataclass(frozen=True, init=False)
class Sequential(Layer):
    """Layers one after another; may be nested."""

    layers: tuple[Layer, ...]

    def __init__(self, *positional: Layer, layers: Sequence[Layer] = ()):
        layers = (*positional, *layers)  # the keyword lets repr() and JSON read back
        for index, layer in enumerate(layers):
            if not isinstance(layer, Layer):
                remedy = (
                    "Use Linear, Sequential or an activation such as ReLU() (an instance, not the class)."
                )
                raise InvalidArgument(f"layers[{index}]", repr(layer), "a layer", remedy)
        object.__setattr__(self, "layers", layers)

    def walk(self) -> tuple[Layer, ...]:
        """The layers in turn, with nested Sequentials unpacked."""
        parts = (layer.walk() if isinstance(layer, Sequential) else (layer,) for layer in self.layers)
        return tuple(layer for part in parts for layer in part)
