"""Activations without a closed form: their duals by numeric integration, with an estimate of its error."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor

from ntkverify.activations.base import Activation, Layer, SecondMoments, positive_number, registered, root
from ntkverify.activations.pairs import products, square_differences
from ntkverify.errors import InvalidArgument


class Numeric(Activation):
    """An activation given by its function alone.

    accuracy: of its duals, relative to sqrt(E phi(u)^2 E phi(v)^2); an estimate of what was reached is the
    result's `quadrature_error`. The duals raise InvalidArgument where the accuracy is not reached.
    kinks: where the function or its derivative jumps.
    """

    accuracy: float
    kinks: tuple[float, ...] = ()

    def derivative(self, x: Tensor) -> Tensor:
        """Returns phi'(x), elementwise."""
        return torch.func.grad(lambda at: self(at).sum())(x)

    def dual(self, moments: SecondMoments) -> SecondMoments:
        found = square_differences(self, self.kinks, moments, self.accuracy)
        self._check(found.error)
        alive = (found.square1 > 0)[:, None] & (found.square2 > 0)[None, :]
        acute = moments.one_minus_cosine <= moments.one_plus_cosine
        near = found.values.clamp(0, 2)
        size = root(found.square1)[:, None] * root(found.square2)[None, :]
        return SecondMoments(
            variance1=found.square1,
            variance2=found.square2,
            covariance=size * torch.where(acute, 1 - near, near - 1),
            one_minus_cosine=torch.where(alive, torch.where(acute, near, 2 - near), 1),
            one_plus_cosine=torch.where(alive, torch.where(acute, 2 - near, near), 1),
            quadrature_error=max(moments.quadrature_error, found.error),
        )

    def dual_derivative(self, moments: SecondMoments) -> Tensor:
        found = products(self.derivative, self.kinks, moments, self.accuracy)
        self._check(found.error)
        return found.values

    def _check(self, error: float) -> None:
        if not error <= self.accuracy:
            raise InvalidArgument(
                "accuracy",
                f"{self.accuracy:g}",
                f"at least {error:.2g}, what integration reaches for {self!r}",
                "Pass a coarser accuracy, or name all kinks.",
            )


def any_integrated(layers: Iterable[Layer]) -> bool:
    """Tells whether a dual of one of the layers is integrated."""
    return any(isinstance(layer, Numeric) for layer in layers)


def coarser(layer: Layer, accuracy: float) -> Layer:
    """Returns an activation that is integrated to no more than an accuracy; any other layer as it is."""
    if isinstance(layer, Numeric) and layer.accuracy < accuracy:
        return replace(cast(Any, layer), accuracy=accuracy)
    return layer


@registered(15, suspected=[()])
@dataclass(frozen=True)
class Tanh(Numeric):
    """The hyperbolic tangent."""

    accuracy: float = 1e-12

    def __call__(self, x: Tensor) -> Tensor:
        return torch.tanh(x)

    def derivative(self, x: Tensor) -> Tensor:
        return 1 - torch.tanh(x) ** 2


@registered(16, suspected=[()])
@dataclass(frozen=True)
class Sigmoid(Numeric):
    """1 / (1 + exp(-x))."""

    accuracy: float = 1e-12

    def __call__(self, x: Tensor) -> Tensor:
        return torch.sigmoid(x)

    def derivative(self, x: Tensor) -> Tensor:
        return torch.sigmoid(x) * torch.sigmoid(-x)


@registered(17, suspected=[()])
@dataclass(frozen=True)
class SiLU(Numeric):
    """x / (1 + exp(-x))."""

    accuracy: float = 1e-12

    def __call__(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(x)

    def derivative(self, x: Tensor) -> Tensor:
        return torch.sigmoid(x) * (1 + x * torch.sigmoid(-x))


@registered(18)
@dataclass(frozen=True)
class Custom(Numeric):
    """Your own function, of tensors, elementwise; its derivative is PyTorch's.

    kinks: every point at which the function or its derivative jumps; accuracy as in `Numeric`. It cannot be
    written as JSON, since a function is not a value.
    Raises InvalidArgument for a function that does not keep its argument's shape.
    """

    function: Callable[[Tensor], Tensor]
    kinks: tuple[float, ...] = ()
    accuracy: float = 1e-10

    def __post_init__(self) -> None:
        positive_number("accuracy", self.accuracy)
        object.__setattr__(self, "kinks", tuple(float(kink) for kink in self.kinks))
        probe = torch.linspace(-1, 1, 6, dtype=torch.float64).reshape(2, 3)
        result = self.function(probe)
        if not isinstance(result, Tensor) or result.shape != probe.shape:
            got = f"{type(result).__name__} of shape {tuple(getattr(result, 'shape', ()))} for a tensor of (2, 3)"
            raise InvalidArgument(
                "function", got, "a tensor of the same shape", "Write it elementwise, in torch."
            )

    @property
    def kinked(self) -> bool:
        return bool(self.kinks)

    def __call__(self, x: Tensor) -> Tensor:
        return self.function(x)
