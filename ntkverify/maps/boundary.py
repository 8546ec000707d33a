"""Makes measured gaps a map: a verdict for each cell, a boundary for each level."""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ntkverify.findings import Verdict
from ntkverify.maps.values import FEWEST_WIDTHS, Boundary, Cell, Kind, Map, Settings
from ntkverify.maps.words import sentence
from ntkverify.stats import curvature_interval, fit_power_law, width_reaching
from ntkverify.stats.location import mean_interval

SMALLEST = sys.float_info.epsilon
"""What a gap counts as that rounding hides, and which might have no logarithm."""

FLAT = -0.25
"""Half of the slope that theory gives. A slope that may be 0 and may be steeper than this is undecided."""

BEND_LEVEL = 0.01
"""How often gaps of a true power law are said to bend: rarer than an interval misses, for it is said of
all."""

SLIGHT_BEND = 0.01
"""A square term that does not matter: at the ends of a range of 64 it moves the gap by 4%."""

Gaps = Mapping[tuple[int, float], Sequence[tuple[float, float]]]
"""(width, level) -> (test gap, joint gap) of each of its networks; infinite where one diverged."""


def draw_map(settings: Settings, gaps: Gaps) -> Map:
    """Returns the map of what was measured; cells without a network, or with one, are undecided."""
    places = [place for place, _ in settings.problems()]
    cells = tuple(_cell(settings, place, gaps.get(place, ())) for place in places)
    boundaries = []
    for level in settings.levels:
        row = [cell for cell in cells if cell.level == level]
        boundary = _boundary(
            settings, row, [[test for test, _ in gaps.get((cell.width, level), ())] for cell in row]
        )
        boundaries.append(replace(boundary, sentence=sentence(settings, boundary, row)))
    return Map(settings=settings, cells=cells, boundaries=tuple(boundaries))


def _cell(settings: Settings, place: tuple[int, float], gaps: Sequence[tuple[float, float]]) -> Cell:
    logs = np.log(np.maximum(np.array(gaps, dtype=float).reshape(-1, 2), SMALLEST))
    diverged = int(np.isinf(logs).any(axis=1).sum())
    low, high = 0.0, math.inf
    if diverged:
        low = math.inf
    elif len(logs) > 1:
        # Gaps of independent networks spread by factors, so their logarithms are nearly normal.
        low, high = (math.exp(end) for end in mean_interval(logs[:, 0], 1 - settings.confidence))
    verdict = Verdict.UNDECIDED
    if high < settings.tolerance:
        verdict = Verdict.HOLDS
    elif low > settings.tolerance:
        verdict = Verdict.FAILS
    mean, joint = np.exp(logs.mean(axis=0)).tolist() if len(logs) else (None, None)
    return Cell(
        width=place[0],
        level=place[1],
        verdict=verdict,
        gap=mean,
        interval=(low, high),
        joint_gap=joint,
        replicates=len(logs),
        diverged=diverged,
    )


def _boundary(settings: Settings, row: Sequence[Cell], gaps: Sequence[Sequence[float]]) -> Boundary:
    """Returns the boundary of one level from its cells and their test gaps, the widths ascending."""
    level = row[0].level
    # A law over widths at which networks diverge has no meaning, and one across them is none.
    first = max((place for place, cell in enumerate(row) if cell.diverged), default=-1) + 1
    used = [place for place in range(first, len(row)) if len(gaps[place]) > 1]
    if len(used) < FEWEST_WIDTHS:
        return Boundary(level=level, kind=Kind.NONE if row[-1].diverged else Kind.UNDECIDED)
    fitted = tuple(row[place].width for place in used)
    replicates = min(len(gaps[place]) for place in used)
    errors = np.maximum(np.array([gaps[place][:replicates] for place in used]).T, SMALLEST)
    miss = 1 - settings.confidence
    at = np.array(fitted)
    law, bend = fit_power_law(at, errors, miss), curvature_interval(at, errors, BEND_LEVEL)
    falls = law.slope_interval[1] < 0
    width: float | None = None
    interval: tuple[float, float] | None = None
    if falls:
        width, low, high = width_reaching(at, errors, settings.tolerance, miss)
        interval = low, high
        kind = Kind.BEYOND if width > fitted[-1] else Kind.BELOW if width < fitted[0] else Kind.WITHIN
    elif all(cell.verdict is Verdict.HOLDS for cell in row):
        kind = Kind.BELOW
    else:
        kind = Kind.NONE if law.slope_interval[0] > FLAT else Kind.UNDECIDED
    return Boundary(
        level=level,
        kind=kind,
        width=width,
        interval=interval,
        slope=(law.slope, *law.slope_interval),
        prefactor=law.prefactor,
        fitted=fitted,
        bends=bend[0] > SLIGHT_BEND or bend[1] < -SLIGHT_BEND,
    )
