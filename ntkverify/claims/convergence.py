"""Shared by the claims that say "tends to the limit with width": what is fitted, and how it is judged."""

from collections.abc import Callable
from typing import Literal

import numpy as np

from ntkverify.claims.claim import Effort, Premise
from ntkverify.findings import Measurement
from ntkverify.scenarios import Scenario
from ntkverify.stats import Decision, decide_mean, fit_power_law, replicate_slopes

WIDEST_DEPTH_RATIO = 16
"""Units per hidden layer and per layer of depth above which the leading order in depth / width rules."""

SHALLOWEST_SLOPE = -0.4
"""Theory says -1/2; finite widths bend a fitted slope by less than .1 where the network is wide."""

TRUNCATION = 0.005
"""What terms of order (depth / width)^2 may leave of an extrapolation that is linear in 1 / width."""

SLOPES, OFFSETS = (-2.0, 1.0), (-1.0, 1.0)
"""Where single slopes and relative offsets of wide networks lie; bets are placed on what lies inside."""

WIDE = Premise(
    name="wide",
    statement=f"every hidden layer has at least {WIDEST_DEPTH_RATIO} units per layer of depth",
    holds=lambda scenario: (
        min(scenario.widths, default=0) >= WIDEST_DEPTH_RATIO * scenario.architecture.depth
    ),
)

Replicates = Callable[[int, list[int]], tuple[np.ndarray, np.ndarray]]
"""(width, seeds) -> (relative distance to the limit, relative signed offset from it), (networks,) each."""


class _Draws:
    """Networks at every width, drawn once and kept: both judgements look at the same ones."""

    def __init__(self, replicates: Replicates, scenario: Scenario):
        self._replicates, self._scenario = replicates, scenario
        self._known = {name: np.empty((2, 0, len(scenario.widths))) for name in ("screen", "confirm")}

    def rows(self, column: int, stream: str, start: int, count: int) -> np.ndarray:
        """(count, widths): distances for column 0, offsets for column 1."""
        known = self._known[stream]
        missing = range(known.shape[1], start + count)
        if missing:
            fresh = [self._at(width, stream, missing) for width in self._scenario.widths]
            known = np.concatenate([known, np.stack(fresh, axis=2)], axis=1)
            self._known[stream] = known
        return known[column, start : start + count]

    def _at(self, width: int, stream: str, indices: range) -> np.ndarray:
        seeds = [self._scenario.network_seed(stream, index, width) for index in indices]
        return np.stack(self._replicates(width, seeds))


def measure_convergence(
    replicates: Replicates,
    scenario: Scenario,
    effort: Effort,
    resolution: float,
    confirm: Literal["catoni", "betting"] = "catoni",
) -> tuple[Measurement, ...]:
    """Slope of the distance to the limit over width, and the offset that is left at infinite width.

    Each replicate is one network per width. Its slope, and its offset extrapolated to infinite
    width, are independent and identically distributed over replicates: two means to be judged.
    resolution: the offset that must not be missed. confirm: "betting" where networks are costly,
    since it stops as soon as a failure is certain.
    """
    draws, widths = _Draws(replicates, scenario), np.array(scenario.widths, dtype=float)
    slope = decide_mean(
        lambda *block: _slopes(widths, draws.rows(0, *block)),
        (-np.inf, SHALLOWEST_SLOPE),
        level=effort.level / 2,
        resolution=0.25,
        max_samples=effort.max_samples,
        confirm=confirm,
        support=SLOPES if confirm == "betting" else None,
    )
    offset = decide_mean(
        lambda *block: extrapolate(widths, draws.rows(1, *block)),
        (-TRUNCATION, TRUNCATION),
        level=effort.level / 2,
        resolution=resolution,
        max_samples=effort.max_samples,
        confirm=confirm,
        support=OFFSETS if confirm == "betting" else None,
    )
    return (
        _measurement("slope over width", slope, _curve(widths, draws.rows(0, "screen", 0, 32))),
        _measurement("offset at infinite width", offset, {}),
    )


def _slopes(widths: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """Slopes (replicates,); NaN, which no claim survives, where a network diverged."""
    finite = np.isfinite(distances).all(axis=1)
    slopes = np.full(len(distances), np.nan)
    if finite.any():
        slopes[finite] = replicate_slopes(widths, distances[finite])
    return slopes


def extrapolate(widths: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Intercepts (replicates,) of offsets (replicates, k) fitted by a + b / width.

    Least squares weighted by width, the inverse of the variance at leading order.
    """
    design = np.stack([np.ones_like(widths), 1 / widths], axis=1)
    weighted = design * widths[:, None]
    return (np.linalg.solve(design.T @ weighted, weighted.T) @ offsets.T)[0]


def _curve(widths: np.ndarray, distances: np.ndarray) -> dict[str, tuple[float, ...]]:
    """The geometric mean distance at each width, and the fitted law, for the picture."""
    distances = distances[np.isfinite(distances).all(axis=1)]
    if len(distances) < 2:
        return {}
    law = fit_power_law(widths, distances)
    return {
        "width": tuple(widths.tolist()),
        "distance": tuple(np.exp(np.log(distances).mean(axis=0)).tolist()),
        "fitted": tuple((law.prefactor * widths**law.slope).tolist()),
        "predicted": tuple((law.prefactor * widths[0] ** law.slope * (widths / widths[0]) ** -0.5).tolist()),
    }


def _measurement(name: str, decision: Decision, series: dict[str, tuple[float, ...]]) -> Measurement:
    return Measurement(
        name=name,
        verdict=decision.verdict,
        value=decision.estimate,
        allowed=decision.allowed,
        interval=decision.interval,
        statistics=decision.statistics,
        series=series,
    )
