"""Holds every decision procedure to its stated rates by long simulation; exits 1 where one breaks them.

Usage: python ci/calibrate.py [--trials 2000]
"""

import argparse
import sys
from collections.abc import Iterator
from functools import partial

import numpy as np

from ntkverify.findings import Verdict
from ntkverify.stats import (
    Calibration,
    betting_test,
    decide_mean,
    detections,
    false_alarms,
    simulated_source,
)

SHIFT = 0.5


def samplers() -> dict:
    """Distributions of mean 0 and variance 1."""
    mean, spread = np.exp(0.125), np.sqrt((np.exp(0.25) - 1) * np.exp(0.25))
    return {
        "normal": lambda rng, n: rng.standard_normal(n),
        "lognormal": lambda rng, n: (rng.lognormal(0, 0.5, n) - mean) / spread,
        "student-t3": lambda rng, n: rng.standard_t(3, n) / np.sqrt(3),
    }


def refutes(sampler, level: float, seed: int) -> bool:
    """Whether betting refutes a true mean; random signs keep it at 0 when the draws are clipped."""
    rng = np.random.default_rng(seed)
    draws = sampler(rng, 300) * rng.choice([-1, 1], 300)
    return betting_test(draws, (0, 0), level, (-3, 3)) is not None


def fails(sampler, level: float, shift: float, seed: int) -> bool:
    """Whether the whole decision fails the claim that the mean is 0."""
    source = simulated_source(lambda rng, n: sampler(rng, n) + shift, seed)
    call = dict(level=level, resolution=SHIFT, max_samples=5000, screen=24)
    return decide_mean(source, (0, 0), **call).verdict is Verdict.FAILS


def rows(trials: int) -> Iterator[tuple[str, Calibration]]:
    """One line of the table at a time."""
    for name, sampler in samplers().items():
        for level in (0.01, 0.001):
            found = false_alarms(partial(refutes, sampler, level), trials=trials, level=level)
            yield f"bets  {name:<10} level {level:g}", found
        whole = partial(fails, sampler, 0.001)
        found = false_alarms(partial(whole, 0.0), trials=trials, level=0.001)
        yield f"whole {name:<10} level 0.001", found
        found = detections(partial(whole, SHIFT), trials=trials, power=0.99)
        yield f"whole {name:<10} power 0.99", found


def main() -> int:
    """Prints the table; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=2000)
    broken = 0
    for label, found in rows(parser.parse_args().trials):
        mark = "" if found.within else "  OUTSIDE"
        print(
            f"{label:<40} promised {found.promised:<6g} observed {found.rate:<8.4g} "
            f"({found.events} of {found.trials}, bound {found.bound}){mark}",
            flush=True,
        )
        broken += not found.within
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
