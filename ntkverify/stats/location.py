"""Where the mean of independent draws lies: the interval, what n draws reveal, and the n needed."""

import math
from collections.abc import Callable

import numpy as np
from scipy import special

from ntkverify.errors import InvalidArgument
from ntkverify.stats import checks

# Beyond this many draws no plan can be carried out; searches for a sample size stop here.
MOST_SAMPLES = 2**62


def mean_interval(samples: np.ndarray, level: float) -> tuple[float, float]:
    """Computes Student's interval (low, high) for the mean.

    samples: (n,) independent draws, n >= 2. The interval misses the mean with probability `level` where they
    are normal. For other distributions the rate is right only as n grows, and worst at tiny levels: bet there, as
    `eprocess` does.

    Raises InvalidArgument for fewer draws or draws that are not finite.
    """
    checks.probability("level", level)
    samples = checks.finite_samples(samples, 2)
    error = standard_deviation(samples) / math.sqrt(samples.size)
    centre = float(samples.mean()) if error > 0 else float(samples[0])  # equal draws have no rounding
    radius = error * student_quantile(level / 2, samples.size - 1)
    return centre - radius, centre + radius


def standard_deviation(samples: np.ndarray) -> float:
    """Computes the sample standard deviation of (n,) draws; exactly 0 for draws that are all equal."""
    # The mean of equal numbers may round to a neighbour, which would show as a spread.
    return float(samples.std(ddof=1)) if np.ptp(samples) > 0 else 0.0


def visible_discrepancy(n: int, spread: float, level: float, power: float) -> float:
    """Computes the smallest shift of the mean, in the draws' units, that `n` normal draws reveal.

    A shift is revealed when Student's two-sided interval at `level` lies wholly on the far side of
    the value claimed; this happens with probability at least `power` for the shift returned, an upper bound on the
    exact (noncentral t) answer. spread: the standard deviation of one draw.

    Returns infinity where n draws reveal nothing. Raises InvalidArgument for a negative
    spread, or a level or power outside (0, 1).
    """
    n, spread = checks.count("n", n, 1), checks.nonnegative("spread", spread)
    return _visible(n, spread, checks.probability("level", level), checks.probability("power", power))


def samples_needed(discrepancy: float, spread: float, level: float, power: float) -> int:
    """Counts the fewest draws whose `visible_discrepancy` is at most `discrepancy`.

    Raises InvalidArgument as `visible_discrepancy` does, for a discrepancy that is not
    positive, and for one so small beside the spread that more than 2^62 draws would be needed.
    """
    checks.positive("discrepancy", discrepancy)
    visible_discrepancy(1, spread, level, power)
    return fewest(lambda n: _visible(n, spread, level, power) <= discrepancy, discrepancy)


def fewest(enough: Callable[[int], bool], discrepancy: float) -> int:
    """Finds the least n with `enough(n)`, by bisection; `enough` must stay true once it is.

    Raises InvalidArgument, naming the discrepancy, where that is above 2^62.
    """
    high = 1
    while not enough(high):
        high *= 2
        if high > MOST_SAMPLES:
            raise InvalidArgument(
                "discrepancy",
                repr(discrepancy),
                "one that some number of draws can show",
                "Ask for a larger one.",
            )
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _visible(n: int, spread: float, level: float, power: float) -> float:
    if n < 2:
        return math.inf
    # Revealed unless the estimate of the spread is too high or the mean too low; the chance to miss
    # is shared out to the two. Nearly exact for many draws, safe for few (SciPy's noncentral t may hang).
    miss = 1 - power
    shares = np.array([0.02, 0.1, 0.5])
    excess = np.sqrt(special.chdtri(n - 1, shares * miss) / (n - 1))
    shifts = student_quantile(level / 2, n - 1) * excess - special.ndtri((1 - shares) * miss)
    return float(spread * shifts.min() / math.sqrt(n))


def student_quantile(tail: float, freedom: int) -> float:
    """Computes what Student's t exceeds with probability `tail`, without scipy.stats' costly checks."""
    return -float(special.stdtrit(freedom, tail))
