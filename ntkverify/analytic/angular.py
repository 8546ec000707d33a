"""Kernels that are a function of one angle, whatever the depth: evaluated by a Chebyshev series in it.

So are those of inputs of one norm, and, apart from the norms, those of homogeneous activations without biases.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.polynomial import chebyshev
from torch import Tensor

from ntkverify.analytic.recursion import angle_kernel, propagate
from ntkverify.architecture import Architecture
from ntkverify.numerics import unit_roundoff

DEGREES = (16, 24, 32, 48, 64)
"""Tried in turn; a kernel that needs more is left to the recursion."""

FROM, TO = 0.1, math.pi - 0.5
"""Angles that the series serves. Outside, kernels may be tiny or bend sharply, so the recursion goes on serving."""

AGREEMENT = 64.0
"""Roundoffs, of the largest value, by which the series may differ from the recursion."""

TileKernel = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""norms (n1,), (n2,), 1 - cosine and 1 + cosine (n1, n2) -> kernel (n1, n2)."""


def angular_kernel(part: str, arch: Architecture, norm1: Tensor, norm2: Tensor) -> TileKernel | None:
    """Fits the "nngp" or "ntk" of inputs of norms (n1,), (n2,) by a series in the angle.

    Returns what evaluates a tile, or None where the angle alone does not decide, or its function is too rough
    for a series.
    """
    norms = torch.cat([norm1, norm2])
    low, high = norms.min().item(), norms.max().item()
    power, radius = _power(arch), high
    if power:
        radius = 1.0  # any will do
    elif not low >= high * (1 - 4 * unit_roundoff(torch.float64)) or high == 0:
        return None

    def exact(one_minus: Tensor, one_plus: Tensor) -> Tensor:
        """Evaluates the recursion on pairs (k,)."""
        ones = torch.full((len(one_minus),), radius, dtype=one_minus.dtype, device=one_minus.device)
        kernel = angle_kernel(ones, ones[:1], one_minus[:, None], one_plus[:, None], dimension=arch.inputs)
        if part == "nngp":
            kernel = type(kernel)(moments=kernel.moments, ntk=None)
        return getattr(propagate(arch.layers, kernel), part)[:, 0]

    series = _fit(exact, norm1.device)
    if series is None:
        return None

    def tile_kernel(norm1: Tensor, norm2: Tensor, one_minus: Tensor, one_plus: Tensor) -> Tensor:
        # atan2 of the half angle's sine and cosine, up to one factor.
        angle = torch.atan2(one_minus.sqrt(), one_plus.sqrt()).mul_(2)
        value = _clenshaw(series, angle)
        outside = (angle < FROM) | (angle > TO)
        if outside.any():
            value[outside] = exact(one_minus[outside], one_plus[outside])
        return value.mul_((norm1**power)[:, None]).mul_((norm2**power)[None, :]) if power else value

    return tile_kernel


def _power(arch: Architecture) -> int:
    """Finds k where the kernels scale like the k-th power of either norm; 0 where they do not scale."""
    if any(linear.bias_std or linear.rates[1] for linear in arch.linears):
        return 0
    return math.prod(activation.homogeneous or 0 for activation in arch.activations)


def _fit(exact: Callable[[Tensor, Tensor], Tensor], device: torch.device) -> np.ndarray | None:
    """Fits Chebyshev coefficients on [FROM, TO], and checks them between their nodes."""

    def values(points: np.ndarray) -> np.ndarray:
        half = torch.as_tensor((FROM + TO) / 2 + (TO - FROM) / 2 * points, device=device) / 2
        return exact(2 * torch.sin(half) ** 2, 2 * torch.cos(half) ** 2).cpu().numpy()

    checks = np.cos(np.linspace(0, math.pi, 101))
    expected = values(checks)
    allowed = AGREEMENT * unit_roundoff(torch.float64) * np.abs(expected).max()
    for degree in DEGREES:
        nodes = chebyshev.chebpts1(degree + 1)
        series = chebyshev.chebfit(nodes, values(nodes), degree)
        if np.abs(chebyshev.chebval(checks, series) - expected).max() <= allowed:
            return series
    return None


def _clenshaw(series: np.ndarray, angle: Tensor) -> Tensor:
    """Evaluates the series at angles of any shape, in place as far as it goes (Clenshaw 1955)."""
    twice = (angle - (FROM + TO) / 2).mul_(4 / (TO - FROM))
    later, latest = torch.zeros_like(angle), torch.full_like(angle, series[-1])
    for coefficient in series[-2:0:-1].tolist():
        # later <- twice * latest - later + coefficient, and the two change places
        later.neg_().add_(coefficient).addcmul_(twice, latest)
        later, latest = latest, later
    return later.neg_().add_(float(series[0])).addcmul_(twice, latest, value=0.5)
