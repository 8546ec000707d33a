from functools import partial

import numpy as np
import pytest

from ntkverify.errors import InvalidArgument
from ntkverify.findings import Verdict
from ntkverify.stats import (
    Effort,
    ErrorBudget,
    betting_samples_needed,
    betting_visible,
    decide_mean,
    replicate_slopes,
    samples_needed,
    simulated_source,
)
from ntkverify.stats.confirmation import REACH, SAFETY, Betting
from ntkverify.stats.plan import Plan

CALL = dict(level=1e-6, resolution=0.2, max_samples=20000)


def normal(mean, seed=0):
    return simulated_source(lambda rng, n: rng.standard_normal(n) + mean, seed)


def test_a_true_claim_holds_after_the_screen_and_says_what_it_could_see():
    decision = decide_mean(normal(1.0), (1.0, 1.0), **CALL)
    assert (decision.verdict, decision.stage) == (Verdict.HOLDS, "screen")
    assert decision.statistics.visible <= 0.2
    assert decision.statistics.samples < CALL["max_samples"]


@pytest.mark.parametrize(
    ("allowed", "mean"), [((0, 0), 0.4), ((0, np.inf), -0.4), ((-np.inf, 0), 0.4), ((-1, 1), 1.4)]
)
@pytest.mark.parametrize("support", [None, (-8, 8)])
def test_a_violation_fails_with_an_interval_outside_what_is_allowed(allowed, mean, support):
    decision = decide_mean(normal(mean), allowed, support=support, **CALL)
    assert (decision.verdict, decision.stage) == (Verdict.FAILS, "confirm")
    assert decision.interval[0] > allowed[1] or decision.interval[1] < allowed[0]
    assert decision.interval[0] <= decision.estimate <= decision.interval[1]


def test_a_mean_that_is_allowed_by_a_wide_margin_holds():
    assert decide_mean(normal(-3), (-np.inf, 0), **CALL).verdict is Verdict.HOLDS


def test_too_few_draws_are_undecided_and_needed_draws_decide():
    call = CALL | {"max_samples": 100}
    decision = decide_mean(normal(0), (0, 0), **call)
    assert decision.verdict is Verdict.UNDECIDED
    assert decision.statistics.visible > 0.2
    enough = int(1.2 * decision.statistics.needed)  # the spread is estimated anew
    assert decide_mean(normal(0), (0, 0), **call | {"max_samples": enough}).verdict is Verdict.HOLDS


def test_too_few_draws_are_undecided_even_for_a_gross_violation():
    decision = decide_mean(normal(9), (0, 0), **CALL | {"max_samples": 10})
    assert (decision.verdict, decision.stage) == (Verdict.UNDECIDED, "confirm")


def test_draws_stop_early_under_a_gross_violation():
    decision = decide_mean(normal(3), (-np.inf, 0), screen=8, **CALL)
    assert decision.verdict is Verdict.FAILS
    assert decision.statistics.samples < decision.statistics.needed


@pytest.mark.parametrize("mean", [-1e6, 0.0, 0.3])
def test_the_number_of_screening_draws_depends_on_the_spread_only(mean):
    counts = []

    def source(stream, start, count):
        if stream == "screen":
            counts.append((start, count))
        return normal(0.0)(stream, start, count) + mean

    decide_mean(source, (0, 0), **CALL)
    reference = decide_mean(normal(0.0), (0, 0), **CALL).statistics.samples
    assert sum(count for _, count in counts) == reference
    assert [start for start, _ in counts] == list(np.cumsum([0] + [count for _, count in counts[:-1]]))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("stream", ["screen", "confirm"])
@pytest.mark.parametrize("support", [None, (-8, 8)])
def test_a_draw_that_is_not_finite_fails(value, stream, support):
    def source(asked, start, count):
        draws = normal(1.0)(asked, start, count)
        return np.where((asked == stream) & (np.arange(start, start + count) == 5), value, draws)

    decision = decide_mean(source, (0, 0), support=support, **CALL)
    assert (decision.verdict, decision.stage) == (Verdict.FAILS, stream)
    assert "not finite" in decision.statistics.method


def test_draws_without_spread_hold_by_their_value_but_never_fail():
    def constant(stream, start, count):
        return np.full(count, 0.1)

    assert decide_mean(constant, (0.1, 0.1), **CALL).verdict is Verdict.HOLDS
    # A rare draw far away, not seen yet, could be what puts the mean into the range.
    assert decide_mean(constant, (0.2, 0.3), **CALL).verdict is Verdict.UNDECIDED


def test_rare_large_draws_are_no_false_alarm():
    """One draw in fifty is 50, the others 0: the mean is 1, and most screens show no spread at all."""

    def rare(seed, stream, start, count):
        return 50.0 * (np.random.default_rng([seed, *stream.encode()]).random(start + count)[start:] < 0.02)

    for seed in range(100):
        assert decide_mean(partial(rare, seed), (1, 1), **CALL).verdict is not Verdict.FAILS


def test_a_spread_that_the_screen_did_not_show_never_gives_a_false_failure():
    def source(stream, start, count):
        return np.full(count, 0.1) if stream == "screen" else normal(0.0)(stream, start, count)

    assert decide_mean(source, (0, 0), **CALL).verdict is not Verdict.FAILS


@pytest.mark.parametrize(
    "allowed, support",
    [((0, 0), (-8, 8)), ((-1, 2), (-9, 10)), ((-np.inf, 3), (-5, 11)), ((3, np.inf), (-5, 11))],
)
def test_draws_are_clipped_where_the_screen_tells(allowed, support):
    screened = np.array([1.0, -1.0] * 32) / np.sqrt(64 / 63)
    seen = Betting(level=1e-3, allowed=allowed).seen(screened, resolution=0.1)
    assert seen.support == pytest.approx(support)
    assert REACH * screened.std(ddof=1) == pytest.approx(8)


def test_a_screen_that_hardly_spreads_leaves_room_for_what_must_be_seen():
    seen = Betting(level=1e-3, allowed=(1, 1)).seen(np.array([1.0, 1.0 + 1e-9]), resolution=0.1)
    assert seen.support == pytest.approx((0.8, 1.2))


def test_no_failure_rests_on_a_draw_that_was_clipped():
    """Rare draws of 1000 hold up a mean of which the others fall short; the same ones below stand against nothing."""
    draws = np.random.default_rng(0).standard_normal(4000) - 3

    def failed(rare: float) -> bool:
        some = np.where(np.arange(draws.size) % 10 == 3, rare, draws)
        betting = Betting(level=1e-6, allowed=(0, 0), support=(-9, 9))
        interval, _ = betting.interval(lambda start, count: some[start : start + count], draws.size, 1.0)
        return interval[1] < 0

    assert failed(-3.0) and failed(-1000.0)
    assert not failed(1000.0)


def test_both_stages_have_to_see_a_violation_and_the_coarser_one_is_told():
    confirm = Betting(level=1e-3, allowed=(0, 0), support=(-8, 8))
    plan = Plan(
        allowed=(0, 0),
        level=1e-3,
        resolution=0.5,
        power=0.9,
        screen=64,
        max_samples=90,
        screen_level=0.01,
        confirm=confirm,
    )
    needed = betting_samples_needed(0.5, SAFETY**0.5, 1e-3, 0.95, 8)
    assert confirm.needed(0.5, 1.0, 0.95) == needed > 90
    assert plan.screening_draws(1.0) == samples_needed(0.5, 1.0, 0.01, 0.95)
    screened = np.random.default_rng(0).standard_normal(64)
    spread = screened.std(ddof=1)
    told = plan.statistics(screened, 64)
    assert told.visible == betting_visible(90, spread * SAFETY**0.5, 1e-3, 0.95, 8, 8)
    assert told.needed == betting_samples_needed(0.5, spread * SAFETY**0.5, 1e-3, 0.95, 8)


def test_betting_decides_about_the_clipped_draw():
    def rarely_low(rng, n):
        return np.where(rng.random(n) < 0.1, -90.0, 10.0)  # mean 0, but clipped at -1 the mean is 8.9

    decision = decide_mean(simulated_source(rarely_low, 0), (0, 0), support=(-1, 20), **CALL)
    assert decision.verdict is Verdict.FAILS


def test_a_rate_is_decided_from_slopes_of_independent_replicates():
    widths = np.array([1024, 512, 256, 128, 64])

    def slopes(rng, n):
        return replicate_slopes(widths, widths**-0.5 * rng.lognormal(0, 0.3, (n, 5)))

    call = dict(level=1e-5, resolution=0.1, max_samples=5000)
    assert decide_mean(simulated_source(slopes, 0), (-np.inf, -0.4), **call).verdict is Verdict.HOLDS
    assert decide_mean(simulated_source(slopes, 0), (-np.inf, -0.9), **call).verdict is Verdict.FAILS


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        ({"allowed": (1, 0)}, "allowed"),
        ({"level": 0}, "level"),
        ({"resolution": 0}, "resolution"),
        ({"max_samples": 1}, "max_samples"),
        ({"support": (1, 2)}, "support"),
        ({"draw": lambda stream, start, count: np.zeros(count + 1)}, "draw"),
    ],
)
def test_unusable_arguments_are_named(change, argument):
    call = {"draw": normal(0), "allowed": (0, 0)} | CALL | change
    with pytest.raises(InvalidArgument) as raised:
        decide_mean(call.pop("draw"), call.pop("allowed"), **call)
    assert raised.value.argument == argument


def test_a_budget_is_shared_out_over_claims_and_examples():
    assert ErrorBudget(claims=10, examples=20).per_decision == pytest.approx(1e-3 / 200)
    with pytest.raises(InvalidArgument, match="claims"):
        ErrorBudget(claims=0, examples=1)
    shares = Effort(level=0.4, max_samples=7).split(1, 3)
    assert [(share.level, share.max_samples) for share in shares] == [
        (pytest.approx(0.1), 7),
        (pytest.approx(0.3), 7),
    ]
