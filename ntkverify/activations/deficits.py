"""1 -+ the cosine behind an activation whose closed form, or lack of one, would lose it to cancellation.

Along the arc from u parallel to v (sign 1) or opposite to it (sign -1) the covariance C changes by
sqrt(ab) times the integral of the derivative's dual over the cosine (Price 1958): an integral, not a
difference. What is left at the end of the arc, where u and v are multiples of one number z, is the squared
distance of two functions of z.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from numpy.polynomial.legendre import leggauss
from torch import Tensor

from ntkverify.activations.base import SecondMoments, columns, ratio, root
from ntkverify.activations.quadrature import TAIL, Function, gaussian_nodes

DualDerivative = Callable[[SecondMoments], Tensor]

LONGEST_ARC = 0.5
"""Further from either end nothing cancels, and the covariance itself serves."""

ARC_NODES = 10
END_PANELS, END_NODES = 24, 12


def cosine_deficits(
    function: Function,
    dual_derivative: DualDerivative,
    moments: SecondMoments,
    variance1: Tensor,
    variance2: Tensor,
    covariance: Tensor,
) -> tuple[Tensor, Tensor]:
    """Returns, (n1, n2) each, 1 - cosine and 1 + cosine of phi(u), phi(v).

    moments: of u and v; variance1 (n1,), variance2 (n2,), covariance (n1, n2): E phi(u)^2, E phi(v)^2,
    E phi(u) phi(v).
    """
    angle, supplement = moments.angles
    acute = angle <= math.pi / 2
    size = root(variance1)[:, None] * root(variance2)[None, :]
    length = torch.where(acute, angle, supplement)
    arc = ratio(_arc(dual_derivative, moments, length.clamp(max=LONGEST_ARC), acute), size)
    ends = [_end(function, moments, variance1, variance2, acute, sign) for sign in (1, -1)]
    minus = torch.where(acute, ends[0] + arc, ends[0] - arc)
    plus = torch.where(acute, ends[1] - arc, ends[1] + arc)
    short, cosine = length <= LONGEST_ARC, ratio(covariance, size)
    minus, plus = torch.where(short, minus, 1 - cosine), torch.where(short, plus, 1 + cosine)
    return minus.clamp(0, 2), plus.clamp(0, 2)


def _arc(dual_derivative: DualDerivative, moments: SecondMoments, length: Tensor, acute: Tensor) -> Tensor:
    """sqrt(ab) int_0^length (dual of the derivative, that far from the end) sin t dt."""
    total = torch.zeros_like(length)
    for node, weight in zip(*leggauss(ARC_NODES), strict=True):
        t = length * ((1 + node) / 2)
        near, far = 2 * torch.sin(t / 2) ** 2, 2 * torch.cos(t / 2) ** 2
        minus, plus = torch.where(acute, near, far), torch.where(acute, far, near)
        there = replace(
            moments,
            covariance=moments.scale * (plus - minus) / 2,
            one_minus_cosine=minus,
            one_plus_cosine=plus,
        )
        total = total + weight * dual_derivative(there) * torch.sin(t)
    return moments.scale * total * length / 2


def _end(
    function: Function, moments: SecondMoments, variance1: Tensor, variance2: Tensor, acute: Tensor, sign: int
) -> Tensor:
    """E (phi(s z)/|phi| - sign phi(+-t z)/|phi|)^2 / 2, at the nearer end of the arc."""
    s, t, alpha, beta = torch.broadcast_tensors(
        *(root(part) for part in columns(moments)), root(variance1)[:, None], root(variance2)[None, :]
    )
    alive = (alpha > 0) & (beta > 0)
    parts = (s, torch.where(acute, t, -t), torch.where(alive, alpha, 1), sign * torch.where(alive, beta, 1))
    s, t, alpha, beta = (part[..., None] for part in parts)
    breaks = torch.linspace(-TAIL, TAIL, END_PANELS + 1, dtype=s.dtype, device=s.device)
    z, weights = gaussian_nodes(breaks[None], END_NODES)
    distance = (weights * (function(s * z) / alpha - function(t * z) / beta) ** 2).sum(dim=-1) / 2
    return torch.where(alive, distance, 1)
