"""Activations built from the error function: arc-sine kernels."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ntkverify.activations.base import Activation, SecondMoments, registered, root


@registered(1, drawn=[()], suspected=[()], stax=lambda _: ("Erf", {}))
@dataclass(frozen=True)
class Erf(Activation):
    """The error function. Arc-sine kernel (Williams 1998, equation 11)."""

    def __call__(self, x: Tensor) -> Tensor:
        return torch.erf(x)

    def dual(self, moments: SecondMoments) -> SecondMoments:
        covariance = _arcsine(moments.covariance, _erf_determinant(moments))
        variance1, variance2 = (_arcsine(v, 1 + 4 * v) for v in (moments.variance1, moments.variance2))
        return SecondMoments(
            variance1=variance1,
            variance2=variance2,
            covariance=covariance,
            one_minus_cosine=_erf_deficit(moments, 1.0, variance1, variance2),
            one_plus_cosine=_erf_deficit(moments, -1.0, variance1, variance2),
            quadrature_error=moments.quadrature_error,
        )

    def dual_derivative(self, moments: SecondMoments) -> Tensor:
        return (4 / math.pi) / _erf_determinant(moments).sqrt()


def _arcsine(c: Tensor, determinant: Tensor) -> Tensor:
    """(2 / pi) asin(2 c / sqrt((1 + 2a)(1 + 2b))), with determinant = (1 + 2a)(1 + 2b) - 4 c^2."""
    return (2 / math.pi) * torch.atan2(2 * c, determinant.sqrt())


def _erf_determinant(moments: SecondMoments) -> Tensor:
    """(n1, n2): (1 + 2a)(1 + 2b) - 4 c^2, as a sum of positive terms."""
    a, b = moments.variance1[:, None], moments.variance2[None, :]
    return 1 + 2 * a + 2 * b + 4 * _gram_determinant(moments)


def _gram_determinant(moments: SecondMoments) -> Tensor:
    """(n1, n2): ab - c^2."""
    a, b = moments.variance1[:, None], moments.variance2[None, :]
    return (a * moments.one_minus_cosine) * (b * moments.one_plus_cosine)


def _erf_deficit(moments: SecondMoments, sign: float, variance1: Tensor, variance2: Tensor) -> Tensor:
    """(n1, n2): 1 - sign * cosine of the dual, whose variances are given.

    With A, B, C the dual's moments, sqrt(AB) - C = ((A - C) + (B - C) - (sqrt A - sqrt B)^2) / 2,
    and each difference of arcsines is the arctangent of a difference that is factored by hand.
    """
    a, b, c = moments.variance1[:, None], moments.variance2[None, :], sign * moments.covariance
    determinant, gram = _erf_determinant(moments), _gram_determinant(moments)
    root1, root2 = root(variance1)[:, None], root(variance2)[None, :]
    gap = _arcsine_gap(a, b, c, determinant, gram) + _arcsine_gap(b, a, c, determinant, gram)
    size, spread = root1 * root2, (root1 - root2) ** 2
    near = (gap - spread) / 2
    far = size - _arcsine(c, determinant)
    # Zero inputs have no angle; any will do, since each use multiplies it by zero: a right one, as gradients need.
    safe = torch.where(size > 0, size, torch.ones_like(size))
    # Where the roots differ much the cosine is far from 1, and nothing is lost by reading it off.
    deficit = torch.where((c > 0) & (spread <= size), near, far) / safe
    return torch.where(size > 0, deficit, 1).clamp(0, 2)  # leaves [0, 2] by rounding only


def _arcsine_gap(a: Tensor, b: Tensor, c: Tensor, determinant: Tensor, gram: Tensor) -> Tensor:
    """(2 / pi) (asin(2a / (1 + 2a)) - asin(2c / sqrt((1 + 2a)(1 + 2b)))), accurate for c > 0."""
    root, own = determinant.sqrt(), (1 + 4 * a).sqrt()
    factored = a * (a - b) * (1 + 2 * a) + gram * (1 + 2 * a) ** 2
    divisor = a * root + c * own
    safe = torch.where(divisor > 0, divisor, torch.ones_like(divisor))
    return (2 / math.pi) * torch.atan2(2 * factored / safe, own * root + 4 * a * c)
