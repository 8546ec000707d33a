"""Expansions in Hermite polynomials: integrals for every point, and a sum for every pair of points.

For u = s z and v = t z' with z, z' standard normal of correlation r, E phi(u) phi(v) = sum_k a_k(s) a_k(t) r^k,
where a_k(s) = E phi(s z) h_k(z) for orthonormal h_k (Mehler 1866; O'Donnell 2014, proposition 11.31). What the
first K coefficients lack of E phi(s z)^2 bounds what the rest of any such sum can be.
"""

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ntkverify.activations.quadrature import GRADE, RULES, Function, nodes_between, panels_over

WIDEST, WAVE = 0.75, 6.0
"""Width of a panel, at most, and in units of 1 / root k, on which h_k varies."""

REACH = 12.5
"""Standard deviations that are integrated over: exp(-z^2 / 4), by which h_k phi falls, is below 2e-17 there."""

COMPLETE = 1e-14
"""A share of E phi^2 below which a tail is nothing but rounding."""

KEPT = 2**22
"""Values of Hermite functions at nodes, at most, that are kept for the next expansion."""


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
    if kinks:
        z, weights = _nodes(deviations, kinks, terms, rule)
        half, kept = torch.exp(-(z**2) / 4), None
    else:  # every point has the same nodes
        largest = deviations.detach().max().item()
        grade = math.ceil(math.log(largest, GRADE)) if largest > 1 else 0
        z, weights, half, kept = _basis(GRADE**grade, terms, rule, deviations.device)
    values = function(deviations[:, None] * z)
    square = (weights * half**2 * values**2).sum(dim=1)
    weighted = weights * half * values
    if kept is not None:
        coefficients = kept @ weighted.T
    else:
        coefficients = torch.stack([torch.linalg.vecdot(weighted, basis) for basis in _hermite(z, terms)])
    scaled = coefficients / torch.where(square > 0, square, 1).sqrt()
    tail = (1 - (scaled**2).sum(dim=0)).detach()
    return scaled, square, torch.where((square > 0) & (tail > COMPLETE), tail, 0)


def _nodes(deviations: Tensor, kinks: Sequence[float], terms: int, rule: int) -> tuple[Tensor, Tensor]:
    """Returns nodes and weights, (n, nodes) each, of the normal density times exp(z^2 / 2)."""
    panels = math.ceil(2 * REACH / min(WIDEST, WAVE / math.sqrt(terms)))
    z, weights = nodes_between(panels_over(deviations.detach(), kinks, panels, REACH), rule)
    return z, weights / math.sqrt(2 * math.pi)


@functools.lru_cache(maxsize=8)
def _basis(
    deviation: float, terms: int, rule: int, device: torch.device
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """Returns nodes that serve deviations up to one, weights and exp(-z^2 / 4), (1, nodes) each, and the `_hermite`
    functions there, (terms, nodes), unless they are too large to keep."""
    z, weights = _nodes(torch.full((1,), deviation, dtype=torch.float64, device=device), (), terms, rule)
    kept = torch.cat(list(_hermite(z, terms))) if terms * z.numel() <= KEPT else None
    return z, weights, torch.exp(-(z**2) / 4), kept


def _hermite(z: Tensor, terms: int) -> Iterator[Tensor]:
    """Yields exp(-z^2 / 4) h_k(z) at nodes of any shape, k = 0, ..., terms - 1."""
    before, basis = torch.zeros_like(z), torch.exp(-(z**2) / 4)
    for k in range(terms):
        yield basis
        before, basis = basis, (z * basis - math.sqrt(k) * before) / math.sqrt(k + 1)


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
    power, lacking, kept = torch.ones_like(deficit), torch.zeros_like(deficit), 1 - deficit
    total = ((first - second) ** 2).sum(dim=0) / 2
    for product in first * second:
        total = torch.addcmul(total, product, lacking)
        power, lacking = power * kept, torch.addcmul(lacking, power, deficit)
    return total
