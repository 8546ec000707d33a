"""Gaussian expectations by Gauss-Legendre panels, split where a kink makes the integrand less than smooth."""

import math
from collections.abc import Callable, Sequence

import torch
from numpy.polynomial.legendre import leggauss
from torch import Tensor

Function = Callable[[Tensor], Tensor]

TAIL = 10.0
"""Standard deviations that are integrated over: exp(-TAIL^2 / 2) < 1e-21."""

NODES = 12
"""Per panel."""

PAIRS_AT_ONCE = 2**21
"""Function values held in memory at a time."""


def mean(function: Function, deviation: Tensor, kinks: Sequence[float], panels: int) -> Tensor:
    """E function(deviation z) for z ~ N(0, 1): (n,) for deviations (n,)."""
    z, weights = _nodes(_breaks(deviation, kinks, panels))
    return (weights * function(deviation[:, None] * z)).sum(dim=1)


def mean_of_square_difference(
    function: Function, s: Tensor, t: Tensor, alpha: Tensor, beta: Tensor, kinks: Sequence[float], panels: int
) -> Tensor:
    """E (function(s z) / alpha - function(t z) / beta)^2 / 2 for z ~ N(0, 1); all (n,), t of either sign."""
    outer = torch.cat([_breaks(s, kinks, panels), _kinks_at(t, kinks)], dim=1).sort(dim=1).values
    z, weights = _nodes(outer)
    first, second = function(s[:, None] * z) / alpha[:, None], function(t[:, None] * z) / beta[:, None]
    return (weights * (first - second) ** 2).sum(dim=1) / 2


def mean_of_product(
    function: Function, s: Tensor, t: Tensor, angle: Tensor, kinks: Sequence[float], panels: int
) -> Tensor:
    """E function(u) function(v), u = s z, v = t (z cos angle + z' sin angle); all (n,)."""
    width = (panels * NODES) ** 2 * (1 + 4 * len(kinks)) ** 2
    size = max(1, PAIRS_AT_ONCE // width)
    parts = zip(*(torch.split(part, size) for part in (s, t, angle)), strict=True)
    return torch.cat([_mean_of_product(function, *part, kinks, panels) for part in parts])


def _mean_of_product(
    function: Function, s: Tensor, t: Tensor, angle: Tensor, kinks: Sequence[float], panels: int
) -> Tensor:
    cosine, sine = torch.cos(angle), torch.sin(angle)
    breaks = [_breaks(s, kinks, panels)]
    # Where v crosses a kink for most z', u's integrand turns within a few times the sine.
    for at in _kinks_at(t * cosine, kinks).unbind(dim=1):
        breaks += [
            (at + sine / cosine.abs().clamp(min=0.1) * step).clamp(-TAIL, TAIL)[:, None] for step in STEPS
        ]
    z, weights = _nodes(torch.cat(breaks, dim=1).sort(dim=1).values)  # (pairs, outer)
    shift = (t * cosine)[:, None] * z
    spread = (t * sine)[:, None].expand_as(z)
    inner = _inner_breaks(shift, spread, kinks, panels)
    other, other_weights = _nodes(inner.flatten(0, 1))
    v = shift[:, :, None] + spread[:, :, None] * other.reshape(*shift.shape, -1)
    conditional = (other_weights.reshape(v.shape) * function(v)).sum(dim=2)
    return (weights * function(s[:, None] * z) * conditional).sum(dim=1)


STEPS = (-8.0, -3.0, 0.0, 3.0, 8.0)


def _inner_breaks(shift: Tensor, spread: Tensor, kinks: Sequence[float], panels: int) -> Tensor:
    """(pairs, outer, breaks)."""
    regular = torch.linspace(-TAIL, TAIL, panels + 1, dtype=shift.dtype, device=shift.device)
    breaks = [regular.expand(*shift.shape, -1)]
    safe = torch.where(spread.abs() > 0, spread, 1)
    breaks += [((kink - shift) / safe).clamp(-TAIL, TAIL)[:, :, None] for kink in kinks]
    return torch.cat(breaks, dim=2).sort(dim=2).values.detach()


def _breaks(deviation: Tensor, kinks: Sequence[float], panels: int) -> Tensor:
    """(n, breaks): equal panels, and where deviation z is a kink."""
    regular = torch.linspace(-TAIL, TAIL, panels + 1, dtype=deviation.dtype, device=deviation.device)
    joined = torch.cat([regular.expand(len(deviation), -1), _kinks_at(deviation, kinks)], dim=1)
    return joined.sort(dim=1).values


def _kinks_at(deviation: Tensor, kinks: Sequence[float]) -> Tensor:
    """(n, kinks): z with deviation z = kink, within the range."""
    safe = torch.where(deviation.abs() > 0, deviation, 1).detach()
    points = [(kink / safe).clamp(-TAIL, TAIL) for kink in kinks]
    return torch.stack(points, dim=1) if points else deviation.new_zeros(len(deviation), 0)


def _nodes(breaks: Tensor) -> tuple[Tensor, Tensor]:
    """Nodes and weights (n, panels x NODES) of the Gaussian density between sorted breaks (n, panels + 1)."""
    x, w = (torch.as_tensor(part, dtype=breaks.dtype, device=breaks.device) for part in leggauss(NODES))
    half = breaks.detach().diff(dim=1)[:, :, None] / 2
    z = (breaks.detach()[:, :-1, None] + half * (1 + x)).flatten(1)
    weights = (half * w).flatten(1) * torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    return z, weights
