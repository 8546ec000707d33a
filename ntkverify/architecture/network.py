"""What a network computes, apart from its width: frozen values that read and write JSON."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Self, TypeVar

import torch

from ntkverify import serialization
from ntkverify.activations import Activation, Layer, ReLU
from ntkverify.architecture.layers import Linear, Sequential
from ntkverify.architecture.metrics import as_rows
from ntkverify.errors import InvalidArgument

L = TypeVar("L", bound=Layer)


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A fully connected network of any width: `inputs` features in, `outputs` numbers out.

    It starts and ends with a Linear layer and no two activations touch: only then are the
    activations' inputs Gaussian in the wide limit, which the kernel recursion rests on.
    metric: what inner products of inputs are taken in, <x, y> = x^T M y / inputs: the diagonal (inputs,) of a positive
    definite matrix M, or all of it (inputs, inputs); None for the identity. It is kept as a tuple of rows, of a
    diagonal one. Source: recursive feature machines (Radhakrishnan et al. 2024, equation 2); kernels with automatic
    relevance determination have diagonal ones.
    Raises InvalidArgument for layers that make no such network, and a metric that is not positive definite.
    """

    inputs: int
    layers: Sequential
    outputs: int = 1
    metric: tuple[tuple[float, ...], ...] | None = None

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
        _check_starts(flat)
        if self.metric is not None:
            object.__setattr__(self, "metric", as_rows(self.metric, self.inputs))

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

    @property
    def is_undetermined_at_zero(self) -> bool:
        """Whether the NTK of an input of zeros hangs on what the derivative of a kink is called at the kink itself.

        So it is where biases start at zero and move: what an activation gets of that input is exactly 0.
        """
        is_zero, moves = True, False
        for layer in self.walk():
            if isinstance(layer, Linear):
                is_zero, moves = is_zero and layer.bias_std == 0, moves or layer.rates[1] > 0
            elif isinstance(layer, Activation):
                if is_zero and moves and layer.kinked:
                    return True
                is_zero = is_zero and layer(torch.zeros(())).item() == 0
        return False

    def deeper(self, times: int = 1) -> Self:
        """The architecture with its last hidden layer, and the Linear layer behind it, `times` times more."""
        layers = self.walk()
        return replace(self, layers=Sequential(*layers, *layers[-2:] * times))

    def mapped(self, change: Callable[[Layer], Layer]) -> Self:
        """The architecture with `change` of each layer in its place."""
        return replace(self, layers=Sequential(*map(change, self.walk())))

    def standard(self, width: int | Sequence[int]) -> Self:
        """The architecture with the rates of standard parameterisation at that width: fan_in, and 1 for biases.

        width: units in every hidden layer, or one number for each. Rates of 0 stay, and a Linear layer without a bias
        gets none. The NTK of such a network at that width fluctuates about the kernel of the architecture returned.
        Source: Sohl-Dickstein et al. 2020, section 2. Raises InvalidArgument for widths of another number.
        """
        fans = iter([self.inputs, *self.hidden_widths(width)])

        def change(layer: Layer) -> Layer:
            if not isinstance(layer, Linear):
                return layer
            fan_in, (weight_rate, bias_rate) = next(fans), layer.rates
            return replace(layer, weight_rate=fan_in * (weight_rate > 0), bias_rate=1.0 * (bias_rate > 0))

        return self.mapped(change)

    def hidden_widths(self, width: int | Sequence[int]) -> list[int]:
        """The units of each hidden layer. Raises InvalidArgument for another number of them, or what is none."""
        widths = list(width) if isinstance(width, Sequence) else [width] * self.depth
        whole = all(isinstance(n, Integral) and not isinstance(n, bool) and n >= 1 for n in widths)
        if len(widths) != self.depth or not whole:
            expected = f"an integer >= 1, or {self.depth} of them, one per hidden layer"
            remedy = "Pass one width for all hidden layers, or one each."
            raise InvalidArgument("width", repr(width), expected, remedy)
        return [int(n) for n in widths]

    def to_json(self) -> str:
        """One line of JSON; equal architectures give equal text."""
        return serialization.to_json(self)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads what `to_json` wrote; raises InvalidArgument for anything else."""
        return serialization.from_json(text, cls)


def _check_starts(layers: Sequence[Layer]) -> None:
    """Raises InvalidArgument where all that an activation gets starts at 0, at which its derivative jumps."""
    dead = False
    for place, layer in enumerate(layers):
        if isinstance(layer, Linear):
            dead = layer.bias_std == 0 and (dead or layer.weight_std == 0)
        elif isinstance(layer, Activation) and dead:
            if layer.kinked:
                got = f"{layer!r} in place {place}, whose inputs all start at 0, where its derivative jumps"
                raise InvalidArgument(
                    "layers", got, "inputs that start elsewhere", "Let a bias start random."
                )
            dead = layer(torch.zeros(())).item() == 0


def mlp(
    *,
    inputs: int,
    depth: int,
    activation: Activation = ReLU(),
    weight_std: float = 1.0,
    bias_std: float = 0.0,
    outputs: int = 1,
    weight_rate: float | None = None,
    bias_rate: float | None = None,
) -> Architecture:
    """A multilayer perceptron of `depth` hidden layers, all with the same standard deviations and rates.

    Raises InvalidArgument for a depth that is not a positive integer, and as Architecture does.
    """
    if isinstance(depth, bool) or not isinstance(depth, int) or depth < 1:
        remedy = "Depth counts hidden layers; for a linear model write Architecture(...) out."
        raise InvalidArgument("depth", repr(depth), "an integer >= 1", remedy)
    linear = Linear(weight_std=weight_std, bias_std=bias_std, weight_rate=weight_rate, bias_rate=bias_rate)
    layers = Sequential(*[linear, activation] * depth, linear)
    return Architecture(inputs=inputs, outputs=outputs, layers=layers)
