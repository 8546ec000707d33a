"""Betting on bounded draws: evidence that may be read after every draw and stays valid.

I. Waudby-Smith and A. Ramdas, "Estimating means of bounded random variables by betting",
JRSS B 86(1), 2023. Against "the mean is at most m", for draws X in [a, b], a gambler who
stakes the fraction q < 1 turns 1 into

    W_n = prod (1 + q (X_i - m) / (m - a)),

which is never negative and has expectation at most 1 at every stopping time if the mean is
at most m, so it ever reaches 1/e with probability at most e (Ville's inequality). The mirror
image -X bets against "at least m". The wealth used is the average over a grid of fractions
(their diversified bets), each fixed in advance: unlike bets that follow the draws, its power
can be stated (see `betting_power`).
"""

import math

import numpy as np
from scipy.optimize import brentq

from ntkverify.errors import InvalidArgument
from ntkverify.stats import checks

# Halving loses at most a sixth of the best growth; 2^-16 reaches violations far below the spread.
FRACTIONS = 0.5 ** np.arange(1, 17)


def betting_test(
    samples: np.ndarray, allowed: tuple[float, float], level: float, support: tuple[float, float]
) -> int | None:
    """Counts the draws that had been seen when they refuted "the mean lies in `allowed`"; None if never.

    samples: (n,) independent draws in the order drawn; each is clipped to `support`, so what
    is tested is the mean of the clipped draw (see `decide_mean`). If that lies in `allowed`, a
    number comes back with probability at most `level` however long the draws go on: each
    side has level / 2, and the wealth against it must reach 2 / level.

    Raises InvalidArgument where `support` is not finite or leaves no room on either side of
    `allowed`, and for samples that are not finite.
    """
    low, high = checks.interval("allowed", allowed)
    a, b = _support(support)
    if low >= b or high <= a:
        raise InvalidArgument(
            "support", repr(support), f"one that reaches into {allowed} from both sides", "Widen the support."
        )
    samples = np.clip(checks.finite_samples(samples, 0), a, b)
    needed = math.log(2 / checks.probability("level", level))
    # Where `allowed` covers the support on one side, nothing on that side can be refuted.
    stops = [_first(samples - a, high - a, needed)] if high < b else []
    stops += [_first(b - samples, b - low, needed)] if low > a else []
    return min((stop for stop in stops if stop is not None), default=None)


def betting_interval(samples: np.ndarray, level: float, support: tuple[float, float]) -> tuple[float, float]:
    """Bounds the means (low, high) that the (n,) draws, clipped to `support`, have not refuted at `level`.

    It is valid at any stopping time, and agrees with `betting_test` at that time. Raises as that does.
    """
    a, b = _support(support)
    samples = np.clip(checks.finite_samples(samples, 0), a, b)
    needed = math.log(2 / checks.probability("level", level))
    return a + _least_mean(samples - a, b - a, needed), b - _least_mean(b - samples, b - a, needed)


def _support(support: tuple[float, float]) -> tuple[float, float]:
    a, b = checks.interval("support", support)
    if not (math.isfinite(a) and math.isfinite(b) and a < b):
        raise InvalidArgument("support", repr(support), "finite (a, b) with a < b", "Bound the draws.")
    return a, b


def _log_wealth(above: np.ndarray, mean: float) -> np.ndarray:
    """Computes the log of the average wealth after each draw, (n,); `above` (n,) and `mean` count from a."""
    gains = np.log1p(FRACTIONS * (above[:, None] / mean - 1))
    return np.logaddexp.reduce(gains.cumsum(axis=0), axis=1) - math.log(FRACTIONS.size)


def _first(above: np.ndarray, mean: float, needed: float) -> int | None:
    reached = _log_wealth(above, mean) >= needed
    return int(reached.argmax()) + 1 if reached.any() else None


def _least_mean(above: np.ndarray, width: float, needed: float) -> float:
    """Finds the least mean not refuted; the final wealth falls strictly as the mean claimed grows."""
    if above.size == 0 or above.max() == 0:
        return 0.0

    def excess(mean: float) -> float:
        return float(np.logaddexp.reduce(np.log1p(FRACTIONS * (above / mean - 1)[:, None]).sum(0))) - offset

    offset = needed + math.log(FRACTIONS.size)
    tiny = width * 2.0**-60
    if excess(tiny) <= 0:
        return 0.0
    return width if excess(width) > 0 else float(brentq(excess, tiny, width))
