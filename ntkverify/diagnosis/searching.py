"""The search for the architecture that a kernel is of: the simplest and likeliest first, until the time is up."""

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from ntkverify import analytic
from ntkverify.architecture import Architecture
from ntkverify.causes import Explanation
from ntkverify.diagnosis.diagonal import diagonal_explanation
from ntkverify.diagnosis.fitting import fits, leaky_fit, whole_fits
from ntkverify.diagnosis.recursions import slopes
from ntkverify.diagnosis.seen import Data, Deadline, Fit
from ntkverify.diagnosis.structures import claimed, depths, pairs, variants
from ntkverify.diagnosis.words import explanation_of

SECONDS = 9.0
"""How long architectures are searched for."""

EXACT = 10.0
"""Times the accuracy that a kernel claims: a fit that leaves less is exact."""

NTK_ALONE = frozenset(words for words, _ in slopes())
"""Slips that an NNGP kernel cannot have."""


def explanation(
    subject: Any, arch: Architecture, data: Data, allowed: float, accuracy: float, briefly: bool
) -> Explanation | None:
    """Fits architectures until one leaves what the accuracy explains, the simplest and likeliest first; else returns the
    one that leaves least, where that is no more than allowed.

    briefly: fits what was claimed alone, such as where a known slip says it already.
    """
    deadline = Deadline(SECONDS / 3 if briefly else SECONDS)
    apart = dataclasses.replace(data, known=data.known & ~np.eye(len(data.x), dtype=bool))
    if apart.error(np.asarray(getattr(analytic, data.name.lower())(arch, data.x))) <= allowed:
        return diagonal_explanation(next(fits(claimed(arch), arch, apart, 0, deadline)), arch, data, allowed)
    nearly: list[Explanation] = []
    searched = _search(arch, data, allowed, briefly, deadline)
    for _, alike in itertools.groupby(searched, key=lambda fit: (fit.structure.words, fit.free)):
        found = [explanation_of(subject, fit, arch, data, allowed) for fit in alike if fit.left <= allowed]
        told = [one for one in found if one]
        exact = [dataclasses.replace(one, exact=True) for one in told if one.left <= EXACT * accuracy]
        if exact:
            return min(exact, key=lambda one: len(one.differences))
        nearly += told
    if nearly:
        return min(nearly, key=lambda one: one.left)
    for fit in _search(arch, apart, allowed, True, Deadline(SECONDS / 3)):
        if fit.left <= allowed:
            return diagonal_explanation(fit, arch, data, allowed)
    return None


def _search(
    arch: Architecture, data: Data, allowed: float, briefly: bool, deadline: Deadline
) -> Iterator[Fit]:
    """Yields fits: of what was claimed with ever more numbers free, then of other structures."""
    right = claimed(arch)
    if briefly:
        yield from fits(right, arch, data, 1, deadline)
        return
    deeper = list(depths(arch))
    changed = [one for one in variants(arch) if data.name == "NTK" or one.words[0] not in NTK_ALONE]
    changed += pairs(arch)
    sooner = [one for one in changed if right.is_slow and not one.is_slow]  # fitted in no time
    for structure in sooner:
        yield from fits(structure, arch, data, 0, deadline)
    yield from fits(right, arch, data, 1, deadline)
    for structure in deeper:
        yield from fits(structure, arch, data, 0, deadline)
    whole = list(whole_fits(right, arch, data, deadline))
    if any(fit.left <= 100 * allowed for fit in whole):  # else no two numbers can do it
        yield from fits(right, arch, data, 2, deadline)
        yield from whole
    for structure in changed:
        if structure not in sooner:
            yield from fits(structure, arch, data, 0, deadline)
    if any(activation.kinked for activation in arch.activations):
        yield from leaky_fit(arch, data, deadline)
    for structure in deeper:
        yield from whole_fits(structure, arch, data, deadline)
    quick = [one for one in [*deeper, *changed] if right.is_slow or not one.is_slow]
    for most in (1, 2):
        for structure in quick:
            yield from fits(structure, arch, data, most, deadline)
