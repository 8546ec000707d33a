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
        a, b, c = moments.variance1[:, None], moments.variance2[None, :], moments.covariance
        variance1 = _arcsine_kernel(moments.variance1, moments.variance1, moments.variance1)
        variance2 = _arcsine_kernel(moments.variance2, moments.variance2, moments.variance2)
        covariance = _arcsine_kernel(a, b, c)
        cosine = covariance / (variance1.sqrt()[:, None] * variance2.sqrt()[None, :])
        # Zero inputs have no angle; any will do, since each use multiplies it by zero.
        cosine = cosine.nan_to_num(nan=0.0).clamp(-1, 1)
        return SecondMoments(
            variance1=variance1,
            variance2=variance2,
            covariance=covariance,
            one_minus_cosine=1 - cosine,
            one_plus_cosine=1 + cosine,
        )

    def dual_derivative(self, moments: SecondMoments) -> Tensor:
        a, b, c = moments.variance1[:, None], moments.variance2[None, :], moments.covariance
        return (4 / math.pi) / ((1 + 2 * a) * (1 + 2 * b) - 4 * c**2).sqrt()


def _angles(moments: SecondMoments) -> tuple[Tensor, Tensor]:
    """(n1, n2) each: the angle in [0, pi] and its supplement, both accurate near 0 and near pi."""
    near, far = moments.one_minus_cosine.sqrt(), moments.one_plus_cosine.sqrt()
    return 2 * torch.atan2(near, far), 2 * torch.atan2(far, near)


_SERIES = tuple((-1) ** (k + 1) * 2 * k / math.factorial(2 * k + 1) for k in range(1, 9))


def _sine_minus_x_cosine(x: Tensor) -> Tensor:
    """sin x - x cos x on [0, pi], by its Taylor series below 1/2, where the difference cancels."""
    square = x * x
    series = torch.zeros_like(x)
    for coefficient in reversed(_SERIES):
        series = (series + coefficient) * square
    return torch.where(x < 0.5, series * x, x.sin() - x * x.cos())


def _arcsine_kernel(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    return (2 / math.pi) * torch.asin(2 * c / ((1 + 2 * a) * (1 + 2 * b)).sqrt())
