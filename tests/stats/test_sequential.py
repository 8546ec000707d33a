from functools import partial

import numpy as np
import pytest

from ntkverify.errors import InvalidArgument
from ntkverify.findings import Verdict
from ntkverify.stats import ErrorBudget, decide_mean, replicate_slopes, simulated_source

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
