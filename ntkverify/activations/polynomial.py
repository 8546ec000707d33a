"""Polynomials, by their expansion in Hermite polynomials: E h_j(z) h_k(z') = rho^k where j = k, else 0
(O'Donnell 2014, proposition 11.31; Daniely, Frostig & Singer 2016, section 4)."""

import math
from dataclasses import dataclass
from functools import reduce

import torch
from numpy.polynomial.hermite_e import herme2poly
from torch import Tensor

from ntkverify.activations.base import Activation, SecondMoments, StaxLayer, degree, ratio, registered, root

STAX_DEGREES = 5
"""The highest degree of stax.Monomial."""


def _stax_monomial(it: "Monomial") -> StaxLayer | None:
    return ("Monomial", {"degree": it.degree}) if it.degree <= STAX_DEGREES else None


def _stax_polynomial(it: "Hermite") -> StaxLayer:
    # stax.Hermite is right for inputs of variance 1 only, which no first layer promises.
    coefficients = herme2poly([0] * it.degree + [1]) / math.sqrt(math.factorial(it.degree))
    return "Polynomial", {"coef": list(coefficients)}


class Polynomial(Activation):
    """`coefficients(variance)`: (n,) -> {k: (n,)}, those of phi(sqrt(variance) z) in normalised h_k(z)."""

    polynomial = True

    def coefficients(self, variance: Tensor) -> dict[int, Tensor]:
        """Expands phi at every variance."""
        raise NotImplementedError

    def dual(self, moments: SecondMoments) -> SecondMoments:
        first, second = self.coefficients(moments.variance1), self.coefficients(moments.variance2)
        variance1, variance2 = (reduce(torch.add, (p**2 for p in of.values())) for of in (first, second))
        minus = plus = covariance = torch.zeros_like(moments.covariance)
        for k in first:
            below, above = _one_minus_plus_power(moments, k)
            covariance = covariance + first[k][:, None] * second[k][None, :] * (above - below) / 2
            p, q = (ratio(of[k], root(v)) for of, v in ((first, variance1), (second, variance2)))
            product, distance = p[:, None] * q[None, :], (p[:, None] - q[None, :]) ** 2 / 2
            minus = minus + product * below + distance
            plus = plus + product * above + distance
        return SecondMoments(
            variance1=variance1,
            variance2=variance2,
            covariance=covariance,
            one_minus_cosine=minus.clamp(0, 2),
            one_plus_cosine=plus.clamp(0, 2),
            quadrature_error=moments.quadrature_error,
        )


@registered(13, growing=[(3,)], suspected=[(1,), (2,)], stax=_stax_monomial)
@dataclass(frozen=True)
class Monomial(Polynomial):
    """x^degree. Raises InvalidArgument for a degree that is not an integer >= 1."""

    degree: int

    def __post_init__(self) -> None:
        degree("degree", self.degree, 1)

    @property
    def homogeneous(self) -> int:
        return self.degree

    def __call__(self, x: Tensor) -> Tensor:
        return x**self.degree

    def coefficients(self, variance: Tensor) -> dict[int, Tensor]:
        n, power = self.degree, root(variance) ** self.degree
        return {
            n - 2 * j: power
            * (math.factorial(n) / (2**j * math.factorial(j) * math.sqrt(math.factorial(n - 2 * j))))
            for j in range(n // 2 + 1)
        }

    def dual_derivative(self, moments: SecondMoments) -> Tensor:
        if self.degree == 1:
            return torch.ones_like(moments.covariance)
        return self.degree**2 * Monomial(self.degree - 1).dual(moments).covariance


@registered(14, growing=[(3,)], stax=_stax_polynomial)
@dataclass(frozen=True)
class Hermite(Polynomial):
    """The normalised probabilists' Hermite polynomial of a degree >= 1, at inputs of any variance.

    Raises InvalidArgument for a degree that is not an integer >= 1.
    """

    degree: int

    def __post_init__(self) -> None:
        degree("degree", self.degree, 1)

    def __call__(self, x: Tensor) -> Tensor:
        before, value = torch.zeros_like(x), torch.ones_like(x)
        for k in range(self.degree):
            before, value = value, (x * value - math.sqrt(k) * before) / math.sqrt(k + 1)
        return value

    def coefficients(self, variance: Tensor) -> dict[int, Tensor]:
        """Follows from He_n(s z) = sum_j n! / (2^j j! (n-2j)!) (s^2 - 1)^j s^(n-2j) He_(n-2j)(z)."""
        n, size = self.degree, root(variance)
        return {
            n - 2 * j: (variance - 1) ** j
            * size ** (n - 2 * j)
            * (math.sqrt(math.factorial(n) / math.factorial(n - 2 * j)) / (2**j * math.factorial(j)))
            for j in range(n // 2 + 1)
        }

    def dual_derivative(self, moments: SecondMoments) -> Tensor:
        if self.degree == 1:
            return torch.ones_like(moments.covariance)
        return self.degree * Hermite(self.degree - 1).dual(moments).covariance


def _one_minus_plus_power(moments: SecondMoments, k: int) -> tuple[Tensor, Tensor]:
    """(n1, n2) each: 1 - rho^k and 1 + rho^k, without cancellation at either end."""
    minus, plus = moments.one_minus_cosine, moments.one_plus_cosine
    if k == 0:
        return torch.zeros_like(minus), torch.full_like(minus, 2)
    nearest = torch.minimum(minus, plus)
    # 1 - (1 - x)^k = x times a sum of powers, all positive.
    deficit = nearest * sum((1 - nearest) ** i for i in range(k))
    flips = (plus < minus) & bool(k % 2)
    return torch.where(flips, 2 - deficit, deficit), torch.where(flips, deficit, 2 - deficit)
