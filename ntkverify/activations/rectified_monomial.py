"""Powers of the positive part, and the sign: arc-cosine kernels of any degree (Cho & Saul 2009)."""

import math
from dataclasses import dataclass

import torch
from numpy.polynomial.legendre import leggauss
from torch import Tensor

from ntkverify.activations.base import Activation, SecondMoments, degree, registered
from ntkverify.errors import InvalidArgument

NODES = 24
"""Gauss-Legendre nodes: the integrands are trigonometric polynomials of low degree on less than a turn."""


@registered(10, growing=[(2,)], stax=lambda it: ("RectifiedMonomial", {"degree": it.degree}))
@dataclass(frozen=True)
class RectifiedMonomial(Activation):
    """max(x, 0)^degree. Raises InvalidArgument for a degree that is not an integer >= 1."""

    degree: int

    def __post_init__(self) -> None:
        degree("degree", self.degree, 1)

    @property
    def kinked(self) -> bool:
        return self.degree == 1

    @property
    def homogeneous(self) -> int:
        return self.degree

    def __call__(self, x: Tensor) -> Tensor:
        return x.clamp(min=0) ** self.degree

    def dual(self, moments: SecondMoments) -> SecondMoments:
        (angle, supplement), k = moments.angles, self.degree
        whole = math.pi * _double_factorial(2 * k - 1)  # of J_k, at angle 0
        cosine = arc_cosine(supplement, k) / whole
        deficit = torch.where(angle < 1, _arc_cosine_deficit(angle, k) / whole, 1 - cosine)
        variance1, variance2 = (whole / (2 * math.pi) * v**k for v in (moments.variance1, moments.variance2))
        return SecondMoments(
            variance1=variance1,
            variance2=variance2,
            covariance=moments.scale**k * cosine * (whole / (2 * math.pi)),
            one_minus_cosine=deficit,
            one_plus_cosine=1 + cosine,
            quadrature_error=moments.quadrature_error,
        )

    def dual_derivative(self, moments: SecondMoments) -> Tensor:
        _, supplement = moments.angles
        below = self.degree - 1
        return self.degree**2 * moments.scale**below * arc_cosine(supplement, below) / (2 * math.pi)


@registered(11, stax=lambda _: ("Sign", {}))
@dataclass(frozen=True)
class Sign(Activation):
    """-1, 0 or 1. It has an NNGP and no NTK. Arc-sine law: Sheppard 1899; Williams 1998, section 3.1."""

    kinked = True
    homogeneous = 0

    def __call__(self, x: Tensor) -> Tensor:
        return torch.sign(x)

    def dual(self, moments: SecondMoments) -> SecondMoments:
        angle, supplement = moments.angles
        alive = (moments.scale > 0).to(angle)  # the sign of 0 is 0
        return SecondMoments(
            variance1=(moments.variance1 > 0).to(angle),
            variance2=(moments.variance2 > 0).to(angle),
            covariance=alive * (supplement - angle) / math.pi,
            one_minus_cosine=2 / math.pi * angle,
            one_plus_cosine=2 / math.pi * supplement,
            quadrature_error=moments.quadrature_error,
        )

    def dual_derivative(self, moments: SecondMoments) -> Tensor:
        raise InvalidArgument(
            "activation",
            "Sign()",
            "one whose derivative has a finite second moment",
            "The sign's derivative is a Dirac delta: its dual is infinite on the diagonal, so there is no "
            "NTK. Ask for the NNGP, or take Erf, its smooth relative.",
        )


def arc_cosine(supplement: Tensor, k: int) -> Tensor:
    """Computes J_k of Cho & Saul (equation 4), of the angle pi - supplement, accurate relative to itself.

    In polar coordinates J_k = 2^k k! times the integral of (sin(x/2 + p) sin(x/2 - p))^k over
    |p| < x/2 at supplement x: a positive integrand, so nothing cancels.
    """
    if k == 0:
        return supplement
    half, total = supplement / 2, torch.zeros_like(supplement)
    for node, weight in zip(*leggauss(NODES + k), strict=True):
        product = torch.sin(half * (1 + node)) * torch.sin(half * (1 - node))
        total = total + weight * product**k
    return 2**k * math.factorial(k) * half * total


def _arc_cosine_deficit(angle: Tensor, k: int) -> Tensor:
    """J_k(0) - J_k(angle) = k^2 int_0^angle J_{k-1}(t) sin t dt, another positive integrand."""
    total = torch.zeros_like(angle)
    for node, weight in zip(*leggauss(NODES), strict=True):
        t = angle * ((1 + node) / 2)
        total = total + weight * arc_cosine(math.pi - t, k - 1) * torch.sin(t)
    return k**2 * angle / 2 * total


def _double_factorial(n: int) -> int:
    return math.prod(range(n, 0, -2))
