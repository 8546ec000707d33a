"""How the terms of the gap scale with the width."""

from collections.abc import Callable

import numpy as np

from ntkverify.errors import UnstableLearningRate
from ntkverify.stats import fit_power_law

HALVINGS = 4
"""The terms' scaling is fitted over the width asked for and down to that many halvings of it, where all are stable."""

RUNGS = 5
"""Widths that a power law is fitted over."""


def ladder(
    width: int, sizes: Callable[[int], list[list[float]]]
) -> tuple[tuple[int, ...], dict[int, list[list[float]]]]:
    """Measures sizes (replicates, terms) at RUNGS widths up to `width`, over the longest range that is stable.

    Returns the widths that were not stable, and the sizes by width: none where only `width` itself is.
    """
    unstable: set[int] = set()
    for halvings in range(HALVINGS, 0, -1):
        widths = [round(width / 2 ** (halvings * rung / (RUNGS - 1))) for rung in range(RUNGS)]
        measured = {}
        try:
            for n in reversed(widths):  # the narrowest is the least stable
                measured[n] = sizes(n)
        except UnstableLearningRate:
            unstable.add(n)
        else:
            return tuple(sorted(unstable)), measured
    return tuple(sorted(unstable)), {}


def slope(sizes: dict[int, np.ndarray]) -> tuple[float, float, float] | None:
    """Fits the slope over widths, with its interval, to their sizes (replicates,); returns None for no widths, and
    where a size is 0 or not finite."""
    values = np.array(list(sizes.values())).T
    if not sizes or not (np.isfinite(values) & (values > 0)).all():
        return None
    law = fit_power_law(np.array(list(sizes), dtype=float), values)
    return law.slope, *law.slope_interval
