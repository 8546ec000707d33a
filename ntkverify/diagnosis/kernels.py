"""What a wrong kernel is: known slips are tried, and architectures are fitted to it."""

import dataclasses
from typing import Any

import numpy as np

from ntkverify import analytic
from ntkverify.architecture import Architecture
from ntkverify.causes import SHARE_LEFT, Diagnosis, Suspect
from ntkverify.claims.kernel.accuracy import reference
from ntkverify.data import Points
from ntkverify.diagnosis.searching import explanation
from ntkverify.diagnosis.seen import Data
from ntkverify.diagnosis.slips import slips
from ntkverify.diagnosis.structures import claimed
from ntkverify.domain import Domain
from ntkverify.empirical import empirical_ntk
from ntkverify.memory import is_out_of_memory
from ntkverify.seeds import derive
from ntkverify.subjects import FOREIGN_ACCURACY, has

COUNT, OTHERS = 7, 4
"""Points whose kernel is asked for, and points of a second set: of different norms, at angles from small to large."""

TOLERANCE = 1e-9
"""Relative distance at which two right answers count as the same; a subject's own accuracy where that is coarser."""

NETWORKS = 48
"""Networks of a module, whose mean NTK stands for its kernel, known to SPREADS standard errors."""

SPREADS = 3.0

NEARLY = 100
"""Times the accuracy that a kernel claims: what errs by less is not another kernel."""

FLOAT32_ERROR = 1e-2
"""Errors above are not those of float32, near parallel inputs neither."""

MOST = 5
"""Suspects that are named."""

SQUARE_ONLY = "it cannot be called between two sets of points of different numbers"

SHARE_LISTED = 0.1
"""Of the distance: a slip that leaves more of it is not named."""


def diagnose(subject: Any, arch: Architecture) -> Diagnosis | None:
    """Says what the subject's NTK, or else its NNGP kernel, is instead of what it claims.

    The kernels are held against ntkverify's own on ordinary inputs of the subject's domain: where they agree there, on
    the diagonal, off it and between two sets, nothing is searched for. None where the subject brings no kernel of a
    known architecture, or ntkverify's own. The kernel is taken to be what it is of single pairs: slips that depend
    on the whole batch are tried on the first set alone.
    """
    if not has(subject, "architecture"):
        return None
    known_to = reference(subject, arch)
    found = [_of_part(subject, known_to, name) for name in ("NTK", "NNGP")]
    foreign = [one for one in found if one and one.distance > 0]
    return next((one for one in foreign if one.distance > one.accuracy), next(iter(foreign), None))


def _points(subject: Any, inputs: int) -> np.ndarray:
    """(COUNT + OTHERS, inputs): Gaussian, some near the first, at norms from half to twice the usual, in the domain."""
    count = COUNT + OTHERS
    x = Points(source="gaussian", count=count, dimension=inputs).inputs()
    half = COUNT // 2
    x[half + 1 : COUNT] = x[:half] + 0.3 * x[half + 1 : COUNT]
    x *= np.geomspace(0.5, 2, count)[derive(0, "norms").permutation(count), None]
    domain = getattr(subject, "domain", None) or Domain(norms=(1e-30, 1e30))
    return domain.fitted(domain.apart(x, derive(0, "apart")))


def _of_part(subject: Any, arch: Architecture, name: str) -> Diagnosis | None:
    x = _points(subject, arch.inputs)
    if not has(subject, name.lower()):
        return _of_networks(subject, arch, x[:COUNT]) if name == "NTK" and has(subject, "build") else None
    accuracy = max(TOLERANCE, getattr(subject, "accuracy", FOREIGN_ACCURACY))
    data = _seen(subject, arch, x, name)
    right = _right(arch, name, x)
    distance = data.error(right)
    if not np.isfinite(data.got[data.known]).all():
        return None
    if distance <= accuracy:
        return Diagnosis(kernel=name, distance=distance, accuracy=accuracy, suspects=())
    told = Diagnosis(kernel=name, distance=distance, accuracy=accuracy, suspects=())
    gram = dataclasses.replace(data, known=_block(len(x), COUNT))
    if not data.known[0, -1]:
        return dataclasses.replace(told, suspects=_suspects(arch, gram, told), notes=(SQUARE_ONLY,))
    if gram.error(right) <= accuracy:
        note = f"right among one set of points, wrong between two sets by {distance:.2g}"
        return dataclasses.replace(told, notes=(note,))
    if distance < FLOAT32_ERROR and _is_single(data.got[data.known]):
        single = Suspect(slip="float32, in which its numbers are, of seven digits", left=accuracy)
        return dataclasses.replace(told, suspects=(single,))
    if distance < NEARLY * accuracy:
        note = f"right to {distance:.1g}, but not to {accuracy:.1g}: a smaller accuracy= may be claimed"
        found = explanation(subject, arch, data, accuracy, accuracy, briefly=True)
        return dataclasses.replace(told, explanation=found, notes=() if found else (note,))
    return _searched(subject, arch, data, gram, told)


def _searched(subject: Any, arch: Architecture, data: Data, gram: Data, told: Diagnosis) -> Diagnosis:
    """Tries known slips and architectures; where duals are slow, architectures first, which have words of their own."""
    allowed = max(told.accuracy, SHARE_LEFT * told.distance)
    numeric = claimed(arch).is_slow
    if not numeric:
        told = dataclasses.replace(told, suspects=_suspects(arch, gram, told))
    found = explanation(subject, arch, data, allowed, told.accuracy, briefly=bool(told.fitting))
    told = dataclasses.replace(told, explanation=found)
    if numeric and not found:
        told = dataclasses.replace(told, suspects=_suspects(arch, gram, told))
    return told


def _seen(subject: Any, arch: Architecture, x: np.ndarray, name: str) -> Data:
    """Asks for the kernel of the first set, and, if it can be called so, between it and the second, both ways."""
    kernel, first, second = getattr(subject, name.lower()), x[:COUNT], x[COUNT:]
    got, known = np.zeros((len(x), len(x))), _block(len(x), COUNT)
    got[:COUNT, :COUNT] = kernel(arch, first, first)
    try:
        got[:COUNT, COUNT:] = kernel(arch, first, second)
        got[COUNT:, :COUNT] = kernel(arch, second, first)
    except Exception as error:
        if is_out_of_memory(error):
            raise
    else:
        known[...] = True
        known[COUNT:, COUNT:] = False
    scale = np.sqrt(np.diag(_right(arch, name, x)))
    return Data(name=name, x=x, got=got, known=known, scale=np.where(scale > 0, scale, 1.0))


def _right(arch: Architecture, name: str, x: np.ndarray) -> np.ndarray:
    return np.asarray(getattr(analytic, name.lower())(arch, x))


def _block(count: int, size: int) -> np.ndarray:
    known = np.zeros((count, count), dtype=bool)
    known[:size, :size] = True
    return known


def _is_single(values: np.ndarray) -> bool:
    """Tells whether numbers are those of float32, and not round ones."""
    return np.array_equal(values, values.astype(np.float32)) and not np.array_equal(values, values.round(3))


def _suspects(arch: Architecture, gram: Data, told: Diagnosis) -> tuple[Suspect, ...]:
    """Tries known slips on the first set of points."""
    x, got = gram.x[:COUNT], gram.got[:COUNT, :COUNT]
    part = Data(name=gram.name, x=x, got=got, known=_block(COUNT, COUNT), scale=gram.scale[:COUNT])
    with np.errstate(all="ignore"):
        tried = [
            Suspect(slip=words, left=max(told.accuracy, part.error(kernel)))
            for words, kernel in slips(arch, x, gram.name, got)
        ]
    # A stable sort: of slips that explain it alike, the simplest comes first.
    better = [one for one in tried if one.left < SHARE_LISTED * told.distance]
    return tuple(sorted(better, key=lambda one: one.left)[:MOST])


def _of_networks(subject: Any, arch: Architecture, x: np.ndarray) -> Diagnosis | None:
    """Takes the mean NTK of a module's networks for its kernel, and tries known slips alone."""
    nets = [subject.network(arch, subject.width, seed) for seed in range(NETWORKS)]
    kernels = np.stack([np.asarray(empirical_ntk(net, x)) for net in nets])
    got, right = kernels.mean(axis=0), _right(arch, "NTK", x)
    scale = np.sqrt(np.diag(right))
    errors = kernels.std(axis=0, ddof=1) / NETWORKS**0.5 / np.outer(scale, scale)
    accuracy = SPREADS * float(errors.max())
    data = Data(name="NTK", x=x, got=got, known=_block(COUNT, COUNT), scale=scale)
    told = Diagnosis(kernel="NTK", distance=data.error(right), accuracy=accuracy, suspects=())
    if not np.isfinite(told.distance):
        return None
    wrong = told.distance > accuracy
    return dataclasses.replace(told, suspects=_suspects(arch, data, told)) if wrong else told
