"""The Gaussian error linear unit: closed forms (Tsuchida, Roosta & Gallagher 2021, equations 5-6)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ntkverify.activations.base import Activation, SecondMoments, columns, registered
from ntkverify.activations.deficits import cosine_deficits


@registered(4, drawn=[()], suspected=[()], stax=lambda _: ("Gelu", {}))
@dataclass(frozen=True)
class GELU(Activation):
    """x times the probability that a standard Gaussian is below x (Hendrycks & Gimpel 2016)."""

    def __call__(self, x: Tensor) -> Tensor:
        return torch.nn.functional.gelu(x)

    def dual(self, moments: SecondMoments) -> SecondMoments:
        a, b = columns(moments)
        gram = (a * moments.one_minus_cosine) * (b * moments.one_plus_cosine)
        variance1, variance2 = (
            _covariance(v, v, v, torch.zeros_like(v)) for v in (moments.variance1, moments.variance2)
        )
        covariance = _covariance(a, b, moments.covariance, gram)
        duals = (variance1, variance2, covariance)
        minus, plus = cosine_deficits(self, self.dual_derivative, moments, *duals)
        return SecondMoments(
            variance1=variance1,
            variance2=variance2,
            covariance=covariance,
            one_minus_cosine=minus,
            one_plus_cosine=plus,
            quadrature_error=moments.quadrature_error,
        )

    def dual_derivative(self, moments: SecondMoments) -> Tensor:
        (a, b), c = columns(moments), moments.covariance
        determinant = 1 + a + b + (a * moments.one_minus_cosine) * (b * moments.one_plus_cosine)
        slope = c * (1 / (1 + a) + 1 / (1 + b)) / determinant.sqrt() + c / determinant**1.5
        return 0.25 + (torch.atan2(c, determinant.sqrt()) + slope) / (2 * math.pi)


def _covariance(a: Tensor, b: Tensor, c: Tensor, gram: Tensor) -> Tensor:
    """E phi(u) phi(v), gram = ab - c^2: an odd part c/4, and an even part of positive terms."""
    determinant, product = 1 + a + b + gram, (1 + a) * (1 + b)
    slanted = c * torch.atan2(c, determinant.sqrt()) + a * b * determinant.sqrt() / product
    return c / 4 + (slanted + c**2 / (product * determinant.sqrt())) / (2 * math.pi)
