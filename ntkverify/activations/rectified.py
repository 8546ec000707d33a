"""Activations that are powers of the positive part: arc-cosine kernels."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ntkverify.activations.base import Activation, SecondMoments, root


@dataclass(frozen=True)
class ReLU(Activation):
    """max(x, 0). Arc-cosine kernels of degree 1 and 0 (Cho & Saul 2009, equation 6)."""

    kinked = True
    homogeneous = 1

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


def _angles(moments: SecondMoments) -> tuple[Tensor, Tensor]:
    """(n1, n2) each: the angle in [0, pi] and its supplement, both accurate near 0 and near pi."""
    near, far = root(moments.one_minus_cosine), root(moments.one_plus_cosine)
    return 2 * torch.atan2(near, far), 2 * torch.atan2(far, near)


_SERIES = tuple((-1) ** (k + 1) * 2 * k / math.factorial(2 * k + 1) for k in range(1, 9))


def _sine_minus_x_cosine(x: Tensor) -> Tensor:
    """sin x - x cos x on [0, pi], by its Taylor series below 1/2, where the difference cancels."""
    square = x * x
    series = torch.zeros_like(x)
    for coefficient in reversed(_SERIES):
        series = (series + coefficient) * square
    return torch.where(x < 0.5, series * x, x.sin() - x * x.cos())
