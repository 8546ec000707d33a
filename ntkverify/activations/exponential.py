"""Exponentials of x and of x^2: Gaussian integrals (Daniely, Frostig & Singer 2016, table 1)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ntkverify.activations.base import (
    Activation,
    SecondMoments,
    columns,
    positive_number,
    registered,
    squared_distance,
)


@registered(12, growing=[()], stax=lambda _: ("Exp", {}))
@dataclass(frozen=True)
class Exp(Activation):
    """exp x: E exp(u) exp(v) = exp((a + b)/2 + c), its own derivative's dual too."""

    def __call__(self, x: Tensor) -> Tensor:
        return torch.exp(x)

    def dual(self, moments: SecondMoments) -> SecondMoments:
        exponent = -squared_distance(moments) / 2
        return SecondMoments(
            variance1=torch.exp(2 * moments.variance1),
            variance2=torch.exp(2 * moments.variance2),
            covariance=self.dual_derivative(moments),
            one_minus_cosine=-torch.expm1(exponent),
            one_plus_cosine=1 + exponent.exp(),
            quadrature_error=moments.quadrature_error,
        )

    def dual_derivative(self, moments: SecondMoments) -> Tensor:
        return torch.exp(squared_distance(moments, -1) / 2)


@registered(7, drawn=[(0.3,)], stax=lambda it: ("Gaussian", {"b": -it.gamma}))
@dataclass(frozen=True)
class Gaussian(Activation):
    """exp(-gamma x^2). Raises InvalidArgument for a gamma that is not positive."""

    gamma: float = 1.0

    def __post_init__(self) -> None:
        positive_number("gamma", self.gamma)

    def __call__(self, x: Tensor) -> Tensor:
        return torch.exp(-self.gamma * x**2)

    def dual(self, moments: SecondMoments) -> SecondMoments:
        a, b = (2 * self.gamma * v for v in columns(moments))
        determinant, gram = self._determinant(moments)
        # With a and b scaled by 2 gamma: D^2 - (1 + 2a)(1 + 2b) = (a - b)^2 + 2 (1 + a + b) G + G^2.
        excess = (a - b) ** 2 + 2 * (1 + a + b) * gram + gram**2
        logarithm = -torch.log1p(excess / (1 + 2 * a) / (1 + 2 * b)) / 4
        return SecondMoments(
            variance1=(1 + 2 * a[:, 0]) ** -0.5,
            variance2=(1 + 2 * b[0]) ** -0.5,
            covariance=determinant**-0.5,
            one_minus_cosine=-torch.expm1(logarithm),
            one_plus_cosine=1 + logarithm.exp(),
            quadrature_error=moments.quadrature_error,
        )

    def dual_derivative(self, moments: SecondMoments) -> Tensor:
        determinant, _ = self._determinant(moments)
        return 4 * self.gamma**2 * moments.covariance * determinant**-1.5

    def _determinant(self, moments: SecondMoments) -> tuple[Tensor, Tensor]:
        """D = (1 + 2 gamma a)(1 + 2 gamma b) - (2 gamma c)^2 and G = (2 gamma)^2 (ab - c^2), (n1, n2) each."""
        a, b = (2 * self.gamma * v for v in columns(moments))
        gram = (a * moments.one_minus_cosine) * (b * moments.one_plus_cosine)
        return 1 + a + b + gram, gram
