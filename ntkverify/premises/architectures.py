"""What claims assume of an architecture, some of them together with the inputs."""

import functools
import math

import numpy as np

from ntkverify import oracle
from ntkverify.activations import Monomial, ReLU
from ntkverify.architecture import Linear
from ntkverify.premises.premise import Premise
from ntkverify.scenarios import Scenario

DEEP = 30
"""Hidden layers after which the phase rules."""

LARGEST = 1e200
"""A kernel that a right program may be asked for, with room for what it multiplies on the way."""


def _has_relu_and_no_bias(scenario: Scenario) -> bool:
    return set(scenario.arch.activations) == {ReLU()} and UNBIASED.holds(scenario)


def _has_no_cusp(scenario: Scenario) -> bool:
    arch = scenario.architecture
    if arch is None or arch.linears[0].bias_std > 0:
        return True
    return not any(activation.kinked for activation in arch.activations)


@functools.lru_cache(maxsize=64)  # a scenario is asked before it is measured, and then again
def _is_representable(scenario: Scenario) -> bool:
    if scenario.architecture is None:
        return True
    with np.errstate(over="ignore", invalid="ignore"):
        values = [oracle.kernels_of_point(scenario.arch, x) for x in scenario.points.inputs()]
    return all(math.isfinite(value) and value < LARGEST for point in values for value in point.values())


def _is_uniform(scenario: Scenario) -> bool:
    arch = scenario.arch
    alike = arch.depth >= DEEP and len(set(arch.linears)) == 1 and len(set(arch.activations)) == 1
    return alike and NTK_PARAMETERIZED.holds(scenario)


def _moves_as_spread(linear: Linear) -> bool:
    weight_rate, bias_rate = linear.rates
    return weight_rate >= linear.weight_std**2 and bias_rate >= linear.bias_std**2


def _has_powers_only(scenario: Scenario) -> bool:
    arch = scenario.arch
    return (
        bool(arch.activations)
        and NTK_PARAMETERIZED.holds(scenario)
        and all(isinstance(activation, Monomial) for activation in arch.activations)
        and len({linear.bias_std > 0 for linear in arch.linears}) == 1
        and scenario.points.source in ("sphere", "gaussian")
    )


def _has_many_antipodes(scenario: Scenario) -> bool:
    points = scenario.points
    return (
        points.source == "antipodes"
        and points.count % 2 == 0
        and points.count > 2 * scenario.arch.inputs > 2
        and scenario.arch.activations == (ReLU(),)
        and NTK_PARAMETERIZED.holds(scenario)
        and UNBIASED.holds(scenario)
    )


NTK_PARAMETERIZED = Premise(
    name="NTK parameterisation",
    statement="every parameter moves as far as it is spread at the start: no layer has rates of its own",
    holds=lambda scenario: all(linear.in_ntk_parameterization for linear in scenario.arch.linears),
)
BIASED = Premise(
    name="biased first layer",
    statement="the first layer has a bias, so that no two distinct inputs are parallel",
    holds=lambda scenario: scenario.arch.linears[0].bias_std > 0,
)
UNBIASED = Premise(
    name="no bias",
    statement="no layer has a bias, not even one that starts at zero and moves",
    holds=lambda scenario: all(linear.bias_std == linear.rates[1] == 0 for linear in scenario.arch.linears),
)
GAUSSIAN = Premise(
    name="Gaussian weights",
    statement="all weights are Gaussian",
    holds=lambda scenario: all(linear.weights == "gaussian" for linear in scenario.arch.linears),
)
GAUSSIAN_FIRST_LAYER = Premise(
    name="Gaussian first layer",
    statement="the first layer's weights are Gaussian: its fan_in does not grow, so no central limit helps",
    holds=lambda scenario: scenario.arch.linears[0].weights == "gaussian",
)
NON_POLYNOMIAL = Premise(
    name="non-polynomial activation",
    statement="at least one hidden layer, and no polynomial activation",
    holds=lambda scenario: (
        bool(scenario.arch.activations)
        and not any(activation.polynomial for activation in scenario.arch.activations)
    ),
)
HOMOGENEOUS = Premise(
    name="homogeneous activations",
    statement="phi(s u) = s^k phi(u) for s > 0 and some k >= 1, for every activation",
    holds=lambda scenario: all(activation.homogeneous for activation in scenario.arch.activations),
)
CRITICAL_RELU = Premise(
    name="ReLU at its critical scale",
    statement="ReLU, no bias, weight_std^2 = 2 in every layer, in NTK parameterisation",
    holds=lambda scenario: (
        _has_relu_and_no_bias(scenario)
        and NTK_PARAMETERIZED.holds(scenario)
        and all(abs(linear.weight_std**2 - 2) < 1e-12 for linear in scenario.arch.linears)
    ),
)
EXACT_MEAN = Premise(
    name="one hidden layer, or ReLU without bias",
    statement="one hidden layer; or Gaussian weights and ReLU units without bias, where the mean of the diagonal is exact at any depth",
    holds=lambda scenario: (
        scenario.arch.depth == 1 or (_has_relu_and_no_bias(scenario) and GAUSSIAN.holds(scenario))
    ),
)
NO_HIDDEN_LAYER = Premise(
    name="no hidden layer",
    statement="without a hidden layer both kernels are the same",
    holds=lambda scenario: scenario.arch.depth == 0,
)
TRAINED_LAST = Premise(
    name="last layer trained",
    statement="the last layer's weights move",
    holds=lambda scenario: scenario.arch.linears[-1].rates[0] > 0,
)
LAST_MOVES_AS_SPREAD = Premise(
    name="last layer in NTK parameterisation",
    statement="the last layer's parameters move at least as far as they are spread at the start",
    holds=lambda scenario: scenario.architecture is None or _moves_as_spread(scenario.arch.linears[-1]),
)
RANDOM_OUTPUTS = Premise(
    name="random outputs",
    statement="outputs are random at the start: the last layer does not start at zero",
    holds=lambda scenario: scenario.arch.linears[-1].weight_std > 0,
)
ISOTROPIC = Premise(
    name="isotropic",
    statement="inputs have no metric of their own",
    holds=lambda scenario: scenario.arch.metric is None,
)
UNIFORM = Premise(
    name="deep and uniform",
    statement=f"at least {DEEP} hidden layers, all alike, in NTK parameterisation",
    holds=_is_uniform,
)
LOW_RANK = Premise(
    name="little nonlinearity",
    statement="powers, or more pairs x, -x than dimensions behind one hidden ReLU layer without bias",
    holds=lambda scenario: _has_powers_only(scenario) or _has_many_antipodes(scenario),
)
NO_CUSP = Premise(
    name="no cusp",
    statement="the first layer has a bias, or no activation has a kink: else kernels have a cusp at 0 and at parallel inputs",
    holds=_has_no_cusp,
)
REPRESENTABLE = Premise(
    name="within the range of numbers",
    statement=f"integration of the kernels' definition finds none of an input with itself above {LARGEST:g}",
    holds=_is_representable,
)
