"""The decision: screen, then confirm on a fresh stream at a tiny level; never until it passes."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from ntkverify.errors import InvalidArgument
from ntkverify.findings import Statistics, Verdict
from ntkverify.stats import checks
from ntkverify.stats.confirmation import Betting, Catoni, Support, Take, clipped
from ntkverify.stats.eprocess import betting_test
from ntkverify.stats.location import mean_interval, standard_deviation
from ntkverify.stats.plan import Plan

Draw = Callable[[str, int, int], np.ndarray]
Stage = Literal["screen", "confirm"]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The verdict on "the mean of the draws lies in `allowed`", and what it rests on.

    stage: "screen" or "confirm", the last one run; estimate and interval are that stage's
    (nan and (-inf, inf) where `max_samples` is too small for Catoni's interval).
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
    confirm: Literal["catoni", "betting"] = "catoni",
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
    support: (a, b), needed by "betting"; all draws are clipped to it, in both stages.

    The screen draws until their number fits their own spread (Chow & Robbins 1965), never
    looking at where they lie, then tests `allowed` at `screen_level`. If that passes, the
    verdict is HOLDS, or UNDECIDED where a violation of `resolution` could have escaped the
    procedure. If it flags, a number of fresh draws fixed by the screen's spread is held to
    `level`: FAILS where the interval lies wholly outside `allowed`, else as before.

    "catoni" assumes that the variance is at most twice the screen's, which its kurtosis must
    justify (`confirmation.Catoni`; statistics.method states how much). "betting" assumes
    nothing but stops early, for costly draws: it tests the mean of the *clipped* draw. For
    allowed = (-inf, high), clipping at b only lowers the mean, so a true claim about the
    unclipped mean never suffers, but clipping at a raises it: choose `a` below all draws, or
    read the claim as one about clipped draws. Mirrored for (low, inf); both for two edges.

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
        confirm=_confirmation(confirm, allowed, level, support),
    )
    screened = _screen(partial(_take, draw, support, "screen"), plan)
    if not np.isfinite(screened).all():
        return _not_finite(plan, "screen", screened, screened.size)
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
    estimate = plan.confirm.estimate(interval, fresh)
    return _decision(plan, "confirm", screened, estimate, interval, total)


def _confirmation(
    confirm: str, allowed: tuple[float, float], level: float, support: Support
) -> Catoni | Betting:
    if confirm not in ("catoni", "betting"):
        raise InvalidArgument("confirm", repr(confirm), '"catoni" or "betting"', "Use one of them.")
    if confirm == "catoni":
        return Catoni(level=level)
    if support is None:
        raise InvalidArgument(
            "support", "None", "finite bounds (a, b) of a draw", 'confirm="betting" needs them.'
        )
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
    if stage == "confirm" and interval == (-math.inf, math.inf):
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
