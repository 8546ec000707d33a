"""Activations, each with its dual: what a layer does to the covariance of its Gaussian inputs.

For (u, v) ~ N(0, [[a, c], [c, b]]) the dual activation is E[phi(u) phi(v)] and the dual of the
derivative E[phi'(u) phi'(v)] (Daniely, Frostig & Singer 2016; Jacot, Gabriel & Hongler 2018).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ntkverify import serialization


@dataclass(frozen=True, kw_only=True)
class SecondMoments:
    """Second moments of n1 x n2 pairs (u_i, v_j) of centred random variables.

    variance1: (n1,) E[u_i^2]; variance2: (n2,) E[v_j^2]; covariance: (n1, n2) E[u_i v_j].
    one_minus_cosine, one_plus_cosine: (n1, n2), 1 -+ c / sqrt(a b), kept apart because the
    angle near 0 or pi loses half its digits when it is read off the covariance.
    """

    variance1: Tensor
    variance2: Tensor
    covariance: Tensor
    one_minus_cosine: Tensor
    one_plus_cosine: Tensor

    @property
    def scale(self) -> Tensor:
        """(n1, n2): sqrt(a b)."""
        return self.variance1.sqrt()[:, None] * self.variance2.sqrt()[None, :]


@serialization.tagged_family
@dataclass(frozen=True)
class Layer:
    """One step of an architecture: a frozen value that knows no width."""


@dataclass(frozen=True)
class Activation(Layer):
    """An elementwise layer. `kinked`: its derivative jumps; `polynomial`: it is a polynomial."""

    kinked = False
    polynomial = False

    def __call__(self, x: Tensor) -> Tensor:
        """phi(x), elementwise, any shape."""
        raise NotImplementedError

    def dual(self, moments: SecondMoments) -> SecondMoments:
        """Second moments of phi(u), phi(v)."""
        raise NotImplementedError

    def dual_derivative(self, moments: SecondMoments) -> Tensor:
        """(n1, n2): E[phi'(u) phi'(v)]."""
        raise NotImplementedError


@dataclass(frozen=True)
class ReLU(Activation):
    """max(x, 0). Arc-cosine kernels of degree 1 and 0 (Cho & Saul 2009, equation 6)."""

    kinked = True

    def __call__(self, x: Tensor) -> Tensor:
        return torch.relu(x)

    def dual(self, moments: SecondMoments) -> SecondMoments:
        angle, supplement = _angles(moments)
        # (sin t + (pi - t) cos t) / pi with t' = pi - t is (sin t' - t' cos t') / pi.
        cosine = _sine_minus_x_cosine(supplement) / math.pi
        one_minus_cosine = moments.one_minus_cosine - _sine_minus_x_cosine(angle) / math.pi
        return SecondMoments(
            variance1=moments.variance1 / 2,
            variance2=moments.variance2 / 2,
            covariance=moments.scale * cosine / 2,
            one_minus_cosine=one_minus_cosine,
            one_plus_cosine=1 + cosine,
        )

    def dual_derivative(self, moments: SecondMoments) -> Tensor:
        _, supplement = _angles(moments)
        return supplement / (2 * math.pi)


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
        )

    def dual_derivative(self, moments: SecondMoments) -> Tensor:
        return (4 / math.pi) / _erf_determinant(moments).sqrt()


def _angles(moments: SecondMoments) -> tuple[Tensor, Tensor]:
    """(n1, n2) each: the angle in [0, pi] and its supplement, both accurate near 0 and near pi."""
    near, far = _root(moments.one_minus_cosine), _root(moments.one_plus_cosine)
    return 2 * torch.atan2(near, far), 2 * torch.atan2(far, near)


def _root(x: Tensor) -> Tensor:
    """sqrt, with gradient 0 at 0: the kernels have a cusp there, or none at all."""
    positive = x > 0
    return torch.where(positive, x, torch.ones_like(x)).sqrt() * positive


_SERIES = tuple((-1) ** (k + 1) * 2 * k / math.factorial(2 * k + 1) for k in range(1, 9))


def _sine_minus_x_cosine(x: Tensor) -> Tensor:
    """sin x - x cos x on [0, pi], by its Taylor series below 1/2, where the difference cancels."""
    square = x * x
    series = torch.zeros_like(x)
    for coefficient in reversed(_SERIES):
        series = (series + coefficient) * square
    return torch.where(x < 0.5, series * x, x.sin() - x * x.cos())


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
    root1, root2 = variance1.sqrt()[:, None], variance2.sqrt()[None, :]
    gap = _arcsine_gap(a, b, c, determinant, gram) + _arcsine_gap(b, a, c, determinant, gram)
    near = (gap - (root1 - root2) ** 2) / 2
    size = root1 * root2
    far = size - _arcsine(c, determinant)
    # Zero inputs have no angle; any will do, since each use multiplies it by zero.
    safe = torch.where(size > 0, size, torch.ones_like(size))
    return (torch.where(c > 0, near, far) / safe).clamp(0, 2)  # leaves [0, 2] by rounding only


def _arcsine_gap(a: Tensor, b: Tensor, c: Tensor, determinant: Tensor, gram: Tensor) -> Tensor:
    """(2 / pi) (asin(2a / (1 + 2a)) - asin(2c / sqrt((1 + 2a)(1 + 2b)))), accurate for c > 0."""
    root, own = determinant.sqrt(), (1 + 4 * a).sqrt()
    factored = a * (a - b) * (1 + 2 * a) + gram * (1 + 2 * a) ** 2
    divisor = a * root + c * own
    safe = torch.where(divisor > 0, divisor, torch.ones_like(divisor))
    return (2 / math.pi) * torch.atan2(2 * factored / safe, own * root + 4 * a * c)
