"""How many draws the bets of `eprocess` take to find a violation: a bound for any distribution.

In the notation of that module, with s > 0, x = q (X - m) / (m - a) >= -q and Taylor's theorem,

    (1 + x)^-s <= 1 - s x + s (s + 1) / 2 * x^2 / (1 - q)^(s + 2),

so for a mean m + d and variance v, with l = q / (m - a), Markov's inequality gives

    P(W_n < w) <= w^s (1 - s l d + s (s + 1) / 2 * l^2 (v + d^2) / (1 - q)^(s + 2))^n.      (1)

For small d the best l and s = sqrt(log(1/miss) / log(w)) give n = 2 (sqrt(log w) +
sqrt(log 1/miss))^2 v / d^2: what Catoni's interval needs, while a larger violation stops sooner.
"""

import math

import numpy as np

from ntkverify.errors import InvalidArgument
from ntkverify.stats import checks
from ntkverify.stats.eprocess import FRACTIONS
from ntkverify.stats.location import MOST_SAMPLES


def betting_samples_needed(
    discrepancy: float, spread: float, level: float, power: float, reach: float
) -> int:
    """Counts the draws by which a violation of `discrepancy` is found with probability `power`, by bound (1).

    spread: standard deviation of one draw. reach: how far the support goes beyond the edge of
    `allowed` on the inner side (edge - a for the upper edge, b - edge for the lower).
    Raises InvalidArgument for arguments out of range or a discrepancy that no number shows.
    """
    checks.positive("discrepancy", discrepancy)
    checks.nonnegative("spread", spread)
    checks.positive("reach", reach)
    checks.probability("level", level)
    checks.probability("power", power)
    draws = _draws(np.array([discrepancy]), spread, level, power, reach)[0]
    if draws > MOST_SAMPLES:
        raise InvalidArgument(
            "discrepancy",
            repr(discrepancy),
            "one that some number of draws can show",
            "Ask for a larger one.",
        )
    return int(draws)


def betting_visible(n: int, spread: float, level: float, power: float, reach: float, largest: float) -> float:
    """Finds the smallest violation, up to `largest`, seen in `n` draws: inverts `betting_samples_needed`.

    It is sought on nested grids, to one part in 10^5 and from above. Returns infinity where there is none.
    """
    checks.count("n", n, 1)
    checks.positive("largest", largest)
    # Down to a violation of 2^-60 times the largest; the second and third grid refine one step of the last.
    high, low = 0.0, -60.0
    for _ in range(3):
        grid = np.linspace(high, low, 121)
        shown = _draws(largest * 2**grid, spread, level, power, reach) <= n
        if not shown.any():
            return math.inf
        # From the top down: the smallest violation that is shown before the first that is missed again.
        first = int(shown.argmax())
        run = int((~shown[first:]).argmax()) if not shown[first:].all() else shown.size - first
        last = first + run - 1
        high, low = grid[last], grid[min(last + 1, grid.size - 1)]
    return float(largest * 2**high)


def _draws(discrepancies: np.ndarray, spread: float, level: float, power: float, reach: float) -> np.ndarray:
    """Counts the draws (m,) that bound (1) asks for at each of (m,) violations; infinite where none does."""
    log_wealth, log_miss = math.log(2 * FRACTIONS.size / level), -math.log1p(-power)
    # Any s is valid; this one is the best for small violations, the others help where draws are few.
    s = math.sqrt(log_miss / log_wealth) * 2.0 ** np.arange(-2, 3)[:, None]
    stake, d = FRACTIONS / reach, discrepancies[:, None, None]
    second = s * (s + 1) / 2 * stake**2 * (spread**2 + d**2) / (1 - FRACTIONS) ** (s + 2)
    decay = s * stake * d - second
    with np.errstate(divide="ignore", invalid="ignore"):
        # A decay of 1 or more would claim certainty after no draw at all.
        rate = -np.log1p(-np.minimum(decay, 1 - 2**-52))
        draws = np.where(decay > 0, (s * log_wealth + log_miss) / rate, np.inf)
    return np.ceil(np.maximum(draws.min(axis=(1, 2)), 1))
