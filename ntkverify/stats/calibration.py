"""Holding a decision procedure to what it says of itself, by simulation."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ntkverify.stats import checks

Source = Callable[[str, int, int], np.ndarray]
Sampler = Callable[[np.random.Generator, int], np.ndarray]

# A correct procedure is called wrong this often: rare enough for a suite that runs daily.
DOUBT = 1e-6


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Says how often something happened in `trials` simulated runs, against the rate promised.

    bound: the most events (for a false-alarm rate) or the fewest (for a power) that chance
    explains at the promised rate, in all but a share DOUBT of simulations.
    """

    events: int
    trials: int
    promised: float
    bound: int
    within: bool

    @property
    def rate(self) -> float:
        """Is the rate observed."""
        return self.events / self.trials


def false_alarms(trial: Callable[[int], bool], *, trials: int, level: float) -> Calibration:
    """Runs `trial(seed)`, true for a false alarm, for seeds 0, 1, ...; the rate may be at most `level`."""
    events = _events(trial, trials)
    # The least count exceeded with probability at most DOUBT.
    bound = int(stats.binom.isf(DOUBT, trials, checks.probability("level", level)))
    return Calibration(events=events, trials=trials, promised=level, bound=bound, within=events <= bound)


def detections(trial: Callable[[int], bool], *, trials: int, power: float) -> Calibration:
    """Runs `trial(seed)`, true for a violation found, for seeds 0, 1, ...; the rate must reach `power`."""
    events = _events(trial, trials)
    bound = int(stats.binom.ppf(DOUBT, trials, checks.probability("power", power)))
    return Calibration(events=events, trials=trials, promised=power, bound=bound, within=events >= bound)


def simulated_source(sampler: Sampler, seed: int) -> Source:
    """Makes draws for `decide_mean`: `sampler(rng, n)` must give the same first draws for every n.

    Blocks concatenate, streams of different name or seed are independent.
    """

    def draw(stream: str, start: int, count: int) -> np.ndarray:
        rng = np.random.default_rng([seed, *stream.encode()])
        return np.asarray(sampler(rng, start + count))[start:]

    return draw


def _events(trial: Callable[[int], bool], trials: int) -> int:
    return sum(bool(trial(seed)) for seed in range(checks.count("trials", trials, 1)))
