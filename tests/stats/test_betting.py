import numpy as np
import pytest

from ntkverify.errors import InvalidArgument
from ntkverify.stats import (
    betting_interval,
    betting_samples_needed,
    betting_test,
    betting_visible,
    detections,
)


def test_the_interval_and_the_test_agree_at_the_stop():
    draws = np.random.default_rng(0).uniform(0, 1, 500)
    stop = betting_test(draws, (0.0, 0.3), 0.001, (0, 1))
    assert stop is not None
    assert betting_interval(draws[:stop], 0.001, (0, 1))[0] > 0.3
    assert betting_interval(draws[: stop - 1], 0.001, (0, 1))[0] <= 0.3


def test_a_mean_inside_the_allowed_range_is_not_refuted_and_lies_in_the_interval():
    draws = np.random.default_rng(0).uniform(0, 1, 2000)
    assert betting_test(draws, (0.4, 0.6), 0.01, (0, 1)) is None
    low, high = betting_interval(draws, 0.01, (0, 1))
    assert 0.4 < low < 0.5 < high < 0.6


def test_both_edges_stop_alike_and_draws_beyond_the_support_count_as_its_ends():
    draws = np.random.default_rng(0).uniform(0, 1, 500)
    stop = betting_test(draws, (0.0, 0.3), 0.001, (0, 1))
    assert betting_test(1 - draws, (0.7, 1.0), 0.001, (0, 1)) == stop
    assert betting_test(draws, (0.0, 1.0), 0.001, (0, 1)) is None
    far = np.where(draws > 0.9, 50 * draws, draws)
    assert betting_test(far, (0.0, 0.3), 0.001, (0, 1)) == betting_test(
        far.clip(0, 1), (0.0, 0.3), 0.001, (0, 1)
    )


def test_the_draws_said_to_be_needed_are_those_of_markovs_bound():
    """The bound in the docstring of `betting_power`, on a finer grid of s."""
    d, spread, level, power, reach = 0.1, 0.3, 1e-3, 0.9, 0.4
    fractions = 0.5 ** np.arange(1, 17)
    s, wealth = np.geomspace(0.01, 5, 400)[:, None], 2 * fractions.size / level

    def misses(n: int) -> float:
        stake = fractions / reach
        second = s * (s + 1) / 2 * stake**2 * (spread**2 + d**2) / (1 - fractions) ** (s + 2)
        factor = 1 - s * stake * d + second
        return float((wealth**s * np.where(factor > 0, factor, np.inf) ** n).min())

    n = betting_samples_needed(d, spread, level, power, reach)
    assert misses(n) <= 1 - power < misses(int(0.9 * n))


def test_the_draws_said_to_be_needed_find_the_violation():
    spread = 12**-0.5
    n = betting_samples_needed(0.1, spread, 0.001, 0.9, reach=0.4)

    def found(seed):
        return betting_test(np.random.default_rng(seed).uniform(0, 1, n), (0, 0.4), 0.001, (0, 1)) is not None

    assert detections(found, trials=200, power=0.9).within


def test_visible_is_the_inverse_of_needed():
    visible = betting_visible(1000, 1.0, 1e-4, 0.9, 2.0, 4.0)
    assert betting_samples_needed(visible, 1.0, 1e-4, 0.9, 2.0) <= 1000
    assert betting_samples_needed(visible * 0.999, 1.0, 1e-4, 0.9, 2.0) > 1000
    assert betting_visible(1, 1.0, 1e-4, 0.9, 2.0, 4.0) == np.inf


@pytest.mark.parametrize("support", [(0, np.inf), (1, 1), (2, 3), (-2, -1)])
def test_a_support_that_cannot_be_bet_on_is_refused(support):
    with pytest.raises(InvalidArgument, match="support"):
        betting_test(np.zeros(3), (0, 1), 0.01, support)
