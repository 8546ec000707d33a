"""What the kernel claims assume of an architecture and of the inputs."""

import numpy as np
from scipy.spatial.distance import pdist

from ntkverify.activations import Monomial, ReLU
from ntkverify.claims.claim import Premise
from ntkverify.scenarios import Scenario

CLOSEST = 1e-6
"""Inputs closer than this, relative to the largest, count as duplicates."""


def _distinct(scenario: Scenario) -> bool:
    x = scenario.points.inputs()
    return len(x) < 2 or pdist(x).min() > CLOSEST * np.linalg.norm(x, axis=1).max()


DISTINCT = Premise(
    name="distinct inputs",
    statement=f"no two inputs are closer than {CLOSEST:g} of the largest",
    holds=_distinct,
)
BIASED = Premise(
    name="biased first layer",
    statement="the first layer has a bias, so that no two distinct inputs are parallel",
    holds=lambda scenario: scenario.architecture.linears[0].bias_std > 0,
)
UNBIASED = Premise(
    name="no bias",
    statement="no layer has a bias",
    holds=lambda scenario: all(linear.bias_std == 0 for linear in scenario.architecture.linears),
)
NON_POLYNOMIAL = Premise(
    name="non-polynomial activation",
    statement="at least one hidden layer, and no polynomial activation",
    holds=lambda scenario: (
        bool(scenario.architecture.activations)
        and not any(activation.polynomial for activation in scenario.architecture.activations)
    ),
)
HOMOGENEOUS = Premise(
    name="homogeneous activations",
    statement="phi(s u) = s^k phi(u) for s > 0 and some k >= 1, for every activation",
    holds=lambda scenario: all(activation.homogeneous for activation in scenario.architecture.activations),
)
PAIR = Premise(
    name="close pair",
    statement="two inputs of one norm, at an angle of at most .001",
    holds=lambda scenario: scenario.points.source == "near" and scenario.points.count == 2,
)
HE = Premise(
    name="ReLU at its critical scale",
    statement="ReLU, no bias, weight_std^2 = 2 in every layer",
    holds=lambda scenario: (
        set(scenario.architecture.activations) == {ReLU()}
        and all(
            linear.bias_std == 0 and abs(linear.weight_std**2 - 2) < 1e-12
            for linear in scenario.architecture.linears
        )
    ),
)
LOW_RANK = Premise(
    name="little nonlinearity",
    statement="powers, or more pairs x, -x than dimensions behind one hidden ReLU layer without bias",
    holds=lambda scenario: _powers(scenario) or _antipodal(scenario),
)


def _powers(scenario: Scenario) -> bool:
    arch = scenario.architecture
    return (
        bool(arch.activations)
        and all(isinstance(activation, Monomial) for activation in arch.activations)
        and len({linear.bias_std > 0 for linear in arch.linears}) == 1
        and scenario.points.source in ("sphere", "gaussian")
    )


def _antipodal(scenario: Scenario) -> bool:
    points = scenario.points
    return (
        points.source == "antipodes"
        and points.count % 2 == 0
        and points.count > 2 * scenario.architecture.inputs > 2
        and scenario.architecture.activations == (ReLU(),)
        and UNBIASED.holds(scenario)
    )
