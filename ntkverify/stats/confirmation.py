"""The second stage of a decision: fresh draws, held to a tiny false-alarm rate.

Both methods know the spread of the draws from the screen alone, which is independent of the
draws confirmed with; they take the variance to be at most SAFETY times the screen's.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ntkverify.stats import checks
from ntkverify.stats.betting_power import betting_samples_needed, betting_visible
from ntkverify.stats.catoni import catoni_interval
from ntkverify.stats.eprocess import betting_interval, betting_test
from ntkverify.stats.location import samples_needed, standard_deviation, visible_discrepancy

SAFETY = 2.0

Take = Callable[[int, int], np.ndarray]
"""(start, count) -> that many draws of a stream, (count,)."""

Support = tuple[float, float] | None
"""Finite bounds (a, b) that draws are clipped to; None for none."""


@dataclass(frozen=True, kw_only=True)
class Catoni:
    """Confirms with Catoni's interval at level / 2; the other half is for the variance bound.

    For nonnegative variables (Maurer 2003; from exp(-x) <= 1 - x + x^2 / 2) P(mean of n values
    <= (1 - t) its expectation) <= exp(-n t^2 / (2 k)), k the second moment over the squared
    first. For squared deviations k is the kurtosis (3 for normal draws), so with t = 1 - 1/SAFETY
    the bound fails with probability at most level / 2 while k is at most `kurtosis(n)`, up to
    the estimation of the mean (order 1/n) and the choice of n by the spread. That is
    sufficient, not necessary: Catoni's interval errs far less often than it may.
    """

    level: float

    def describe(self, screened: int) -> str:
        """Says in one line what is assumed."""
        kurtosis = self.kurtosis(screened)
        return (
            f"Catoni, variance at most {SAFETY:g} x the screen's (proved for kurtosis up to {kurtosis:.3g})"
        )

    def kurtosis(self, screened: int) -> float:
        """Computes the largest kurtosis for which `screened` draws justify the variance bound."""
        return screened * (1 - 1 / SAFETY) ** 2 / (2 * math.log(2 / self.level))

    def needed(self, discrepancy: float, spread: float, power: float) -> int:
        """Counts the draws that a violation of `discrepancy` takes, for a screen of that spread."""
        return samples_needed(discrepancy, spread * SAFETY**0.5, self.level / 2, power, "catoni")

    def visible(self, n: int, spread: float, power: float) -> float:
        """Computes the smallest violation that `n` draws show, for a screen of that spread."""
        return visible_discrepancy(n, spread * SAFETY**0.5, self.level / 2, power, "catoni")

    def estimate(self, interval: tuple[float, float], samples: np.ndarray) -> float:
        """Returns Catoni's estimate, the middle of the interval; the plain mean where that has no ends."""
        if math.isfinite(interval[1] - interval[0]):
            return (interval[0] + interval[1]) / 2
        return float(samples.mean()) if samples.size else math.nan

    def interval(self, take: Take, n: int, spread: float) -> tuple[tuple[float, float], np.ndarray]:
        """Computes the interval from `n` draws of `take(start, count)`; returns it and the draws (n,)."""
        if n <= 2 * math.log(4 / self.level):
            return (-math.inf, math.inf), np.empty(0)
        samples = take(0, n)
        if not np.isfinite(samples).all():
            return (math.nan, math.nan), samples
        bound = SAFETY * spread**2
        # Spread beyond the bound refutes the bound: then the interval covers the wider one's too.
        # It only ever grows, so it stays valid wherever the bound does hold.
        variances = [v for v in (bound, max(bound, standard_deviation(samples) ** 2)) if v > 0]
        if not variances:  # equal draws say nothing of rare ones that differ
            return (-math.inf, math.inf), samples
        ends = [catoni_interval(samples, self.level / 2, v) for v in variances]
        return (float(min(low for low, _ in ends)), float(max(high for _, high in ends))), samples


@dataclass(frozen=True, kw_only=True)
class Betting:
    """Confirms by betting, in small blocks, and stops at the draw that settles it.

    Valid for any distribution of the clipped draw; the screen's spread serves only to say how
    many draws the stated power takes.
    """

    level: float
    allowed: tuple[float, float]
    support: tuple[float, float]

    def describe(self, screened: int) -> str:
        """Says in one line what is assumed."""
        return f"betting on draws clipped to [{self.support[0]:g}, {self.support[1]:g}]"

    def _reaches(self) -> list[tuple[float, float]]:
        """Lists (reach, largest violation) for each edge of `allowed` that the support lets a mean cross."""
        (low, high), (a, b) = self.allowed, self.support
        return [(high - a, b - high)] * (high < b) + [(b - low, low - a)] * (low > a)

    def needed(self, discrepancy: float, spread: float, power: float) -> int:
        """Counts the draws that a violation of `discrepancy` takes, for a screen of that spread."""
        spread *= SAFETY**0.5
        return max(
            (
                betting_samples_needed(discrepancy, spread, self.level, power, reach)
                for reach, _ in self._reaches()
            ),
            default=1,
        )

    def visible(self, n: int, spread: float, power: float) -> float:
        """Computes the smallest violation that `n` draws show, for a screen of that spread."""
        spread *= SAFETY**0.5
        sides = (betting_visible(n, spread, self.level, power, *side) for side in self._reaches())
        return max(sides, default=0.0)

    def estimate(self, interval: tuple[float, float], samples: np.ndarray) -> float:
        """Returns the mean of the clipped draws."""
        return float(samples.mean())

    def interval(self, take: Take, n: int, spread: float) -> tuple[tuple[float, float], np.ndarray]:
        """Bets on at most `n` draws of `take`; returns the interval where it stops, and the draws."""
        samples = np.empty(0)
        while samples.size < n:
            # A quarter more each time: at most a quarter of the draws is spent past the stop.
            block = min(n - samples.size, max(4, samples.size // 4))
            samples = np.concatenate([samples, take(samples.size, block)])
            if not np.isfinite(samples).all():
                return (math.nan, math.nan), samples
            stop = betting_test(samples, self.allowed, self.level, self.support)
            if stop is not None:
                return betting_interval(samples[:stop], self.level, self.support), samples
        return betting_interval(samples, self.level, self.support), samples


def clipped(samples: np.ndarray, support: Support) -> np.ndarray:
    """Moves finite values of `samples` (n,) into `support`; NaN and infinities stay, as evidence."""
    if support is None:
        return samples
    low, high = checks.interval("support", support)
    return np.where(np.isfinite(samples), np.clip(samples, low, high), samples)
