"""Gaussian expectations by Gauss-Legendre panels, split where the integrand is less than smooth."""

import math
from collections.abc import Callable, Sequence

import torch
from numpy.polynomial.legendre import leggauss
from torch import Tensor

Function = Callable[[Tensor], Tensor]
Combine = Callable[[Tensor, Tensor], Tensor]

TAIL = 10.0
"""Standard deviations that are integrated over: exp(-TAIL^2 / 2) < 1e-21."""

RULES = (10, 16, 24)
"""Nodes per panel, of which more are taken until two rules agree."""

PANELS = 7
"""How many lie between -TAIL and TAIL, besides those that are graded towards kinks."""

GRADE = 3.0
"""Between neighbouring panels beside a kink."""

GRADED = (0.0, *(sign * GRADE**power for power in range(10) for sign in (1, -1)))
"""Distances from a kink, in units of the activation's argument, between which its panels lie: an activation
that varies on the scale 1 is resolved whatever the deviation of its argument."""

STEPS = (-8.0, -5.0, -3.0, -1.5, 0.0, 1.5, 3.0, 5.0, 8.0)
"""Where the average over z' turns around a place at which the function does, in units of the angle's sine."""

VALUES_AT_ONCE = 2**21
"""Function values held in memory at a time."""


def nodes_between(breaks: Tensor, rule: int) -> tuple[Tensor, Tensor]:
    """Returns nodes and weights (n, panels x rule) of the integral over sorted breaks (n, panels + 1)."""
    x, w = (torch.as_tensor(part, dtype=breaks.dtype, device=breaks.device) for part in leggauss(rule))
    half = breaks.diff(dim=1)[:, :, None] / 2
    return (breaks[:, :-1, None] + half * (1 + x)).flatten(1), (half * w).flatten(1)


def panels_over(
    deviation: Tensor, kinks: Sequence[float], panels: int = PANELS, reach: float = TAIL
) -> Tensor:
    """Returns sorted breaks (n, ...) in z, to `reach` on both sides, for functions of deviation z, deviations
    (n,)."""
    return _panels(torch.zeros_like(deviation), deviation, kinks, panels, reach)


def _panels(
    centre: Tensor, deviation: Tensor, kinks: Sequence[float], panels: int = PANELS, reach: float = TAIL
) -> Tensor:
    """Sorted breaks (..., breaks) in z for functions of centre + deviation z."""
    centre, deviation = centre.detach(), deviation.detach()
    regular = torch.linspace(-reach, reach, panels + 1, dtype=deviation.dtype, device=deviation.device)
    steps = [kink + step for kink in kinks or (0.0,) for step in GRADED]
    places = torch.tensor(steps, dtype=torch.float64)
    places = places.to(deviation)
    safe = torch.where(deviation.abs() > 0, deviation, 1)[..., None]
    graded = ((places - centre[..., None]) / safe).clamp(-reach, reach)
    return torch.cat([regular.expand(*deviation.shape, -1), graded], dim=-1).sort(dim=-1).values


def mean_over_pairs(
    combine: Combine,
    function: Function,
    s: Tensor,
    t: Tensor,
    angle: Tensor,
    units: Sequence[Tensor],
    kinks: Sequence[float],
    rule: int,
) -> Tensor:
    """Computes E combine(function(u) / a, function(v) / b) for u = s z, v = t (z cos angle + z' sin angle).

    s, t, angle, and the units a, b: (pairs,) each. combine: elementwise on tensors. rule: nodes per panel.
    """
    places = max(1, len(kinks))
    inner, outer = PANELS + len(GRADED) * places, PANELS + (len(GRADED) + len(STEPS)) * places
    size = max(1, VALUES_AT_ONCE // (rule**2 * inner * outer))
    parts = zip(*(torch.split(part, size) for part in (s, t, angle, *units)), strict=True)
    return torch.cat([_mean_over_pairs(combine, function, kinks, rule, *part) for part in parts])


def _mean_over_pairs(
    combine: Combine,
    function: Function,
    kinks: Sequence[float],
    rule: int,
    s: Tensor,
    t: Tensor,
    angle: Tensor,
    a: Tensor,
    b: Tensor,
) -> Tensor:
    cosine, sine = torch.cos(angle), torch.sin(angle)
    breaks = [panels_over(s, kinks)]
    along = torch.where((t * cosine).abs() > 0, t * cosine, 1).detach()
    for kink in kinks or (0.0,):
        width = sine / cosine.abs().clamp(min=0.1)
        breaks += [((kink / along) + width * step).detach().clamp(-TAIL, TAIL)[:, None] for step in STEPS]
    z, weights = gaussian_nodes(torch.cat(breaks, dim=1).sort(dim=1).values, rule)  # (pairs, outer)
    shift = (t * cosine)[:, None] * z
    spread = (t * sine)[:, None].expand_as(z)
    other, other_weights = gaussian_nodes(_panels(shift, spread, kinks).flatten(0, 1), rule)
    v = shift[:, :, None] + spread[:, :, None] * other.reshape(*shift.shape, -1)
    first = function(s[:, None] * z) / a[:, None]
    values = combine(first[:, :, None], function(v) / b[:, None, None])
    return (weights * (other_weights.reshape(v.shape) * values).sum(dim=2)).sum(dim=1)


def gaussian_nodes(breaks: Tensor, rule: int) -> tuple[Tensor, Tensor]:
    """Nodes and weights (n, panels x rule) of the standard normal mean over sorted breaks (n, panels + 1)."""
    z, weights = nodes_between(breaks, rule)
    return z, weights * torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
