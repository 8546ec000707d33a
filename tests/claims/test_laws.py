"""The laws that claims compare with, against values that others computed."""

import numpy as np
import pytest

import ntkverify as nv
from ntkverify.architecture import WEIGHTS
from ntkverify.claims.convergence import TRUNCATION, extrapolate
from ntkverify.claims.initialisation.fluctuation import relu_second_moment

WIDTHS = np.array([512.0, 256, 128, 64, 32])


@pytest.mark.parametrize(("widths", "expected"), [([8], 1.375), ([8, 8], 2.001736111), ([4, 4, 4], 6.890625)])
def test_second_moment_of_the_relu_ntk(widths, expected):
    assert relu_second_moment(widths) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_its_leading_order_in_depth_over_width(depth):
    n = 10**7
    leading = depth * (11 * depth + 7) / (3 * (depth + 1) * n)
    assert relu_second_moment([n] * depth) - 1 == pytest.approx(leading, rel=1e-5)


def test_a_middle_bottleneck_leaves_three_over_its_width():
    assert relu_second_moment([10**9, 8, 10**9]) - 1 == pytest.approx(3 / 8, rel=1e-6)


@pytest.mark.parametrize("depth", [1, 2])
def test_extrapolation_leaves_less_than_the_stated_truncation(depth):
    law = np.array([[relu_second_moment([int(n)] * depth) - 1 for n in WIDTHS]])
    assert abs(extrapolate(WIDTHS, law)[0]) < TRUNCATION
    assert extrapolate(WIDTHS, np.array([0.3 + 5 / WIDTHS]))[0] == pytest.approx(0.3)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_every_weight_distribution_has_mean_0_and_variance_1(weights):
    linear = nv.Linear(weight_std=1.0, weights=weights)
    arch = nv.Architecture(inputs=1, layers=nv.Sequential(linear, nv.ReLU(), linear))
    drawn = nv.network(arch, 200_000, seed=0)[0].weight.detach()
    assert abs(drawn.mean()) < 5 / 200_000**0.5
    assert abs(drawn.var() - 1) < 5 * 2**0.5 / 200_000**0.5  # no kurtosis above the normal one
