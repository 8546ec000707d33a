"""What a network computes, apart from its width: frozen values that read and write JSON."""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self, TypeVar

from ntkverify import serialization
from ntkverify.activations import Activation, Layer, ReLU
from ntkverify.errors import InvalidArgument

L = TypeVar("L", bound=Layer)

WEIGHTS = ("gaussian", "rademacher", "uniform", "ternary")
"""Distributions of a weight, all of mean 0 and the same variance; ternary is 0 one time in three."""


@dataclass(frozen=True)
class Linear(Layer):
    """A dense layer with random weights of standard deviation `weight_std` / sqrt(fan_in)
    and biases of standard deviation `bias_std`; how they are stored is the parameterisation's
    affair (see `ntkverify.networks`).

    weights: their distribution, one of WEIGHTS; biases are always Gaussian. The infinite-width
    kernels depend on its first two moments only, but that is a central limit over fan_in: it
    asks for a wide layer below, so the first layer, whose fan_in never grows, must be Gaussian.
    Raises InvalidArgument for a negative or non-finite standard deviation, no weights at all,
    or an unknown distribution.
    """

    weight_std: float = 1.0
    bias_std: float = 0.0
    weights: str = "gaussian"

    def __post_init__(self) -> None:
        for name in ("weight_std", "bias_std"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise InvalidArgument(name, repr(value), "a real number", "Pass a Python float.")
            if not (math.isfinite(value) and value >= 0):
                remedy = "It is a standard deviation, not a variance and not a weight."
                raise InvalidArgument(name, repr(value), "a finite number >= 0", remedy)
            object.__setattr__(self, name, float(value))
        if self.weight_std == 0:
            raise InvalidArgument(
                "weight_std", "0.0", "a positive number", "A layer without weights ignores its input."
            )

        if self.weights not in WEIGHTS:
            raise InvalidArgument(
                "weights", repr(self.weights), f"one of {', '.join(WEIGHTS)}", "Choose one."
            )


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


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A fully connected network of any width: `inputs` features in, `outputs` numbers out.

    It starts and ends with a Linear layer and no two activations touch: only then are the
    activations' inputs Gaussian in the wide limit, which the kernel recursion rests on.
    """

    inputs: int
    layers: Sequential
    outputs: int = 1

    def __post_init__(self) -> None:
        for name in ("inputs", "outputs"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise InvalidArgument(name, repr(value), "an integer >= 1", "It is a number of features.")
        if not isinstance(self.layers, Sequential):
            raise InvalidArgument(
                "layers", repr(self.layers), "a Sequential", "Wrap the layers: Sequential(...)."
            )
        flat = self.walk()
        if not flat or not isinstance(flat[0], Linear) or not isinstance(flat[-1], Linear):
            remedy = "Put a Linear before the first and after the last activation."
            raise InvalidArgument("layers", repr(self.layers), "a Linear layer first and last", remedy)
        for first, second in itertools.pairwise(flat):
            if isinstance(first, Activation) and isinstance(second, Activation):
                got = f"{first!r} followed by {second!r}"
                raise InvalidArgument("layers", got, "a Linear between activations", "Insert one.")

    def walk(self) -> tuple[Layer, ...]:
        """The layers from input to output, with nested Sequentials unpacked."""
        return self.layers.walk()

    def every(self, kind: type[L]) -> tuple[L, ...]:
        """The layers of that kind from input to output."""
        return tuple(layer for layer in self.walk() if isinstance(layer, kind))

    @property
    def linears(self) -> tuple[Linear, ...]:
        """The Linear layers from input to output."""
        return self.every(Linear)

    @property
    def activations(self) -> tuple[Activation, ...]:
        """The activations from input to output."""
        return self.every(Activation)

    @property
    def depth(self) -> int:
        """The number of hidden layers."""
        return len(self.linears) - 1

    def deeper(self, times: int = 1) -> Self:
        """The architecture with its last hidden layer, and the Linear layer behind it, `times` times more."""
        layers = self.walk()
        return replace(self, layers=Sequential(*layers, *layers[-2:] * times))

    def mapped(self, change: Callable[[Layer], Layer]) -> Self:
        """The architecture with `change` of each layer in its place."""
        return replace(self, layers=Sequential(*map(change, self.walk())))

    def to_json(self) -> str:
        """One line of JSON; equal architectures give equal text."""
        return serialization.to_json(self)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads what `to_json` wrote; raises InvalidArgument for anything else."""
        return serialization.from_json(text, cls)


def mlp(
    *,
    inputs: int,
    depth: int,
    activation: Activation = ReLU(),
    weight_std: float = 1.0,
    bias_std: float = 0.0,
    outputs: int = 1,
) -> Architecture:
    """A multilayer perceptron of `depth` hidden layers, all with the same standard deviations.

    Raises InvalidArgument for a depth that is not a positive integer, and as Architecture does.
    """
    if isinstance(depth, bool) or not isinstance(depth, int) or depth < 1:
        remedy = "Depth counts hidden layers; for a linear model write Architecture(...) out."
        raise InvalidArgument("depth", repr(depth), "an integer >= 1", remedy)
    linear = Linear(weight_std=weight_std, bias_std=bias_std)
    layers = Sequential(*[linear, activation] * depth, linear)
    return Architecture(inputs=inputs, outputs=outputs, layers=layers)
