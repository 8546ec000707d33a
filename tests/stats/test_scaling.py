import numpy as np
import pytest

from ntkverify.errors import InvalidArgument
from ntkverify.stats import false_alarms, fit_power_law, replicate_slopes

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
