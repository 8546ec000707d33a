from functools import partial

import numpy as np
import pytest

from ntkverify.errors import InvalidArgument
from ntkverify.findings import Verdict
from ntkverify.stats import (
    Effort,
    ErrorBudget,
    catoni_interval,
    decide_mean,
    replicate_slopes,
    samples_needed,
    simulated_source,
    visible_discrepancy,
)
from ntkverify.stats.confirmation import Catoni
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
@pytest.mark.parametrize("confirm", ["catoni", "betting"])
def test_a_violation_fails_with_an_interval_outside_what_is_allowed(allowed, mean, confirm):
    decision = decide_mean(normal(mean), allowed, confirm=confirm, support=(-8, 8), **CALL)
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


def test_too_few_draws_for_any_interval_are_undecided_even_for_a_gross_violation():
    decision = decide_mean(normal(9), (0, 0), **CALL | {"max_samples": 10})
    assert (decision.verdict, decision.interval) == (Verdict.UNDECIDED, (-np.inf, np.inf))


def test_costly_draws_stop_early_under_a_gross_violation():
    decision = decide_mean(normal(3), (-np.inf, 0), confirm="betting", support=(-8, 8), screen=8, **CALL)
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
@pytest.mark.parametrize("confirm", ["catoni", "betting"])
def test_a_draw_that_is_not_finite_fails(value, stream, confirm):
    def source(asked, start, count):
        draws = normal(1.0)(asked, start, count)
        return np.where((asked == stream) & (np.arange(start, start + count) == 5), value, draws)

    decision = decide_mean(source, (0, 0), confirm=confirm, support=(-8, 8), **CALL)
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


@pytest.mark.parametrize("spread", [1.0, 3.0])
def test_catoni_confirms_at_half_its_level_and_twice_the_variance_or_what_is_seen(spread):
    draws = spread * np.random.default_rng(0).standard_normal(400)
    interval, used = Catoni(level=1e-3).interval(lambda start, count: draws[start : start + count], 400, 1.0)
    bounds = [catoni_interval(draws, 5e-4, variance) for variance in (2.0, max(2.0, draws.var(ddof=1)))]
    assert interval == (min(low for low, _ in bounds), max(high for _, high in bounds))
    np.testing.assert_array_equal(used, draws)


def test_both_stages_have_to_see_a_violation_and_the_coarser_one_is_told():
    confirm = Catoni(level=1e-3)
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
    needed = samples_needed(0.5, 2**0.5, 5e-4, 0.95, "catoni")
    assert confirm.needed(0.5, 1.0, 0.95) == needed > 90
    assert plan.screening_draws(1.0) == samples_needed(0.5, 1.0, 0.01, 0.95, "student")
    screened = np.random.default_rng(0).standard_normal(64)
    told = plan.statistics(screened, 64)
    assert told.visible == visible_discrepancy(90, screened.std(ddof=1) * 2**0.5, 5e-4, 0.95, "catoni")
    assert told.needed == samples_needed(0.5, screened.std(ddof=1) * 2**0.5, 5e-4, 0.95, "catoni")


def test_betting_decides_about_the_clipped_draw():
    def rarely_low(rng, n):
        return np.where(rng.random(n) < 0.1, -90.0, 10.0)  # mean 0, but clipped at -1 the mean is 8.9

    decision = decide_mean(
        simulated_source(rarely_low, 0), (0, 0), confirm="betting", support=(-1, 20), **CALL
    )
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
        ({"confirm": "peeking"}, "confirm"),
        ({"confirm": "betting"}, "support"),
        ({"confirm": "betting", "support": (1, 2)}, "support"),
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
