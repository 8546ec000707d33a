"""Each procedure raises as few false alarms, and finds as much, as it says; a peeking one is caught."""

import numpy as np
import pytest

from ntkverify.findings import Verdict
from ntkverify.stats import (
    betting_test,
    decide_mean,
    detections,
    false_alarms,
    mean_interval,
    simulated_source,
    visible_discrepancy,
)

# Each with mean 0 and variance 1.
LOGNORMAL_MEAN, LOGNORMAL_SPREAD = np.exp(0.125), np.sqrt((np.exp(0.25) - 1) * np.exp(0.25))
SAMPLERS = {
    "normal": lambda rng, n: rng.standard_normal(n),
    "lognormal": lambda rng, n: (rng.lognormal(0, 0.5, n) - LOGNORMAL_MEAN) / LOGNORMAL_SPREAD,
    "student-t3": lambda rng, n: rng.standard_t(3, n) / np.sqrt(3),
}
every_sampler = pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)


def test_students_interval_misses_the_mean_of_normal_draws_exactly_at_its_level():
    def misses(seed):
        low, high = mean_interval(np.random.default_rng(seed).standard_normal(5), 0.1)
        return not low <= 0 <= high

    assert false_alarms(misses, trials=1500, level=0.1).within
    assert detections(misses, trials=1500, power=0.1).within


@pytest.mark.parametrize("level", [0.01, 0.001])
@every_sampler
def test_betting_raises_false_alarms_at_most_at_its_level_though_read_after_every_draw(sampler, level):
    # A fair sign flip keeps the clipped mean at exactly 0.
    def refuted(seed):
        rng = np.random.default_rng(seed)
        draws = sampler(rng, 300) * rng.choice([-1, 1], 300)
        return betting_test(draws, (0, 0), level, (-3, 3)) is not None

    assert false_alarms(refuted, trials=500, level=level).within


@pytest.mark.parametrize("level", [0.01, 0.001])
@every_sampler
def test_the_whole_decision_raises_false_alarms_at_most_at_its_level(sampler, level):
    def fails(seed):
        return decide(sampler, seed, 0.0, level=level).verdict is Verdict.FAILS

    assert false_alarms(fails, trials=150, level=level).within


@every_sampler
def test_a_violation_of_the_visible_size_is_found_with_the_stated_power(sampler):
    visible = decide(sampler, 0, 0.0).statistics.visible
    assert visible <= 0.5 * (1 + 1e-4)  # it is sought on a grid

    def found(seed):
        return decide(sampler, seed, 0.5).verdict is Verdict.FAILS

    assert detections(found, trials=100, power=0.99).within


def test_twice_the_visible_violation_is_always_found_and_half_of_it_may_pass():
    normal = SAMPLERS["normal"]
    assert all(decide(normal, seed, 1.0).verdict is Verdict.FAILS for seed in range(200))
    half = [decide(normal, seed, 0.25).verdict for seed in range(50)]
    assert Verdict.HOLDS in half


def test_peeking_until_it_fails_is_caught():
    """The planted fault: Student's test at the same level, read after each block of draws."""

    def fails_at_some_peek(seed):
        draws = np.random.default_rng(seed).standard_normal(500)
        return any(mean_interval(draws[:n], 0.01)[0] > 0 for n in range(10, 501, 10))

    assert not false_alarms(fails_at_some_peek, trials=500, level=0.005).within


def test_peeking_until_it_passes_is_caught():
    """The planted fault: draws more until the violation has gone, and so lacks power."""

    visible = visible_discrepancy(10, 1, 0.05, 0.9)

    def fails_at_every_peek(seed):
        blocks = np.random.default_rng(seed).standard_normal((100, 10)) + visible
        return all(mean_interval(block, 0.05)[0] > 0 for block in blocks)

    assert not detections(fails_at_every_peek, trials=300, power=0.9).within


def decide(sampler, seed, shift, *, level=0.001):
    source = simulated_source(lambda rng, n: sampler(rng, n) + shift, seed)
    return decide_mean(source, (0, 0), level=level, resolution=0.5, max_samples=5000)


def test_blocks_of_a_stream_concatenate_and_streams_differ():
    source = simulated_source(SAMPLERS["lognormal"], 0)
    whole = source("screen", 0, 9)
    np.testing.assert_array_equal(np.concatenate([source("screen", 0, 4), source("screen", 4, 5)]), whole)
    assert not np.isin(source("confirm", 0, 9), whole).any()
