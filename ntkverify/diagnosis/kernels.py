"""Which known slip a wrong kernel looks like: each is computed, and held against what the subject gives."""

from typing import Any

import numpy as np

from ntkverify import analytic
from ntkverify.architecture import Architecture
from ntkverify.causes import Diagnosis, Suspect
from ntkverify.data import Points
from ntkverify.diagnosis.slips import Kernels, slips
from ntkverify.empirical import empirical_ntk
from ntkverify.seeds import derive
from ntkverify.subjects import FOREIGN_ACCURACY, has

COUNT = 7
"""Points on which kernels are compared: of different norms, at angles from small to large."""

TOLERANCE = 1e-9
"""Relative distance at which two right answers count as the same; a subject's own accuracy where that is coarser."""

NETWORKS = 48
"""Networks of a module, whose mean NTK stands for its kernel, known to SPREADS standard errors."""

SPREADS = 3.0

MOST = 5
"""Suspects that are named."""


def diagnose(subject: Any, arch: Architecture) -> Diagnosis | None:
    """Names known slips that would explain the subject's NTK, or else its NNGP kernel, the best fitting
    first.

    The kernels are held against ntkverify's own on ordinary inputs: where they agree there, no suspects are
    named. None where the subject brings no kernel of a known architecture, or ntkverify's own.
    """
    if not has(subject, "architecture"):
        return None
    x = _points(arch.inputs)
    found = [_of_part(subject, arch, x, name) for name in ("NTK", "NNGP")]
    foreign = [one for one in found if one and one.distance > 0]
    return next((one for one in foreign if one.distance > one.accuracy), next(iter(foreign), None))


def _points(inputs: int) -> np.ndarray:
    """(COUNT, inputs): Gaussian, the last half near the first, at norms from half to twice the usual."""
    x = Points(source="gaussian", count=COUNT, dimension=inputs).inputs()
    half = COUNT // 2
    x[-half:] = x[:half] + 0.3 * x[-half:]
    return x * np.geomspace(0.5, 2, COUNT)[derive(0, "norms").permutation(COUNT), None]


def _of_part(subject: Any, arch: Architecture, x: np.ndarray, name: str) -> Diagnosis | None:
    got, accuracy = _given(subject, arch, x, name)
    if got is None or not np.isfinite(got).all():
        return None
    expected = Kernels.computed(arch, x).part(name)
    distance = _distance(got, expected, expected)
    suspects = []
    if distance > accuracy:
        suspects = [_suspect(*slip, got, expected, accuracy) for slip in slips(arch, x, name, got)]
        # A stable sort: of slips that explain it alike, the simplest comes first.
        suspects.sort(key=lambda suspect: suspect.left)
    better = tuple(suspect for suspect in suspects if suspect.left < distance / 2)
    return Diagnosis(kernel=name, distance=distance, accuracy=accuracy, suspects=better[:MOST])


def _suspect(
    slip: str, kernel: np.ndarray, got: np.ndarray, expected: np.ndarray, accuracy: float
) -> Suspect:
    return Suspect(slip=slip, left=max(accuracy, _distance(got, kernel, expected)))


def _given(subject: Any, arch: Architecture, x: np.ndarray, name: str) -> tuple[np.ndarray | None, float]:
    """The subject's kernel (n, n), or None, and how well it is known."""
    if has(subject, name.lower()):
        accuracy = max(TOLERANCE, getattr(subject, "accuracy", FOREIGN_ACCURACY))
        return np.asarray(getattr(subject, name.lower())(arch, x, x), dtype=float), accuracy
    if name == "NTK" and has(subject, "build"):
        nets = [subject.network(arch, subject.width, seed) for seed in range(NETWORKS)]
        kernels = np.stack([np.asarray(empirical_ntk(net, x)) for net in nets])
        error = np.linalg.norm(kernels.std(axis=0, ddof=1)) / NETWORKS**0.5
        return kernels.mean(axis=0), SPREADS * float(error / np.linalg.norm(analytic.ntk(arch, x)))
    return None, 0.0


def _distance(got: np.ndarray, kernel: np.ndarray, expected: np.ndarray) -> float:
    """|got - kernel| / |expected|, Frobenius norms; infinite where one is not finite."""
    distance = np.linalg.norm(got - kernel) / np.linalg.norm(expected)
    return float(distance) if np.isfinite(distance) else np.inf
