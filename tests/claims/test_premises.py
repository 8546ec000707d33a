"""The premises of claims about training."""

from dataclasses import replace

import numpy as np
import pytest

import ntkverify as nv
from ntkverify import premises
from ntkverify.claims import CATALOGUE
from ntkverify.data import Points
from ntkverify.premises import DISTINCT, LAZY, STABLE, UNSATURATED, WELL_CONDITIONED
from ntkverify.premises.training import condition, parameter_movement, remainder
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


def test_premises_are_about_the_training_points():
    x = EASY.points.inputs()[:4]
    spectrum = np.linalg.eigvalsh(nv.ntk(EASY.architecture, x))
    assert condition(EASY) == pytest.approx(spectrum[-1] / spectrum[0], rel=1e-9)
    left = np.abs(1 - 0.4 * 2 * spectrum / spectrum[-1]) ** 20
    assert remainder(EASY) == pytest.approx(left.max(), rel=1e-9)


@pytest.mark.parametrize(("step_size", "stable"), [(0.99, True), (1.0, False), (1.01, False)])
def test_the_largest_stable_step_is_not_stable(step_size, stable):
    assert STABLE.holds(replace(EASY, training=replace(EASY.training, step_size=step_size))) is stable


@pytest.mark.parametrize("seed", range(5))
def test_duplicates_are_neither_distinct_nor_well_conditioned(seed):
    points = Points(source="duplicates", count=7, dimension=3, seed=seed)
    training = replace(EASY.training, test_points=1)
    twice = replace(EASY, points=replace(points, source="antipodes"), training=training)
    assert DISTINCT.holds(twice) and not DISTINCT.holds(replace(twice, points=points))
    arch = nv.mlp(inputs=3, depth=1, activation=nv.Monomial(2))  # even: antipodes are one point to it
    assert not WELL_CONDITIONED.holds(replace(twice, architecture=arch))


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
