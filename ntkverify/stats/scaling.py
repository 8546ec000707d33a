"""Rates: how an error scales with width, with an interval for the slope."""

import math
from dataclasses import dataclass

import numpy as np

from ntkverify.errors import InvalidArgument
from ntkverify.stats import checks
from ntkverify.stats.location import mean_interval, student_quantile

# One width shows no rate, and a line through few hides its curvature.
FEWEST_WIDTHS = 5


@dataclass(frozen=True, kw_only=True)
class PowerLaw:
    """error ~ prefactor * width ** slope, each with its interval.

    level: probability with which either interval misses, one at a time. The prefactor is the
    law carried on to width 1, and is in the error's units.
    """

    slope: float
    slope_interval: tuple[float, float]
    prefactor: float
    prefactor_interval: tuple[float, float]
    level: float


def replicate_slopes(widths: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """The slope of log error on log width in each replicate, by least squares: (replicates,).

    widths: (k,), at least five distinct ones. errors: (replicates, k), positive and finite.
    Independent replicates give independent slopes, whatever the errors of one replicate share
    across widths (data, random numbers), so `decide_mean` applies to them directly.

    Raises InvalidArgument for fewer widths, a shape that does not fit, and an error that is
    zero, negative or not finite, naming it.
    """
    return _lines(widths, errors)[0]


def fit_power_law(widths: np.ndarray, errors: np.ndarray, level: float = 0.05) -> PowerLaw:
    """The power law of (replicates, k) errors over (k,) widths, with intervals from the replicates.

    The intervals are Student's, for the mean of the replicates' slopes and log prefactors, so
    they need two replicates and stay right where errors share random numbers across widths or
    spread differently at each; the law is that of the geometric mean of the error.
    Raises InvalidArgument as `replicate_slopes` does, and for a single replicate.
    """
    slopes, log_prefactors = _lines(widths, errors)
    low, high = mean_interval(log_prefactors, level)
    return PowerLaw(
        slope=float(slopes.mean()),
        slope_interval=mean_interval(slopes, level),
        prefactor=math.exp(log_prefactors.mean()),
        prefactor_interval=(math.exp(low), math.exp(high)),
        level=level,
    )


def solve_power_law(
    widths: np.ndarray, errors: np.ndarray, error: float, level: float = 0.05
) -> tuple[float, tuple[float, float]]:
    """The width at which the power law of (replicates, k) errors over (k,) widths has fallen to `error`.

    Its interval (low, high) is Fieller's: the widths at which Student's interval at `level` for the mean
    log error of the law contains that of `error`. It is (0, inf) where errors do not surely change with
    width; the width is infinite where they do not fall.
    Raises InvalidArgument as `fit_power_law` does, and for an error that is not positive.
    """
    slopes, heights = _lines(widths, errors)
    heights = heights - math.log(checks.positive("error", error))
    mean = np.array([heights.mean(), slopes.mean()])
    at = -mean[0] / mean[1] if mean[1] < 0 else math.inf
    reach = student_quantile(level / 2, len(slopes) - 1) ** 2 / len(slopes)
    # (h + s x)^2 <= reach Var(h + s x), quadratic in x, the log of the width.
    c, b, _, a = (np.outer(mean, mean) - reach * np.cov(heights, slopes)).ravel()
    if a <= 0:
        return _exp(at), (0.0, math.inf)
    if mean[1] > 0:
        return math.inf, (math.inf, math.inf)
    half = math.sqrt(max(b * b - a * c, 0.0))
    return _exp(at), (_exp((-b - half) / a), _exp((-b + half) / a))


def _exp(x: float) -> float:
    """exp, and infinity beyond the range of numbers."""
    return math.exp(x) if x < 700 else math.inf


def _lines(widths: np.ndarray, errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slopes and log prefactors, each (replicates,)."""
    widths, errors = _checked(np.asarray(widths, dtype=float), np.asarray(errors, dtype=float))
    lines = np.polynomial.polynomial.polyfit(np.log(widths), np.log(errors).T, 1)
    return lines[1], lines[0]


def _checked(widths: np.ndarray, errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    usable = widths.ndim == 1 and np.isfinite(widths).all() and (widths > 0).all()
    if not usable or np.unique(widths).size < FEWEST_WIDTHS:
        raise InvalidArgument(
            "widths",
            str(widths),
            f"at least {FEWEST_WIDTHS} distinct positive widths",
            "Measure at more widths.",
        )
    if errors.ndim != 2 or errors.shape[0] < 1 or errors.shape[1] != widths.size:
        raise InvalidArgument(
            "errors",
            f"shape {errors.shape}",
            f"shape (replicates, {widths.size})",
            "Give one row per replicate.",
        )
    wrong = np.argwhere(~(np.isfinite(errors) & (errors > 0)))
    if wrong.size:
        replicate, column = (int(i) for i in wrong[0])
        raise InvalidArgument(
            "errors",
            f"{errors[replicate, column]} in replicate {replicate} at width {widths[column]:g}",
            "positive finite errors",
            "An error of exactly 0 has no logarithm: leave that width out, or measure something else.",
        )
    return widths, errors
