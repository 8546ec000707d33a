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
    """A law error ~ prefactor * width ** slope, each with its interval.

    level: probability with which either interval misses, one at a time. The prefactor is the
    law carried on to width 1, and is in the error's units.
    """

    slope: float
    slope_interval: tuple[float, float]
    prefactor: float
    prefactor_interval: tuple[float, float]
    level: float


def replicate_slopes(widths: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Computes the slope of log error on log width in each replicate, by least squares: (replicates,).

    widths: (k,), at least five distinct ones. errors: (replicates, k), positive and finite.
    Independent replicates give independent slopes, whatever the errors of one replicate share
    across widths (data, random numbers), so `decide_mean` applies to them directly.

    Raises InvalidArgument for fewer widths, a shape that does not fit, and an error that is
    zero, negative or not finite, naming it.
    """
    return _lines(widths, errors)[0]


def fit_power_law(widths: np.ndarray, errors: np.ndarray, level: float = 0.05) -> PowerLaw:
    """Fits the power law of (replicates, k) errors over (k,) widths, with intervals from the replicates.

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


def width_reaching(
    widths: np.ndarray, errors: np.ndarray, threshold: float, level: float = 0.05
) -> tuple[float, float, float]:
    """Finds where the power law of (replicates, k) errors over (k,) widths falls to `threshold`.

    Returns (width, low, high); low to high are the widths at which Student's interval for the mean of the
    replicates' log laws contains the threshold, which misses the true width with probability `level` (Fieller
    1954). Widths beyond the widest measured are extrapolated; one too large for a float is infinite.
    Raises InvalidArgument as `fit_power_law` does, for a threshold that is not positive, and where the
    slope's interval is not below 0: then no width, or every one, may be needed.
    """
    checks.positive("threshold", threshold)
    law = fit_power_law(widths, errors, level)
    if law.slope_interval[1] >= 0:
        raise InvalidArgument(
            "errors",
            "a slope from {:.3g} to {:.3g}".format(*law.slope_interval),
            "errors that fall with the width",
            "Measure more replicates or wider networks; where it does not fall, no width is enough.",
        )
    slopes, log_prefactors = _lines(widths, errors)
    middle = float(np.log(widths).mean())  # centred, the two hardly depend on one another
    heights = log_prefactors + slopes * middle - math.log(threshold)
    # mean(heights) + x mean(slopes) is within q standard errors of 0, for x = log width - middle.
    q = student_quantile(level / 2, len(slopes) - 1) ** 2 / len(slopes)
    spread = q * np.cov(heights, slopes)
    square = slopes.mean() ** 2 - spread[1, 1]
    linear = heights.mean() * slopes.mean() - spread[0, 1]
    rest = heights.mean() ** 2 - spread[0, 0]
    reach = math.sqrt(max(linear**2 - square * rest, 0.0))
    logs = np.array([-heights.mean() / slopes.mean(), *((-linear + s * reach) / square for s in (-1, 1))])
    with np.errstate(over="ignore"):
        width, low, high = (float(value) for value in np.exp(middle + logs))
    return width, min(low, width), max(high, width)  # which rounding may swap where the spread is 0


def curvature_interval(widths: np.ndarray, errors: np.ndarray, level: float = 0.05) -> tuple[float, float]:
    """Computes Student's interval for the square term of log error over log width, which a power law lacks.

    widths: (k,); errors: (replicates, k). The term is fitted in each replicate by itself.

    Raises InvalidArgument as `fit_power_law` does.
    """
    widths, errors = _checked(np.asarray(widths, dtype=float), np.asarray(errors, dtype=float))
    parabolas = np.polynomial.polynomial.polyfit(np.log(widths), np.log(errors).T, 2)
    return mean_interval(parabolas[2], level)


def _lines(widths: np.ndarray, errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fits slopes and log prefactors, each (replicates,)."""
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
