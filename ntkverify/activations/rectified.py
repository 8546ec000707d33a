"""Activations that are linear on either side of 0: arc-cosine kernels of degree 1 and 0."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ntkverify.activations.base import Activation, SecondMoments, positive_number, registered


class Rectifier(Activation):
    """negative * min(x, 0) + positive * max(x, 0), for `slopes` (negative, positive).

    With phi(x) = (positive + negative)/2 x + (positive - negative)/2 |x|, whose parts do not mix, everything
    follows from the duals of x and of |x| (Cho & Saul 2009, equation 6, for max(x, 0)).
    """

    kinked = True
    homogeneous = 1

    @property
    def slopes(self) -> tuple[float, float]:
        """Are the slopes below 0 and above it."""
        raise NotImplementedError

    def __call__(self, x: Tensor) -> Tensor:
        negative, positive = self.slopes
        return negative * x.clamp(max=0) + positive * x.clamp(min=0)

    def dual(self, moments: SecondMoments) -> SecondMoments:
        (negative, positive), (angle, supplement) = self.slopes, moments.angles
        odd, even, size = _shares(self.slopes)
        acute = angle <= supplement
        smaller = torch.where(acute, angle, supplement)
        sine, cosine = smaller.sin(), smaller.cos()
        gap = _sine_minus_x_cosine(smaller, sine, cosine)
        # E|u||v| / sqrt(ab) = 1 - deficit, the same for an angle and its supplement.
        nearest = torch.where(acute, moments.one_minus_cosine, moments.one_plus_cosine)
        deficit = nearest - 2 / math.pi * gap
        # sin y - y cos y for the supplement y, which is the smaller angle x, or pi - x.
        rectified = torch.where(acute, sine + (math.pi - smaller) * cosine, gap)
        rectified = moments.scale * rectified / (2 * math.pi)
        return SecondMoments(
            variance1=size * moments.variance1,
            variance2=size * moments.variance2,
            covariance=negative * positive * moments.covariance + (positive - negative) ** 2 * rectified,
            one_minus_cosine=(odd * moments.one_minus_cosine + even * deficit) / size,
            one_plus_cosine=(odd * moments.one_plus_cosine + even * (2 - deficit)) / size,
            quadrature_error=moments.quadrature_error,
        )

    def dual_derivative(self, moments: SecondMoments) -> Tensor:
        (negative, positive), (_, supplement) = self.slopes, moments.angles
        return negative * positive + (positive - negative) ** 2 * supplement / (2 * math.pi)


def _shares(slopes: tuple[float, float]) -> tuple[float, float, float]:
    """What the odd part and the even part add to E phi(u)^2 / E u^2, and their sum."""
    negative, positive = slopes
    odd, even = ((positive + negative) / 2) ** 2, ((positive - negative) / 2) ** 2
    return odd, even, odd + even


@registered(0, drawn=[()], suspected=[()], stax=lambda _: ("Relu", {}))
@dataclass(frozen=True)
class ReLU(Rectifier):
    """max(x, 0)."""

    slopes = (0.0, 1.0)


@registered(3, drawn=[()], suspected=[()], stax=lambda _: ("Abs", {}))
@dataclass(frozen=True)
class Abs(Rectifier):
    """|x|."""

    slopes = (-1.0, 1.0)


@registered(
    2,
    drawn=[(0.25,)],
    suspected=[(0.01,), (0.1,), (0.2,), (0.3,)],
    stax=lambda it: ("LeakyRelu", {"alpha": it.negative_slope}),
)
@dataclass(frozen=True)
class LeakyReLU(Rectifier):
    """max(x, 0) + negative_slope * min(x, 0). Raises InvalidArgument for a slope that is not finite."""

    negative_slope: float = 0.01

    def __post_init__(self) -> None:
        positive_number("negative_slope", self.negative_slope, least=-math.inf)

    @property
    def slopes(self) -> tuple[float, float]:
        return self.negative_slope, 1.0


@registered(9, drawn=[(-0.3, 0.8)], stax=lambda it: ("ABRelu", {"a": it.a, "b": it.b}))
@dataclass(frozen=True)
class ABReLU(Rectifier):
    """a * min(x, 0) + b * max(x, 0). Raises InvalidArgument where one is not finite, or both are 0."""

    a: float
    b: float

    def __post_init__(self) -> None:
        for name in ("a", "b"):
            positive_number(name, getattr(self, name), least=-math.inf)
        positive_number("a^2 + b^2", self.a**2 + self.b**2)

    @property
    def slopes(self) -> tuple[float, float]:
        return self.a, self.b


_SERIES = tuple((-1) ** (k + 1) * 2 * k / math.factorial(2 * k + 1) for k in range(1, 9))


def _sine_minus_x_cosine(x: Tensor, sine: Tensor, cosine: Tensor) -> Tensor:
    """sin x - x cos x on [0, pi/2], by its Taylor series below 1/2, where the difference cancels."""
    difference, small = sine - x * cosine, x < 0.5
    if not small.any():
        return difference
    square, series = x * x, torch.zeros_like(x)
    for coefficient in reversed(_SERIES):
        series = (series + coefficient) * square
    return torch.where(small, series * x, difference)
