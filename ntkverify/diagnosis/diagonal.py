"""Kernels that are right off the diagonal: a clip of cosines, or something added to the diagonal."""

import dataclasses

import numpy as np
from scipy.optimize import minimize_scalar

from ntkverify.architecture import Architecture
from ntkverify.causes import Explanation
from ntkverify.diagnosis.seen import Data, Fit
from ntkverify.diagnosis.words import told

CLIPS = np.arange(-14.0, -1.0, 0.5)
"""Powers of ten of the least 1 - |cosine| that are tried first."""


def diagonal_explanation(fit: Fit, arch: Architecture, data: Data, allowed: float) -> Explanation:
    """Explains what the diagonal has beside a fit of all else: a constant, a clip, or nothing that is known."""
    diagonal = dataclasses.replace(data, known=data.known & np.eye(len(data.x), dtype=bool))
    excess = (diagonal.got - fit.kernel(data.name, data.x))[diagonal.known]
    off_diagonal = dataclasses.replace(data, known=data.known & ~diagonal.known)
    jitter = float(excess.mean())
    if np.abs(excess - jitter).max() <= max(allowed, 1e-6 * abs(jitter)) * data.scale.max() ** 2:
        beside = f"{_short(jitter)} added to the diagonal"
    else:
        clip, left = _clip(fit, diagonal)
        beside = (
            f"cosines clipped at 1 - {clip:.2g}"
            if left <= max(allowed, 1e-3 * float(np.abs(excess).max()))
            else f"the diagonal alone off by up to {np.abs(excess).max():.2g}"
        )
    return dataclasses.replace(told(fit, arch, off_diagonal, allowed, (beside,)), exact=True)


def _clip(fit: Fit, diagonal: Data) -> tuple[float, float]:
    """Returns the clip that explains the diagonal best, and the largest error that it leaves."""

    def left(power: float) -> float:
        clipped = dataclasses.replace(fit.structure, clip=10**power)
        return diagonal.error(dataclasses.replace(fit, structure=clipped).kernel(diagonal.name, diagonal.x))

    start = min(CLIPS, key=left)
    found = minimize_scalar(
        left, bounds=(start - 0.5, start + 0.5), method="bounded", options={"xatol": 1e-9}
    )
    return 10**found.x, float(found.fun)


def _short(value: float) -> str:
    """Writes a number to three digits where it is that, else to six."""
    return f"{value:.3g}" if abs(float(f"{value:.3g}") / value - 1) < 1e-3 else f"{value:.6g}"
