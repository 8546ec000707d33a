"""Activations without a closed form: their duals by numeric integration, with an estimate of its error."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ntkverify.activations.base import Activation, SecondMoments, columns, positive_number, registered, root
from ntkverify.activations.deficits import cosine_deficits
from ntkverify.activations.quadrature import mean, mean_of_product
from ntkverify.errors import InvalidArgument

MOST_PANELS = 48

COARSE = 1e-7
"""Relative accuracy where a diagnosis tries an integral: better than what a foreign kernel claims of itself."""


class Numeric(Activation):
    """An activation given by its function alone.

    accuracy: of its duals, relative to sqrt(E phi(u)^2 E phi(v)^2). The panels are halved until two
    resolutions agree to within it; by how much the last two differed is the result's `quadrature_error`.
    The duals raise InvalidArgument where the accuracy is not reached.
    kinks: where the function or its derivative jumps.
    """

    accuracy: float
    kinks: tuple[float, ...] = ()

    def derivative(self, x: Tensor) -> Tensor:
        """phi'(x), elementwise."""
        return torch.func.grad(lambda at: self(at).sum())(x)

    def dual(self, moments: SecondMoments) -> SecondMoments:
        variances = [self._variance(root(v)) for v in (moments.variance1, moments.variance2)]
        size = root(variances[0])[:, None] * root(variances[1])[None, :]
        covariance, error = self._refined(lambda panels: self._product(self, moments, panels), size)
        minus, plus = cosine_deficits(self, self.kinks, self._slope, moments, *variances, covariance)
        return SecondMoments(
            variance1=variances[0],
            variance2=variances[1],
            covariance=covariance,
            one_minus_cosine=minus,
            one_plus_cosine=plus,
            quadrature_error=max(moments.quadrature_error, error),
        )

    def dual_derivative(self, moments: SecondMoments) -> Tensor:
        return self._slope(moments)

    def _variance(self, deviation: Tensor) -> Tensor:
        def integrate(panels: int) -> Tensor:
            return mean(lambda x: self(x) ** 2, deviation, self.kinks, 4 * panels)

        return self._refined(integrate, 1)[0]

    def _slope(self, moments: SecondMoments) -> Tensor:
        return self._refined(lambda panels: self._product(self.derivative, moments, panels), 1)[0]

    def _product(self, function: Callable[[Tensor], Tensor], moments: SecondMoments, panels: int) -> Tensor:
        angle, _ = moments.angles
        parts = torch.broadcast_tensors(*(root(part) for part in columns(moments)), angle)
        flat = (part.reshape(-1) for part in parts)
        return mean_of_product(function, *flat, self.kinks, panels).reshape(angle.shape)

    def _refined(self, integrate: Callable[[int], Tensor], size: Tensor | float) -> tuple[Tensor, float]:
        """The integral, and how far its last two resolutions differ, in units of `size` or of itself."""
        panels, coarse = 6, integrate(6)
        while (panels := 2 * panels) <= MOST_PANELS:
            fine = integrate(panels)
            unit = torch.maximum(torch.as_tensor(size), fine.detach().abs()).clamp(min=1e-300)
            error = ((fine - coarse).detach().abs() / unit).max().item()
            # Single precision cannot agree to better than its own rounding.
            if error <= max(self.accuracy, 64 * torch.finfo(fine.dtype).eps):
                return fine, error
            coarse = fine
        raise InvalidArgument(
            "accuracy",
            f"{self.accuracy:g}",
            f"at least {error:.2g}, what {MOST_PANELS} panels reach for {self!r}",
            "Pass a coarser accuracy, name all kinks, or scale the inputs to variances of order 1.",
        )


@registered
@dataclass(frozen=True)
class Tanh(Numeric):
    """The hyperbolic tangent."""

    place: ClassVar[int] = 15

    accuracy: float = 1e-12

    def __call__(self, x: Tensor) -> Tensor:
        return torch.tanh(x)

    def derivative(self, x: Tensor) -> Tensor:
        return 1 - torch.tanh(x) ** 2

    @classmethod
    def suspected(cls) -> tuple[Activation, ...]:
        return (cls(COARSE),)


@registered
@dataclass(frozen=True)
class Sigmoid(Numeric):
    """1 / (1 + exp(-x))."""

    place: ClassVar[int] = 16

    accuracy: float = 1e-12

    def __call__(self, x: Tensor) -> Tensor:
        return torch.sigmoid(x)

    def derivative(self, x: Tensor) -> Tensor:
        return torch.sigmoid(x) * torch.sigmoid(-x)

    @classmethod
    def suspected(cls) -> tuple[Activation, ...]:
        return (cls(COARSE),)


@registered
@dataclass(frozen=True)
class SiLU(Numeric):
    """x / (1 + exp(-x))."""

    place: ClassVar[int] = 17

    accuracy: float = 1e-12

    def __call__(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(x)

    def derivative(self, x: Tensor) -> Tensor:
        return torch.sigmoid(x) * (1 + x * torch.sigmoid(-x))

    @classmethod
    def suspected(cls) -> tuple[Activation, ...]:
        return (cls(COARSE),)


@registered
@dataclass(frozen=True)
class Custom(Numeric):
    """Your own function, of tensors, elementwise; its derivative is PyTorch's.

    kinks: every point at which the function or its derivative jumps; accuracy as in `Numeric`. It cannot be
    written as JSON, since a function is not a value.
    Raises InvalidArgument for a function that does not keep its argument's shape.
    """

    place: ClassVar[int] = 18

    function: Callable[[Tensor], Tensor]
    kinks: tuple[float, ...] = ()
    accuracy: float = 1e-10
    polynomial: ClassVar[bool] = False

    def __post_init__(self):
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
