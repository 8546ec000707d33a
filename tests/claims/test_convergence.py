"""Laws over widths: the extrapolation to infinite width, slopes, and the networks that they are of."""

import numpy as np
import pytest

from ntkverify.claims import Effort
from ntkverify.claims.convergence import WidthSeries, extrapolate, measure_offset, measure_slope
from ntkverify.claims.judging import judge
from ntkverify.claims.module.concentration import measure_falling
from ntkverify.data import Points
from ntkverify.experiments import Task, orthogonal_direction
from ntkverify.findings import Verdict
from ntkverify.scenarios import Scenario

EFFORT = Effort(level=1e-5, max_samples=300)
SCENARIO = Scenario(points=Points(source="sphere", count=2, dimension=2), widths=(512, 256, 128, 64, 32))

WIDTHS = np.array([512.0, 256.0, 128.0, 64.0, 32.0])


def test_a_series_linear_in_one_over_the_width_is_extrapolated_exactly():
    np.testing.assert_allclose(extrapolate(WIDTHS, 0.25 + 3 / WIDTHS[None]), 0.25, rtol=1e-12)


def test_wide_networks_weigh_as_they_scatter_less():
    offsets = np.random.default_rng(0).standard_normal((3, 5))
    expected = np.polynomial.polynomial.polyfit(1 / WIDTHS, offsets.T, 1, w=WIDTHS**0.5)[0]
    np.testing.assert_allclose(extrapolate(WIDTHS, offsets), expected, rtol=1e-9)


def falling(width: int, seeds: list[int]) -> np.ndarray:
    """A distance that falls like width^(-1/2), and a size that stays."""
    noise = np.array([np.random.default_rng(seed).standard_normal() for seed in seeds])
    return np.stack([np.exp(0.1 * noise) / width**0.5, np.ones(len(seeds))])


def test_what_diverges_at_some_width_is_no_law():
    def diverging(width: int, seeds: list[int]) -> np.ndarray:
        columns = falling(width, seeds)
        columns[0, 3] = np.nan if width == 32 else columns[0, 3]
        return columns

    assert measure_slope(WidthSeries(falling, SCENARIO), EFFORT).verdict is Verdict.HOLDS
    assert measure_slope(WidthSeries(diverging, SCENARIO), EFFORT).verdict is Verdict.FAILS


def test_what_is_no_number_is_not_taken_for_rounding():
    def told(value: float) -> Verdict:
        def replicates(width: int, seeds: list[int]) -> np.ndarray:
            return np.stack([np.full(len(seeds), value), np.ones(len(seeds))])

        return measure_falling(WidthSeries(replicates, SCENARIO), EFFORT, 0, "a drift", sizes=1).verdict

    assert told(1e-14) is Verdict.HOLDS
    assert told(np.nan) is Verdict.FAILS


def test_what_scatters_alike_at_all_widths_is_weighed_alike():
    def replicates(width: int, seeds: list[int]) -> np.ndarray:
        return np.stack([np.random.default_rng(seed).standard_normal(2) for seed in seeds], axis=1)

    def estimated(scatter: float) -> float:
        series = WidthSeries(replicates, SCENARIO)
        effort, limits = Effort(level=1e-5, max_samples=24), {"truncation": 9.0, "scatter": scatter}
        return measure_offset(series, effort, 9.0, 1, "an offset", **limits).value

    offsets = WidthSeries(replicates, SCENARIO).rows(1, "screen", 0, 24)
    for scatter, weights in ((0.0, WIDTHS**0), (1.0, WIDTHS**0.5)):
        fitted = np.polynomial.polynomial.polyfit(1 / WIDTHS, offsets.T, 1, w=weights)[0]
        assert estimated(scatter) == pytest.approx(fitted.mean(), rel=1e-9)


def test_every_network_is_drawn_once():
    seen = []

    def replicates(width: int, seeds: list[int]) -> np.ndarray:
        seen.extend(seeds)
        return falling(width, seeds)

    series = WidthSeries(replicates, SCENARIO)
    for stream in ("screen", "confirm"):
        series.rows(0, stream, 0, 5)
        series.rows(1, stream, 3, 4)  # two of which are known
    assert len(seen) == len(set(seen)) == 2 * 7 * 5
    seen.clear()

    def sample(seeds: list[int]) -> np.ndarray:
        seen.extend(seeds)
        return np.random.default_rng(seeds[0]).standard_normal(len(seeds)) + 9

    judge("a mean", sample, SCENARIO, (0.0, 0.0), effort=EFFORT, resolution=5.0)
    assert len(seen) == len(set(seen)) > 24  # of the screen, and fresh ones


def test_a_foreign_kernel_is_made_symmetric_before_it_is_trained_on():
    task = Task(np.zeros((2, 1)), np.zeros((2, 1)), np.zeros((1, 1)))
    train, cross = task.split(np.array([[1.0, 2.0], [4.0, 3.0], [5.0, 6.0]]))
    np.testing.assert_array_equal(train, [[1, 3], [3, 3]])
    np.testing.assert_array_equal(cross, [[5, 6]])


def test_a_root_of_the_width_leaves_something():
    assert 0.03 < extrapolate(WIDTHS, WIDTHS[None] ** -0.5)[0] < 0.04


def test_the_direction_beside_the_limit_is_orthogonal_to_it():
    limit, signs = np.arange(6.0).reshape(3, 2), np.array([[1.0, -1], [1, 1], [-1, 1]])
    direction = orthogonal_direction(limit, signs)
    assert np.vdot(direction, limit) == pytest.approx(0, abs=1e-15)
    assert np.linalg.norm(direction) == pytest.approx(1)
    assert not orthogonal_direction(np.ones((1, 1)), np.ones((1, 1))).any()
