"""The extrapolation to infinite width."""

import numpy as np
import pytest

from ntkverify.claims.convergence import extrapolate
from ntkverify.experiments import orthogonal_direction

WIDTHS = np.array([512.0, 256.0, 128.0, 64.0, 32.0])


def test_a_series_linear_in_one_over_the_width_is_extrapolated_exactly():
    np.testing.assert_allclose(extrapolate(WIDTHS, 0.25 + 3 / WIDTHS[None]), 0.25, rtol=1e-12)


def test_a_root_of_the_width_leaves_something():
    assert 0.03 < extrapolate(WIDTHS, WIDTHS[None] ** -0.5)[0] < 0.04


def test_the_direction_beside_the_limit_is_orthogonal_to_it():
    limit, signs = np.arange(6.0).reshape(3, 2), np.array([[1.0, -1], [1, 1], [-1, 1]])
    direction = orthogonal_direction(limit, signs)
    assert np.vdot(direction, limit) == pytest.approx(0, abs=1e-15)
    assert np.linalg.norm(direction) == pytest.approx(1)
    assert not orthogonal_direction(np.ones((1, 1)), np.ones((1, 1))).any()
