"""Shared by the claims that say "tends to the limit with width": what is fitted, and how it is judged."""

from typing import Any

import numpy as np

from ntkverify.claims.claim import Effort
from ntkverify.claims.judging import as_measurement
from ntkverify.claims.series import Replicates, WidthSeries
from ntkverify.findings import Measurement
from ntkverify.scenarios import Scenario
from ntkverify.stats import decide_mean, fit_power_law, replicate_slopes

ROOT = (-0.5, -0.4)
"""The slope of a distance that falls like width^(-1/2), and the shallowest that finite widths bend it to."""

TRUNCATION = 0.005
"""What terms of order (depth / width)^2 may leave of an extrapolation that is linear in 1 / width."""

SIGHT: dict[str, float] = {"resolution": 0.025, "slope_resolution": 0.125}
"""The offset of trained networks, relative to what they learn, and the slope over width that must not be missed."""


def measure_convergence(
    replicates: Replicates,
    scenario: Scenario,
    effort: Effort,
    resolution: float,
    slope_resolution: float = 0.25,
    **extrapolation: Any,
) -> tuple[Measurement, ...]:
    """Slope over width of the distance to the limit, and the offset that is left at infinite width.

    replicates: three columns, the relative distance to the limit and the relative signed offsets
    along and across it. Each replicate is one network per width. Its slope, and its offsets
    extrapolated to infinite width, are independent and identically distributed over replicates:
    means to be judged. resolution, slope_resolution: the offset and the slope that must not be missed.
    extrapolation: see `measure_offsets`.
    """
    series, (for_slope, for_offsets) = WidthSeries(replicates, scenario), effort.split(1, 2)
    return (
        measure_slope(series, for_slope, resolution=slope_resolution),
        *measure_offsets(series, for_offsets, resolution, **extrapolation),
    )


def measure_slope(
    series: WidthSeries,
    effort: Effort,
    *,
    column: int = 0,
    name: str = "slope over width",
    law: tuple[float, float] = ROOT,
    resolution: float = 0.25,
    **confirmation: Any,
) -> Measurement:
    """The slope of the log of a column over log width. law: the slope in theory, and the shallowest allowed.

    confirmation: options of `decide_mean`.
    """
    theory, shallowest = law
    decision = decide_mean(
        lambda *block: _slopes(series.widths, series.rows(column, *block)),
        (-np.inf, shallowest),
        level=effort.level,
        resolution=resolution,
        max_samples=effort.max_samples,
        screen=series.screen,
        **confirmation,
    )
    picture = _curve(series.widths, series.rows(column, "screen", 0, series.screen), theory)
    return as_measurement(name, decision, f"theory: {theory:g}", picture)


def measure_offsets(
    series: WidthSeries,
    effort: Effort,
    resolution: float,
    *,
    truncation: float = TRUNCATION,
) -> tuple[Measurement, ...]:
    """What is left at infinite width of the offsets along (column 1) and across (column 2) the limit: 0.

    truncation: what an extrapolation that is linear in 1 / width may leave.
    """
    names = ("offset at infinite width, along the limit", "offset at infinite width, across it")
    return tuple(
        measure_offset(series, share, resolution, column, name, truncation=truncation)
        for column, (name, share) in enumerate(zip(names, effort.split(1, 1), strict=True), start=1)
    )


def measure_offset(
    series: WidthSeries,
    effort: Effort,
    resolution: float,
    column: int,
    name: str,
    *,
    truncation: float,
    powers: tuple[float, ...] = (1.0,),
    scatter: float = 1.0,
    screen_level: float = 0.01,
) -> Measurement:
    """What is left of one column at infinite width: 0; see `measure_offsets`, `extrapolate` and `decide_mean`.

    scatter: the power of 1 / width that the variance of one network's offset falls like.
    """
    weights = series.widths**scatter

    def draw(stream: str, start: int, count: int) -> np.ndarray:
        return extrapolate(series.widths, series.rows(column, stream, start, count), powers, weights)

    decision = decide_mean(
        draw,
        (-truncation, truncation),
        level=effort.level,
        resolution=resolution,
        max_samples=effort.max_samples,
        screen=series.screen,
        screen_level=screen_level,
    )
    return as_measurement(name, decision, "up to terms of higher order in depth / width")


def extrapolate(
    widths: np.ndarray,
    offsets: np.ndarray,
    powers: tuple[float, ...] = (1.0,),
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Intercepts (replicates,) of offsets (replicates, k) fitted by a constant and these powers of 1 / width (k,).

    weights: (k,), the inverse of the offsets' variances up to a factor; None for the widths.
    """
    design = np.stack([widths**-power for power in (0.0, *powers)], axis=1)
    weighted = design * (widths if weights is None else weights)[:, None]
    return (np.linalg.solve(design.T @ weighted, weighted.T) @ offsets.T)[0]


def _slopes(widths: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """Slopes (replicates,); NaN, which no claim survives, where a network diverged."""
    finite = np.isfinite(distances).all(axis=1)
    slopes = np.full(len(distances), np.nan)
    if finite.any():
        slopes[finite] = replicate_slopes(widths, distances[finite])
    return slopes


def _curve(widths: np.ndarray, distances: np.ndarray, theory: float) -> dict[str, tuple[float, ...]]:
    """The fitted law with its intervals, and the geometric mean distance at each width, for the picture."""
    distances = distances[np.isfinite(distances).all(axis=1)]
    if len(distances) < 2:
        return {}
    law = fit_power_law(widths, distances)
    middle = widths[len(widths) // 2]
    return {
        "width": tuple(widths.tolist()),
        "distance": tuple(np.exp(np.log(distances).mean(axis=0)).tolist()),
        "fitted": tuple((law.prefactor * widths**law.slope).tolist()),
        "predicted": tuple((law.prefactor * middle**law.slope * (widths / middle) ** theory).tolist()),
        "slope": (law.slope, *law.slope_interval),
        "prefactor": (law.prefactor, *law.prefactor_interval),
    }
