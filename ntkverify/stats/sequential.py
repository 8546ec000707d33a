"""The decision: screen, then confirm on a fresh stream at a tiny level; never until it passes."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np

from ntkverify.errors import InvalidArgument
from ntkverify.findings import Statistics, Verdict
from ntkverify.stats import checks
from ntkverify.stats.confirmation import ANYTHING, Betting, Support, Take, clipped
from ntkverify.stats.eprocess import betting_test
from ntkverify.stats.location import mean_interval, standard_deviation
from ntkverify.stats.plan import Plan

Draw = Callable[[str, int, int], np.ndarray]
Stage = Literal["screen", "confirm"]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The verdict on "the mean of the draws lies in `allowed`", and what it rests on.

    stage: "screen" or "confirm", the last one run; estimate and interval are that stage's
    (-inf, inf) where the fresh draws say nothing: the screen had no spread, or one had to be clipped.
    interval: Student's at the screening level, or the confirming one at statistics.level; the
    verdict is FAILS only in the second case. (nan, nan) where a draw was not finite.
    statistics: level, visible and power are those of the whole procedure; samples counts the
    draws of both stages; needed is the `max_samples` that a violation of `resolution` takes.
    """

    verdict: Verdict
    estimate: float
    interval: tuple[float, float]
    allowed: tuple[float, float]
    stage: Stage
    statistics: Statistics


def decide_mean(
    draw: Draw,
    allowed: tuple[float, float],
    *,
    level: float,
    resolution: float,
    power: float = 0.99,
    screen: int = 64,
    max_samples: int,
    screen_level: float = 0.01,
    support: Support = None,
) -> Decision:
    """Decides whether the mean of independent draws lies in the closed interval `allowed`.

    draw: draw(stream, start, count) -> (count,) independent draws, the same for the same
        arguments; blocks of a stream concatenate; streams "screen" and "confirm" are independent.
    allowed: (low, high); low may be -inf, high inf; equal for an exact value. Include rounding.
    level: false-alarm rate, the probability of FAILS where the mean does lie in `allowed`.
    resolution: the violation (distance of the mean from `allowed`) that must not go unseen.
    power: the probability of FAILS at a violation of statistics.visible, if the spread is at
        most sqrt(2) times the screen's and the mean of the screen's draws about normal.
    screen: draws of the pilot. max_samples: the most draws of each of the two stages.
    support: (a, b), to which all draws are clipped, in both stages; None for what the screen tells.

    The screen draws until their number fits their own spread (Chow & Robbins 1965), never
    looking at where they lie, then tests `allowed` at `screen_level`. If that passes, the
    verdict is HOLDS, or UNDECIDED where a violation of `resolution` could have escaped the
    procedure. If it flags, fresh draws are bet on (see `eprocess`), at most as many as the screen's spread asks
    for: FAILS where they refute `allowed` at `level`, else as before.

    What is proved, for independent draws of any distribution: FAILS has at most the probability `level` where the mean
    of the *clipped* draw lies in `allowed`; where the support is not given, fresh draws alone are clipped, as
    `confirmation.Betting` does. Clipping at b only lowers the mean, so a true claim about the unclipped mean
    never suffers from it for allowed = (-inf, high), and mirrored. What rests on the screen's draws being about
    normal: `power`, and the visible violation.

    A draw that is NaN or infinite gives FAILS at once: every claim here says that the mean is
    a finite number, and draws that are not finite with positive probability have no such
    mean. This costs no false alarms. Draws that may diverge must be mapped before they get here.

    Raises InvalidArgument for arguments out of range and draws of the wrong shape.
    """
    allowed = checks.interval("allowed", allowed)
    plan = Plan(
        allowed=allowed,
        level=checks.probability("level", level),
        resolution=checks.positive("resolution", resolution),
        power=checks.probability("power", power),
        screen=checks.count("screen", screen, 2),
        max_samples=checks.count("max_samples", max_samples, 2),
        screen_level=checks.probability("screen_level", screen_level),
        confirm=_confirmation(allowed, level, support),
    )
    screened = _screen(partial(_take, draw, support, "screen"), plan)
    if not np.isfinite(screened).all():
        return _not_finite(plan, "screen", screened, screened.size)
    plan = replace(plan, confirm=plan.confirm.seen(screened, resolution))
    interval = mean_interval(screened, plan.screen_level)
    if _meets(interval, plan.allowed):
        return _decision(plan, "screen", screened, float(screened.mean()), interval, screened.size)
    spread = standard_deviation(screened)
    interval, fresh = plan.confirm.interval(
        partial(_take, draw, support, "confirm"), plan.confirming_draws(spread), spread
    )
    total = screened.size + fresh.size
    if not np.isfinite(fresh).all():
        return _not_finite(plan, "confirm", fresh, total)
    estimate = float(clipped(fresh if fresh.size else screened, plan.confirm.support).mean())
    return _decision(plan, "confirm", screened, estimate, interval, total)


def _confirmation(allowed: tuple[float, float], level: float, support: Support) -> Betting:
    if support is not None:
        betting_test(np.empty(0), allowed, level, support)  # raises for a support that does not fit
    return Betting(level=level, allowed=allowed, support=support)


def _take(draw: Draw, support: Support, stream: str, start: int, count: int) -> np.ndarray:
    samples = np.asarray(draw(stream, start, count), dtype=float)
    if samples.shape != (count,):
        raise InvalidArgument(
            "draw", f"shape {samples.shape}", f"shape ({count},)", "Return one number per draw."
        )
    return clipped(samples, support)


def _screen(take: Take, plan: Plan) -> np.ndarray:
    """Draws until there are as many as their own spread asks for; stops early at one not finite."""
    samples = take(0, min(plan.screen, plan.max_samples))
    while np.isfinite(samples).all():
        needed = min(plan.max_samples, plan.screening_draws(standard_deviation(samples)))
        if needed <= samples.size:
            break
        # A tenth more than the spread so far asks for, so that few rounds suffice.
        target = min(plan.max_samples, math.ceil(1.1 * needed))
        samples = np.concatenate([samples, take(samples.size, target - samples.size)])
    return samples


def _meets(interval: tuple[float, float], allowed: tuple[float, float]) -> bool:
    return interval[0] <= allowed[1] and allowed[0] <= interval[1]


def _decision(
    plan: Plan,
    stage: Stage,
    screened: np.ndarray,
    estimate: float,
    interval: tuple[float, float],
    samples: int,
) -> Decision:
    statistics = plan.statistics(screened, samples)
    verdict = Verdict.HOLDS if statistics.needed <= plan.max_samples else Verdict.UNDECIDED
    if stage == "confirm" and interval == ANYTHING:
        verdict = Verdict.UNDECIDED  # the screen flagged it, and the fresh draws said nothing
    if stage == "confirm" and not _meets(interval, plan.allowed):
        verdict = Verdict.FAILS
    return Decision(
        verdict=verdict,
        estimate=estimate,
        interval=interval,
        allowed=plan.allowed,
        stage=stage,
        statistics=statistics,
    )


def _not_finite(plan: Plan, stage: Stage, samples: np.ndarray, total: int) -> Decision:
    """Fails: there is no mean, so no interval, and nothing that more draws could show."""
    with np.errstate(invalid="ignore"):
        estimate = float(samples.mean())
    statistics = Statistics(
        level=plan.level,
        samples=total,
        visible=math.inf,
        resolution=plan.resolution,
        needed=total,
        power=plan.power,
        method=f"{int((~np.isfinite(samples)).sum())} draws are not finite",
    )
    return Decision(
        verdict=Verdict.FAILS,
        estimate=estimate,
        interval=(math.nan, math.nan),
        allowed=plan.allowed,
        stage=stage,
        statistics=statistics,
    )
