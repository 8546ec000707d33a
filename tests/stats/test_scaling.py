import numpy as np
import pytest

from ntkverify.errors import InvalidArgument
from ntkverify.stats import (
    curvature_interval,
    false_alarms,
    fit_power_law,
    mean_interval,
    replicate_slopes,
    width_reaching,
)

WIDTHS = np.array([1024, 512, 256, 128, 64])


def test_an_exact_power_law_is_found_exactly():
    law = fit_power_law(WIDTHS, np.tile(3 * WIDTHS**-0.5, (4, 1)))
    assert law.slope == pytest.approx(-0.5)
    assert law.prefactor == pytest.approx(3)
    assert law.slope_interval == pytest.approx((-0.5, -0.5))


@pytest.mark.parametrize("shared", [0.0, 0.5], ids=["independent", "shared across widths"])
def test_the_intervals_cover_at_their_level(shared):
    def misses(seed):
        rng = np.random.default_rng(seed)
        noise = 0.3 * rng.standard_normal((8, 5)) + shared * rng.standard_normal((8, 1))
        law = fit_power_law(WIDTHS, 3 * WIDTHS**-0.5 * np.exp(noise), level=0.05)
        slope, prefactor = law.slope_interval, law.prefactor_interval
        return not slope[0] <= -0.5 <= slope[1], not prefactor[0] <= 3 <= prefactor[1]

    assert false_alarms(lambda seed: misses(seed)[0], trials=500, level=0.05).within
    assert false_alarms(lambda seed: misses(seed)[1], trials=500, level=0.05).within


def noisy(seed, replicates=5, spread=0.3):
    noise = np.random.default_rng(seed).standard_normal((replicates, 5))
    return 3 * WIDTHS**-0.5 * np.exp(spread * noise)


def test_the_width_that_an_exact_law_needs_is_found_exactly():
    width, low, high = width_reaching(WIDTHS, np.tile(3 * WIDTHS**-0.5, (4, 1)), 0.1)
    assert (width, low, high) == pytest.approx((900, 900, 900))


@pytest.mark.parametrize("threshold", [0.1, 0.02], ids=["measured", "extrapolated"])
def test_the_interval_of_the_width_covers_at_its_level(threshold):
    def misses(seed):
        _, low, high = width_reaching(WIDTHS, noisy(seed), threshold, level=0.1)
        return not low <= (3 / threshold) ** 2 <= high

    seen = false_alarms(misses, trials=500, level=0.1)
    assert seen.within and seen.events >= 20  # 50 expected: it does not cover by being wide


def test_at_its_ends_the_interval_of_the_law_meets_the_threshold():
    errors = noisy(0)
    slopes = replicate_slopes(WIDTHS, errors)
    centres = np.log(errors).mean(axis=1)
    for end, edge in zip(width_reaching(WIDTHS, errors, 0.1)[1:], (0, 1), strict=True):
        heights = centres + slopes * (np.log(end) - np.log(WIDTHS).mean())
        assert mean_interval(heights, 0.05)[edge] == pytest.approx(np.log(0.1))


def test_a_width_is_refused_where_errors_do_not_fall():
    with pytest.raises(InvalidArgument, match="no width is enough"):
        width_reaching(WIDTHS, np.ones((3, 5)), 0.1)
    falls_rises = np.stack([WIDTHS**-0.5, WIDTHS**0.3])  # on average it falls, but it may be level
    with pytest.raises(InvalidArgument, match="no width is enough"):
        width_reaching(WIDTHS, falls_rises, 0.1)
    with pytest.raises(InvalidArgument, match="threshold"):
        width_reaching(WIDTHS, noisy(0), 0.0)


def test_a_bend_is_seen_and_a_straight_law_has_none():
    bent = noisy(0, spread=0.01) * np.exp(0.1 * np.log(WIDTHS / 256) ** 2)
    low, high = curvature_interval(WIDTHS, bent)
    assert low <= 0.1 <= high and low > 0.05

    def misses(seed):
        low, high = curvature_interval(WIDTHS, noisy(seed))
        return not low <= 0 <= high

    assert false_alarms(misses, trials=500, level=0.05).within


def test_slopes_do_not_depend_on_the_order_of_widths():
    errors = np.random.default_rng(0).lognormal(size=(3, 5))
    np.testing.assert_allclose(
        replicate_slopes(WIDTHS, errors), replicate_slopes(WIDTHS[::-1], errors[:, ::-1])
    )


@pytest.mark.parametrize(
    ("widths", "errors", "argument"),
    [
        (WIDTHS[:4], np.ones((3, 4)), "widths"),
        (np.array([64, 64, 64, 128, 256]), np.ones((3, 5)), "widths"),
        (WIDTHS, np.ones((3, 4)), "errors"),
        (WIDTHS, np.ones(5), "errors"),
        (WIDTHS, np.array([[1, 1, 1, 0, 1.0]]), "errors"),
        (WIDTHS, np.array([[1, 1, 1, np.nan, 1.0]]), "errors"),
    ],
)
def test_unusable_measurements_are_named(widths, errors, argument):
    with pytest.raises(InvalidArgument) as raised:
        replicate_slopes(widths, errors)
    assert raised.value.argument == argument


def test_a_zero_error_is_named_by_replicate_and_width():
    with pytest.raises(InvalidArgument, match=r"0\.0 in replicate 0 at width 128"):
        replicate_slopes(WIDTHS, np.array([[1, 1, 1, 0, 1.0]]))
