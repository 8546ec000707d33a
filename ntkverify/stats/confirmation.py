"""The second stage of a decision: fresh draws, bet on until they refute the claim at a tiny false-alarm rate.

Bets need bounded draws. Where none are given, the bounds come from the screen, which is independent of the draws
confirmed with: REACH times its spread to either side of what is allowed. What is proved is then about draws clipped
there, for any distribution of them. Clipping moves a mean by at most the standard deviation / (4 REACH), whatever the
distribution (Scarf 1958), and no failure rests on it alone: the mean of the draws as they came has to fail, too.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ntkverify.stats import checks
from ntkverify.stats.betting_power import betting_samples_needed, betting_visible
from ntkverify.stats.eprocess import betting_interval, betting_test
from ntkverify.stats.location import standard_deviation

SAFETY = 2.0
"""How many times the screen's variance the draws may have for the stated power to hold."""

REACH = 8.0
"""Spreads of the screen at which draws are clipped. Larger stakes fit within narrower bounds: with 8 a confirmation takes
at most twice the draws that a known variance would."""

Take = Callable[[int, int], np.ndarray]
"""(start, count) -> that many draws of a stream, (count,)."""

Support = tuple[float, float] | None
"""Finite bounds (a, b) that draws are clipped to; None for none."""

ANYTHING = (-math.inf, math.inf)


@dataclass(frozen=True, kw_only=True)
class Betting:
    """Confirms by betting, in small blocks, and stops at the draw that settles it.

    Valid for any distribution of the clipped draw; the screen's spread serves only to say where to clip, and how
    many draws the stated power takes. support: None before the screen, where it is to tell.
    """

    level: float
    allowed: tuple[float, float]
    support: Support = None

    def seen(self, screened: np.ndarray, resolution: float) -> "Betting":
        """Returns the confirmation that a screen (n,) leads to; unchanged where the support is given."""
        if self.support is not None:
            return self
        low, high = (
            edge if math.isfinite(edge) else other for edge, other in (self.allowed, self.allowed[::-1])
        )
        room = max(REACH * standard_deviation(screened), 2 * resolution)
        return replace(self, support=(low - room, high + room))

    def describe(self) -> str:
        """Says in one line what is assumed."""
        low, high = self._bounds
        return f"betting on draws clipped to [{low:.4g}, {high:.4g}]"

    @property
    def _bounds(self) -> tuple[float, float]:
        assert self.support is not None, "the screen has not been seen"
        return self.support

    def _reaches(self) -> list[tuple[float, float]]:
        """Lists (reach, largest violation) for each edge of `allowed` that the support lets a mean cross."""
        (low, high), (a, b) = self.allowed, self._bounds
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

    def interval(self, take: Take, n: int, spread: float) -> tuple[tuple[float, float], np.ndarray]:
        """Bets on at most `n` draws of `take`; returns the interval where it stops, and the draws as they came.

        Draws of a screen without any spread say nothing of rare ones that differ, so nothing is drawn then.
        """
        if spread == 0:
            return ANYTHING, np.empty(0)
        samples = np.empty(0)
        while samples.size < n:
            # A quarter more each time: at most a quarter of the draws is spent past the stop.
            block = min(n - samples.size, max(4, samples.size // 4))
            samples = np.concatenate([samples, take(samples.size, block)])
            if not np.isfinite(samples).all():
                return (math.nan, math.nan), samples
            stop = betting_test(samples, self.allowed, self.level, self._bounds)
            if stop is not None:
                return self._standing(samples[:stop]), samples
        return betting_interval(samples, self.level, self._bounds), samples

    def _standing(self, samples: np.ndarray) -> tuple[float, float]:
        """Returns the interval that refutes; ANYTHING where the mean of the draws, unclipped, stands against that."""
        low, high = betting_interval(samples, self.level, self._bounds)
        mean = samples.mean()
        stands = mean < self.allowed[0] if high < self.allowed[0] else mean > self.allowed[1]
        return (low, high) if stands else ANYTHING


def clipped(samples: np.ndarray, support: Support) -> np.ndarray:
    """Moves finite values of `samples` (n,) into `support`; NaN and infinities stay, as evidence."""
    if support is None:
        return samples
    low, high = checks.interval("support", support)
    return np.where(np.isfinite(samples), np.clip(samples, low, high), samples)
