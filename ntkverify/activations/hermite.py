"""Expansions in Hermite polynomials: integrals for every point, and a sum for every pair of points.

For u = s z and v = t z' with z, z' standard normal of correlation r, E phi(u) phi(v) = sum_k a_k(s) a_k(t) r^k,
where a_k(s) = E phi(s z) h_k(z) for orthonormal h_k (Mehler 1866; O'Donnell 2014, proposition 11.31). What the
first K coefficients lack of E phi(s z)^2 bounds what the rest of any such sum can be.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ntkverify.activations.quadrature import RULES, Function, nodes_between, panels_over

WIDEST, WAVE = 0.75, 6.0
"""Width of a panel, at most, and in units of 1 / root k, on which h_k varies."""

REACH = 12.5
"""Standard deviations that are integrated over: exp(-z^2 / 4), by which h_k phi falls, is below 2e-17 there."""

COMPLETE = 1e-14
"""A share of E phi^2 below which a tail is nothing but rounding."""


@dataclass(frozen=True, kw_only=True)
class Expansion:
    """The first K coefficients of phi(s z) for n deviations s, divided by the root of E phi(s z)^2.

    coefficients: (K, n); square: (n,) E phi(s z)^2; tail: (n,) what the squares of the coefficients lack to 1.
    error: the largest distance of these coefficients to those of fewer nodes.
    """

    coefficients: Tensor
    square: Tensor
    tail: Tensor
    error: float


def expand(
    function: Function, deviations: Tensor, kinks: Sequence[float], terms: int, accuracy: float
) -> Expansion:
    """Expands function(s z), elementwise on tensors, for deviations s (n,), float64.

    kinks: where the function or its derivative jumps. More nodes are taken until two rules agree to within
    `accuracy`, or there is no finer one: see the result's error.
    """
    coarse = _integrate(function, deviations, kinks, terms, RULES[0])
    for rule in RULES[1:]:
        fine = _integrate(function, deviations, kinks, terms, rule)
        error = _distance(coarse, fine)
        if error <= accuracy:
            break
        coarse = fine
    return Expansion(coefficients=fine[0], square=fine[1], tail=fine[2], error=error)


def _integrate(
    function: Function, deviations: Tensor, kinks: Sequence[float], terms: int, rule: int
) -> tuple[Tensor, Tensor, Tensor]:
    # With no kink every point has the same nodes, those of the largest deviation.
    scales = deviations if kinks else deviations.max()[None]
    panels = math.ceil(2 * REACH / min(WIDEST, WAVE / math.sqrt(terms)))
    z, weights = nodes_between(panels_over(scales.detach(), kinks, panels, REACH), rule)
    weights = weights / math.sqrt(2 * math.pi)
    values, half = function(deviations[:, None] * z), torch.exp(-(z**2) / 4)
    square = (weights * half**2 * values**2).sum(dim=1)
    weighted, before, basis = weights * half * values, torch.zeros_like(z), half
    coefficients = []
    for k in range(terms):
        coefficients.append((weighted * basis).sum(dim=1) if kinks else weighted @ basis[0])
        before, basis = basis, (z * basis - math.sqrt(k) * before) / math.sqrt(k + 1)
    stacked = torch.stack(coefficients) / torch.where(square > 0, square, 1).sqrt()
    tail = (1 - (stacked**2).sum(dim=0)).detach()
    return stacked, square, torch.where((square > 0) & (tail > COMPLETE), tail, 0)


def _distance(coarse: tuple[Tensor, Tensor, Tensor], fine: tuple[Tensor, Tensor, Tensor]) -> float:
    sizes = torch.where(fine[1] > 0, fine[1], 1)
    squares = ((coarse[1] - fine[1]).abs() / sizes).max()
    return max(float((coarse[0] - fine[0]).detach().norm(dim=0).max()), float(squares.detach()))


def sum_of_products(first: Tensor, second: Tensor, cosine: Tensor) -> Tensor:
    """Returns sum_k a_k b_k r^k for coefficients (K, pairs) each and cosines r (pairs,)."""
    total = torch.zeros_like(cosine)
    for a, b in zip(first.flip(0), second.flip(0), strict=True):
        total = total * cosine + a * b
    return total


def sum_of_square_differences(first: Tensor, second: Tensor, deficit: Tensor) -> Tensor:
    """Returns sum_k (a_k^2 + b_k^2) / 2 - a_k b_k (1 - d)^k for coefficients (K, pairs) each and deficits d
    (pairs,).

    As sum_k (a_k - b_k)^2 / 2 + a_k b_k (1 - (1 - d)^k), which loses no digits to cancellation as d tends to 0.
    """
    total, power, lacking = torch.zeros_like(deficit), torch.ones_like(deficit), torch.zeros_like(deficit)
    for a, b in zip(first, second, strict=True):
        total = total + (a - b) ** 2 / 2 + a * b * lacking
        power, lacking = power * (1 - deficit), lacking + power * deficit
    return total
