import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ntkverify.errors import InvalidArgument
from ntkverify.stats import mean_interval, samples_needed, visible_discrepancy


@given(
    discrepancy=st.floats(0.02, 3),
    level=st.sampled_from([1e-2, 1e-5, 1e-9]),
    power=st.sampled_from([0.5, 0.9, 0.995]),
)
def test_samples_needed_is_the_inverse_of_visible_discrepancy(discrepancy, level, power):
    n = samples_needed(discrepancy, 1.0, level, power)
    assert visible_discrepancy(n, 1.0, level, power) <= discrepancy
    assert n == 1 or visible_discrepancy(n - 1, 1.0, level, power) > discrepancy


def test_what_is_visible_is_seen_as_often_as_is_said():
    n, level, power = 24, 0.01, 0.95
    shift = visible_discrepancy(n, 1.0, level, power)
    draws = shift + np.random.default_rng(0).standard_normal((20_000, n))
    found = np.mean([mean_interval(some, level)[0] > 0 for some in draws])
    assert power - 0.01 < found < 0.995


def test_equal_draws_have_a_point_as_their_interval():
    assert mean_interval(np.full(7, 0.1), 0.01) == pytest.approx((0.1, 0.1))


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: mean_interval(np.array([1.0]), 0.01), "samples"),
        (lambda: mean_interval(np.array([1.0, math.nan]), 0.01), "samples"),
        (lambda: mean_interval(np.zeros(3), 1.5), "level"),
        (lambda: samples_needed(0.0, 1.0, 0.01, 0.9), "discrepancy"),
        (lambda: samples_needed(1e-300, 1.0, 0.01, 0.9), "discrepancy"),
        (lambda: visible_discrepancy(10, -1.0, 0.01, 0.9), "spread"),
    ],
)
def test_unusable_arguments_are_named(call, argument):
    with pytest.raises(InvalidArgument) as raised:
        call()
    assert raised.value.argument == argument
