"""What claims assume of training: when networks of finite width can be near their limit at all.

The theorems hold as the width tends to infinity, at constants that depend on the data (Lee et al.
2019 bound the inputs and ask for a kernel of full rank; Du et al. 2019 need a width that grows
with 1 / lambda_min). These premises say which data the widths in use are enough for. They are
computed from the analytic kernels of the scenario, so nothing that is under test enters.
"""

import functools
from collections.abc import Callable

import numpy as np
import torch

from ntkverify import analytic, oracle
from ntkverify.activations import Monomial
from ntkverify.architecture import Architecture, Linear, Sequential
from ntkverify.premises.premise import Premise
from ntkverify.premises.widths import narrowest
from ntkverify.scenarios import Scenario, Training

WORST_CONDITION = 100
"""Where nearly equal inputs have different targets, units between them turn over at any usual width."""

UNITS_PER_MOVEMENT = 8
"""Units per hidden layer, and per layer of depth, for each unit of squared parameter movement."""

LARGEST_VARIANCE = 40
"""Largest variance of a unit's input in the first layer: beyond, small changes of the weights saturate it."""

UNLEARNED = 0.005
"""What may be left of any mode where a network counts as trained to the end."""

PRODUCT = Architecture(inputs=1, layers=Sequential(Linear(), Monomial(1), Linear()))
"""f(x) = u . v x / sqrt n, for which one point x = 1 with target 0 gives the map of a step in closed form."""


@functools.lru_cache(maxsize=64)
def _kernels(scenario: Scenario) -> tuple[np.ndarray, np.ndarray]:
    """NTK and NNGP of the training points, (n, n) each."""
    x = scenario.points.inputs()[: scenario.points.count - scenario.run.test_points]
    return np.asarray(analytic.ntk(scenario.arch, x)), np.asarray(analytic.nngp(scenario.arch, x))


def condition(scenario: Scenario) -> float:
    """lambda_max / lambda_min of the analytic NTK of the training points; infinite where it is singular."""
    spectrum = np.linalg.eigvalsh(_kernels(scenario)[0])
    return spectrum[-1] / spectrum[0] if spectrum[0] > 0 else np.inf


def parameter_movement(scenario: Scenario) -> float:
    """E |w_T - w_0|^2 over initialisations, in the linearised dynamics of training.

    With w_T - w_0 = J^T a, where a is what is learned of y - f_0 over Theta, it is E[a^T Theta a], where
    E[(y - f_0)(y - f_0)^T] = K + y y^T for each output and the NNGP kernel K (Chizat, Oyallon & Bach 2019: training
    is lazy where parameters move little on the scale on which the gradients change).
    """
    training, (ntk, nngp), outputs = scenario.run, _kernels(scenario), scenario.arch.outputs
    y = scenario.points.targets(outputs)[: len(ntk)]
    spectrum, basis = np.linalg.eigh(ntk)
    summed = _learned(training, spectrum)
    residual = np.einsum("ik,ij,jk->k", basis, outputs * nngp + y @ y.T, basis)
    return float((residual * summed**2 * spectrum).sum())


def remainder(scenario: Scenario) -> float:
    """The largest fraction of any mode that training on the analytic NTK leaves unlearned."""
    spectrum = np.linalg.eigvalsh(_kernels(scenario)[0])
    return float(np.abs(1 - spectrum * _learned(scenario.run, spectrum)).max())


def _learned(training: Training, spectrum: np.ndarray) -> np.ndarray:
    """(n,): the share of each mode that is learned, over its eigenvalue, in ascending order."""
    rate = training.step_size * training.method.stable_below(spectrum[-1])
    return training.method.filters(torch.from_numpy(spectrum), [training.steps], rate)[0].numpy()


def _first_variance(scenario: Scenario) -> float:
    first = scenario.arch.linears[0]
    largest = max(oracle.inner(scenario.arch, x, x) for x in scenario.points.inputs())
    return first.weight_std**2 * largest + first.bias_std**2


def _step_size_meets(condition: Callable[[float], bool]) -> Callable[[Scenario], bool]:
    return lambda scenario: scenario.training is not None and condition(scenario.run.step_size)


STABLE = Premise(
    name="stable step size",
    statement="the learning rate is below the largest at which gradient descent on the kernel converges",
    holds=_step_size_meets(lambda share: share < 1),
)
MODERATE_STEPS = Premise(
    name="moderate step size",
    statement="the learning rate is below 1 / lambda_max of the analytic NTK",
    holds=_step_size_meets(lambda share: share <= 0.5),
)
SMALL_STEPS = Premise(
    name="small steps",
    statement="at most .3 of the largest stable learning rate of the NNGP kernel, since a narrow network's own "
    "kernel may be some times larger",
    holds=_step_size_meets(lambda share: share <= 0.3),
)
LARGE_STEPS = Premise(
    name="large steps",
    statement="one product u . v / sqrt n, a learning rate above 2 / lambda_0 and not near 4 / lambda_0",
    holds=lambda scenario: (
        scenario.arch == PRODUCT
        and scenario.training is not None
        and (1.1 <= scenario.run.step_size <= 1.8 or scenario.run.step_size >= 2.2)
    ),
)
FINISHED = Premise(
    name="finished training",
    statement=f"training on the analytic NTK leaves at most {UNLEARNED} of any mode",
    holds=lambda scenario: scenario.training is not None and remainder(scenario) <= UNLEARNED,
)
WELL_CONDITIONED = Premise(
    name="well conditioned",
    statement=f"the NTK of the training points has a condition number of at most {WORST_CONDITION}",
    holds=lambda scenario: scenario.training is not None and condition(scenario) <= WORST_CONDITION,
)
LAZY = Premise(
    name="lazy",
    statement=f"each hidden layer has {UNITS_PER_MOVEMENT} units or more, per layer of depth, for each "
    "unit of the squared distance that all parameters are expected to move",
    holds=lambda scenario: (
        scenario.training is not None
        and UNITS_PER_MOVEMENT * scenario.arch.depth * parameter_movement(scenario) <= narrowest(scenario)
    ),
)
UNSATURATED = Premise(
    name="unsaturated",
    statement=f"what enters a unit of the first layer has a variance of at most {LARGEST_VARIANCE}",
    holds=lambda scenario: _first_variance(scenario) <= LARGEST_VARIANCE,
)
