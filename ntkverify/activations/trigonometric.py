"""Sines and cosines: kernels of hyperbolic functions, and of distances (Rahimi & Recht 2007).

From E exp(i (u -+ v)) = exp(-E(u -+ v)^2 / 2); see also Louart, Liao & Couillet 2018, table 1.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ntkverify.activations.base import (
    Activation,
    SecondMoments,
    columns,
    positive_number,
    ratio,
    registered,
    root,
    squared_distance,
)


@registered(5, drawn=[()], suspected=[()], stax=lambda _: ("Sin", {}))
@dataclass(frozen=True)
class Sin(Activation):
    """sin x: E sin u sin v = exp(-(a + b)/2) sinh c."""

    def __call__(self, x: Tensor) -> Tensor:
        return torch.sin(x)

    def dual(self, moments: SecondMoments) -> SecondMoments:
        return _dual(moments, sign=-1)

    def dual_derivative(self, moments: SecondMoments) -> Tensor:
        return _product(moments, sign=1)


@registered(6, drawn=[()], suspected=[()], stax=lambda _: ("Cos", {}))
@dataclass(frozen=True)
class Cos(Activation):
    """cos x: E cos u cos v = exp(-(a + b)/2) cosh c."""

    def __call__(self, x: Tensor) -> Tensor:
        return torch.cos(x)

    def dual(self, moments: SecondMoments) -> SecondMoments:
        return _dual(moments, sign=1)

    def dual_derivative(self, moments: SecondMoments) -> Tensor:
        return _product(moments, sign=-1)


@registered(8, drawn=[(0.7,)], stax=lambda it: ("Rbf", {"gamma": it.gamma}))
@dataclass(frozen=True)
class RBF(Activation):
    """sqrt(2) sin(sqrt(2 gamma) x + pi/4), whose dual is exp(-gamma E(u - v)^2) (Rahimi & Recht 2007).

    Raises InvalidArgument for a gamma that is not positive.
    """

    gamma: float = 1.0

    def __post_init__(self) -> None:
        positive_number("gamma", self.gamma)

    def __call__(self, x: Tensor) -> Tensor:
        return math.sqrt(2) * torch.sin(math.sqrt(2 * self.gamma) * x + math.pi / 4)

    def dual(self, moments: SecondMoments) -> SecondMoments:
        exponent = -self.gamma * squared_distance(moments)
        return SecondMoments(
            variance1=torch.ones_like(moments.variance1),
            variance2=torch.ones_like(moments.variance2),
            covariance=exponent.exp(),
            one_minus_cosine=-torch.expm1(exponent),
            one_plus_cosine=1 + exponent.exp(),
            quadrature_error=moments.quadrature_error,
        )

    def dual_derivative(self, moments: SecondMoments) -> Tensor:
        return 2 * self.gamma * torch.exp(-self.gamma * squared_distance(moments))


def _product(moments: SecondMoments, sign: int) -> Tensor:
    """(n1, n2): exp(-(a + b)/2) cosh c for sign 1, sinh c for sign -1, at any size of a, b, c."""
    near, far = squared_distance(moments) / 2, squared_distance(moments, -1) / 2  # (a + b)/2 -+ c
    if sign > 0:
        return (torch.exp(-near) + torch.exp(-far)) / 2
    c = moments.covariance
    large = torch.sign(c) * torch.exp(-torch.minimum(near, far)) * -torch.expm1(-2 * c.abs()) / 2
    small = c.abs() < 1  # where sinh is safe, and has a gradient at 0
    return torch.where(small, torch.exp(-(near + far) / 2) * torch.sinh(torch.where(small, c, 0)), large)


def _dual(moments: SecondMoments, sign: int) -> SecondMoments:
    """The dual of cos for sign 1, of sin for sign -1.

    With R^2 the product of the variances and C the covariance, all times exp(a + b): R^2 - C^2 =
    sinh((a+b)/2 + c) sinh((a+b)/2 - c) + sign sinh^2((a-b)/2), from which 1 - C/R without cancellation.
    """
    a, b = columns(moments)
    variance1, variance2 = (
        (1 + torch.exp(-2 * v)) / 2 if sign > 0 else -torch.expm1(-2 * v) / 2
        for v in (moments.variance1, moments.variance2)
    )
    covariance = _product(moments, sign)
    size = root(variance1)[:, None] * root(variance2)[None, :]
    damped = [-torch.expm1(-squared_distance(moments, side)) / 2 for side in (1, -1)]
    spread = torch.exp(-torch.minimum(a, b)) * torch.expm1(-(a - b).abs()) / 2
    product, divisor = damped[0] * damped[1], size * (size + covariance.abs())
    # Where the product is large the cosine is far from 1, and nothing is lost by reading it off.
    deficit = torch.where(
        product <= divisor, ratio(product + sign * spread**2, divisor), 1 - ratio(covariance.abs(), size)
    ).clamp(0, 1)
    opposite, cosine = covariance < 0, ratio(covariance, size)
    between = cosine.abs() < 0.5  # nothing cancels, and |C| has no gradient at 0
    return SecondMoments(
        variance1=variance1,
        variance2=variance2,
        covariance=covariance,
        one_minus_cosine=torch.where(between, 1 - cosine, torch.where(opposite, 2 - deficit, deficit)),
        one_plus_cosine=torch.where(between, 1 + cosine, torch.where(opposite, deficit, 2 - deficit)),
        quadrature_error=moments.quadrature_error,
    )
