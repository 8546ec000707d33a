"""How kernels are compared: entry by entry, against what rounding or a subject's own accuracy explains."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from ntkverify import analytic
from ntkverify.activations.numeric import any_integrated, coarser
from ntkverify.architecture import Architecture
from ntkverify.errors import BeyondNumbers, InvalidArgument
from ntkverify.findings import Measurement, Verdict
from ntkverify.numerics import ROUNDING_CONSTANT, unit_roundoff
from ntkverify.subjects import FOREIGN_ACCURACY, Subject, has
from ntkverify.witness import Witness

STEP = 1e-6
"""Relative change of the inputs from which their condition is read off."""

WORST_CONDITION = 4 / STEP
"""No condition of a kernel that does not overflow is seen to be worse: entries of a nudged one change by a few times
themselves at most."""

FINER = 1e-2
"""Of the accuracy that is claimed: how well ntkverify's own integrals are known."""

KernelFunction = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(n1, d), (n2, d) -> (n1, n2), for a fixed architecture."""


def kernels(subject: Subject, arch: Architecture | None) -> dict[str, KernelFunction]:
    """The kernels that the subject brings, by name."""

    def asked(part: str) -> KernelFunction:
        return lambda x1, x2: np.asarray(getattr(subject, part)(arch, x1, x2), dtype=float)

    return {name: asked(part) for name, part in (("NNGP", "nngp"), ("NTK", "ntk")) if has(subject, part)}


def accuracy(subject: Subject) -> float:
    """The relative accuracy that the subject claims; 0 for rounding level."""
    return getattr(subject, "accuracy", FOREIGN_ACCURACY)


def reference(subject: Subject, arch: Architecture) -> Architecture:
    """Returns the architecture whose kernels the subject's are held against: integrals no better than its accuracy asks."""
    accuracy_needed = FINER * accuracy(subject)
    return arch.mapped(lambda layer: coarser(layer, accuracy_needed)) if accuracy_needed else arch


def rounding_bound(subject: Subject, arch: Architecture | None, *inputs: np.ndarray) -> float:
    """How far two right answers may differ, relative to sqrt(k(x, x) k(y, y)).

    Raises BeyondNumbers where no tolerance is finite.
    inputs: (n, d) each. Unit roundoff x operations (products in an inner product, and a constant
    for each layer) x condition; or the subject's own accuracy where that is coarser.
    """
    x = np.concatenate(inputs)
    operations = ROUNDING_CONSTANT * (x.shape[1] + 4 * (len(arch.walk()) if arch else 1))
    rounding = unit_roundoff(torch.float64) * operations
    slow = arch is not None and any_integrated(arch.walk())
    if slow and accuracy(subject) >= rounding * WORST_CONDITION:
        return accuracy(subject)
    try:
        bound = rounding * _condition(arch, x)
    except InvalidArgument as error:  # as of kernels that overflow
        raise BeyondNumbers(str(error)) from error
    check_finite(np.array(bound))
    return max(accuracy(subject), bound)


def check_in_range(subject: Subject, arch: Architecture | None, x: np.ndarray) -> None:
    """Raises BeyondNumbers where ntkverify's own kernel leaves the range of numbers at inputs (n, d)."""
    rounding_bound(subject, arch, x)


def check_finite(expected: np.ndarray) -> None:
    """Raises BeyondNumbers where what is expected, of any shape, is not finite."""
    if not np.isfinite(expected).all():
        raise BeyondNumbers(
            "ntkverify's own kernel, or how hard it is to compute, leaves the range of numbers here"
        )


def _condition(arch: Architecture | None, x: np.ndarray) -> float:
    """Largest relative change of an entry for each relative change of the inputs (n, d), at least 1, which also
    stands for that of a kernel of no stated architecture."""
    return 1.0 if arch is None else _condition_of_bytes(arch, x.tobytes(), x.shape)


@functools.lru_cache(maxsize=256)
def _condition_of_bytes(arch: Architecture, data: bytes, shape: tuple[int, ...]) -> float:
    x = np.frombuffer(data).reshape(shape)
    # The built-in kernel serves here whatever is under test: how hard the question is does not
    # depend on who answers.
    nudged = x * (1 + STEP * np.random.default_rng(0).choice([-1.0, 1.0], x.shape))
    try:
        before, after = (np.asarray(analytic.ntk(arch, points)) for points in (x, nudged))
    except InvalidArgument:  # an activation that jumps, such as Sign, has no NTK
        before, after = (np.asarray(analytic.nngp(arch, points)) for points in (x, nudged))
    return max(1.0, relative_difference(after, before, *[np.diag(before)] * 2) / STEP)


def relative_difference(
    got: np.ndarray, expected: np.ndarray, diagonal1: np.ndarray, diagonal2: np.ndarray
) -> float:
    """The largest of `relative_differences`."""
    return float(relative_differences(got, expected, diagonal1, diagonal2).max())


def relative_differences(
    got: np.ndarray, expected: np.ndarray, diagonal1: np.ndarray, diagonal2: np.ndarray
) -> np.ndarray:
    """|got - expected| / sqrt(diagonal1 diagonal2) of (n1, n2) entries; infinite where one is
    not finite, or differs where the scale is 0."""
    if got.shape != expected.shape:
        return np.full(expected.shape, np.inf)
    difference = np.abs(got - expected)
    scale = np.sqrt(np.abs(diagonal1))[:, None] * np.sqrt(np.abs(diagonal2))[None, :]
    relative = np.divide(difference, scale, out=np.where(difference == 0, 0.0, np.inf), where=scale > 0)
    return np.where(np.isfinite(relative), relative, np.inf)


def compared(
    name: str,
    got: np.ndarray,
    wanted: np.ndarray,
    scales: tuple[np.ndarray, np.ndarray],
    bound: float,
    points: tuple[np.ndarray, np.ndarray],
    what: str = "",
) -> Measurement:
    """Holds entries got (n1, n2) against those wanted, relative to sqrt(k(x, x) k(y, y)).

    scales: the diagonals (n1,), (n2,); points: (n1, d), (n2, d), whose worst pair is the witness; what: where `wanted`
    comes from, in words.
    """
    relative = relative_differences(got, wanted, *scales)
    worst = np.unravel_index(int(relative.argmax()), relative.shape)
    return judged_within(
        name, float(relative.max()), bound, witness=_witness(got, wanted, worst, points, what)
    )


def _witness(
    got: np.ndarray, wanted: np.ndarray, worst: tuple, points: tuple[np.ndarray, np.ndarray], what: str
) -> Witness | None:
    if got.shape != wanted.shape:
        return None
    row, column = (tuple(x[place].tolist()) for x, place in zip(points, worst, strict=True))
    values = ((float(matrix[worst]),) for matrix in (got, wanted))
    one, other = ((value,) for value in values)
    return Witness(rows=(row,), columns=(column,), got=one, wanted=other, what=what)


def judged_within(name: str, value: float, bound: float, tolerance: str = "", **fields: Any) -> Measurement:
    """A difference, held against what explains it; undecided where that is no number."""
    verdict = Verdict.HOLDS if value <= bound else Verdict.FAILS
    return Measurement(
        name=name,
        verdict=verdict if np.isfinite(bound) else Verdict.UNDECIDED,
        value=float(value),
        allowed=(0.0, float(bound)),
        tolerance=tolerance or "relative; rounding, or the accuracy that is claimed, explains no more",
        **fields,
    )
