import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ntkverify.errors import InvalidArgument
from ntkverify.stats import catoni_interval, mean_interval, samples_needed, visible_discrepancy


@given(
    discrepancy=st.floats(0.02, 3),
    level=st.sampled_from([1e-2, 1e-5, 1e-9]),
    power=st.sampled_from([0.5, 0.9, 0.995]),
    method=st.sampled_from(["student", "catoni"]),
)
def test_samples_needed_is_the_inverse_of_visible_discrepancy(discrepancy, level, power, method):
    n = samples_needed(discrepancy, 1.0, level, power, method)
    assert visible_discrepancy(n, 1.0, level, power, method) <= discrepancy
    assert n == 1 or visible_discrepancy(n - 1, 1.0, level, power, method) > discrepancy


def test_catoni_interval_has_the_width_of_the_theorem_and_ignores_an_outlier():
    draws = np.append(np.random.default_rng(0).standard_normal(199), 100.0)
    low, high = catoni_interval(draws, 0.01, 1.0)
    log_level = math.log(2 / 0.01)
    assert high - low == pytest.approx(2 * math.sqrt(2 * log_level / (200 - 2 * log_level)))
    assert low < 0 < high


def test_what_catoni_shows_is_the_width_and_the_error_of_the_theorem():
    """The root of equation (1) of `catoni` at the probability of a miss, beyond half the interval."""
    n, level, power = 300, 1e-3, 0.95
    log_level, log_miss = math.log(2 / level), math.log(1 / (1 - power))
    h = math.sqrt(2 * log_level / (n - 2 * log_level))
    a = math.sqrt(2 * log_level / (n * (1 + h**2)))
    d = visible_discrepancy(n, 1.0, level, power, "catoni") - h
    assert a**2 * d**2 / 2 - a * d + a**2 / 2 + log_miss / n == pytest.approx(0, abs=1e-12)
    assert 0 < d < 1 / a


@given(shift=st.floats(-1e6, 1e6), scale=st.floats(1e-6, 1e6))
def test_catoni_interval_moves_and_stretches_with_the_draws(shift, scale):
    draws = np.random.default_rng(1).standard_normal(60)
    plain = np.array(catoni_interval(draws, 0.01, 1.0))
    moved = np.array(catoni_interval(shift + scale * draws, 0.01, scale**2))
    # The draws themselves are rounded at the size of the shift; brentq stops at 2e-12 spreads.
    np.testing.assert_allclose(moved, shift + scale * plain, rtol=0, atol=scale * 1e-10 + abs(shift) * 1e-14)


def test_equal_draws_have_a_point_as_their_interval():
    assert mean_interval(np.full(7, 0.1), 0.01) == pytest.approx((0.1, 0.1))


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: catoni_interval(np.zeros(10), 0.01, 1.0), "samples"),
        (lambda: catoni_interval(np.zeros(100), 0.01, 0.0), "variance"),
        (lambda: mean_interval(np.array([1.0]), 0.01), "samples"),
        (lambda: mean_interval(np.array([1.0, math.nan]), 0.01), "samples"),
        (lambda: mean_interval(np.zeros(3), 1.5), "level"),
        (lambda: samples_needed(0.0, 1.0, 0.01, 0.9), "discrepancy"),
        (lambda: samples_needed(1e-300, 1.0, 0.01, 0.9), "discrepancy"),
        (lambda: visible_discrepancy(10, -1.0, 0.01, 0.9), "spread"),
        (lambda: visible_discrepancy(10, 1.0, 0.01, 0.9, "bootstrap"), "method"),
    ],
)
def test_unusable_arguments_are_named(call, argument):
    with pytest.raises(InvalidArgument) as raised:
        call()
    assert raised.value.argument == argument
