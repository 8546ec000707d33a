"""The premises of claims about training."""

from dataclasses import replace

import numpy as np
import pytest

import ntkverify as nv
from ntkverify import premises
from ntkverify.claims import CATALOGUE
from ntkverify.data import Points
from ntkverify.premises import LAZY, UNSATURATED, WELL_CONDITIONED
from ntkverify.premises.training import condition, parameter_movement
from ntkverify.scenarios import Scenario, Training

EASY = Scenario(
    architecture=nv.mlp(inputs=3, depth=1, activation=nv.Erf(), weight_std=2**0.5, bias_std=1.0),
    points=Points(source="sphere", count=7, dimension=3),
    widths=(512, 64),
    training=Training(steps=20, step_size=0.4, test_points=3),
)


def moved(scenario: Scenario, width: int, seed: int) -> float:
    """The squared distance that the parameters of one trained network have moved."""
    x, y = scenario.points.inputs(), scenario.points.targets()
    held_out = len(x) - scenario.training.test_points
    limit = nv.predict.max_learning_rate(nv.ntk(scenario.architecture, x[:held_out]))
    net = nv.network(scenario.architecture, width, seed)
    before = [parameter.detach().clone() for parameter in net.parameters()]
    rate = scenario.training.step_size * limit
    nv.train(net, x[:held_out], y[:held_out], steps=scenario.training.steps, learning_rate=rate)
    return sum(((p.detach() - q) ** 2).sum().item() for p, q in zip(net.parameters(), before, strict=True))


def test_parameters_move_as_far_as_the_kernels_say():
    distances = [moved(EASY, 512, seed) for seed in range(100)]
    error = np.std(distances) / 10
    # Five standard errors, and a tenth for the width, which is not infinite.
    assert np.mean(distances) == pytest.approx(
        parameter_movement(EASY), abs=5 * error + 0.1 * np.mean(distances)
    )


def test_an_easy_scenario_meets_the_premises():
    assert all(premise.holds(EASY) for premise in (WELL_CONDITIONED, LAZY, UNSATURATED))


def test_duplicates_are_not_well_conditioned():
    line = replace(  # four points on the sphere of one dimension, which has two
        EASY, architecture=nv.mlp(inputs=1, depth=1), points=Points(source="sphere", count=7, dimension=1)
    )
    assert condition(line) > 1e15 and not WELL_CONDITIONED.holds(line)


def test_few_units_are_not_lazy():
    assert not LAZY.holds(replace(EASY, widths=(512, 64, 4)))
    assert not LAZY.holds(replace(EASY, widths=()))


def test_large_inputs_saturate():
    arch = nv.mlp(inputs=3, depth=1, activation=nv.Erf(), weight_std=7.0)
    assert not UNSATURATED.holds(replace(EASY, architecture=arch))


def test_each_name_means_one_premise():
    named = {name: value for name, value in vars(premises).items() if isinstance(value, premises.Premise)}
    assert len({premise.name for premise in named.values()}) == len(named) > 25
    used = {premise.name for claim in CATALOGUE.values() for premise in claim.premises}
    assert used == {premise.name for premise in named.values()}
