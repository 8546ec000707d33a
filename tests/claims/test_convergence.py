"""The extrapolation to infinite width."""

import numpy as np
import pytest

from ntkverify.claims.convergence import beside, extrapolate

WIDTHS = np.array([512.0, 256.0, 128.0, 64.0, 32.0])


@pytest.mark.parametrize("powers", [(1,), (0.5,), (0.5, 1)])
def test_the_series_that_is_fitted_is_extrapolated_exactly(powers):
    series = 0.25 + sum(3 * WIDTHS**-power for power in powers)
    np.testing.assert_allclose(extrapolate(WIDTHS, series[None], powers), 0.25, rtol=1e-10)


def test_a_root_of_the_width_would_pass_for_an_offset_in_a_series_of_whole_powers():
    assert extrapolate(WIDTHS, WIDTHS[None] ** -0.5)[0] > 0.03


def test_the_direction_beside_the_limit_is_orthogonal_to_it():
    limit, signs = np.arange(6.0).reshape(3, 2), np.array([[1.0, -1], [1, 1], [-1, 1]])
    direction = beside(limit, signs)
    assert np.vdot(direction, limit) == pytest.approx(0, abs=1e-15)
    assert np.linalg.norm(direction) == pytest.approx(1)
    assert not beside(np.ones((1, 1)), np.ones((1, 1))).any()
