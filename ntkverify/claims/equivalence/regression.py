"""A single network against kernel regression: after some steps, trained to the end, and started at zero."""

from collections.abc import Callable

import numpy as np
from torch import nn

from ntkverify.activations import ReLU
from ntkverify.claims.claim import Claim, Effort
from ntkverify.claims.convergence import SIGHT, measure_convergence
from ntkverify.experiments import (
    Predicted,
    Task,
    analytic_kernels,
    descent,
    descent_on,
    distances,
    for_several,
    length_of_the_way,
    networks,
    train_all,
)
from ntkverify.findings import Measurement
from ntkverify.methods import Nesterov
from ntkverify.networks import Antisymmetric
from ntkverify.premises import FINISHED, LAZY, STABLE, UNSATURATED, WELL_CONDITIONED, WIDE
from ntkverify.scenarios import Scenario
from ntkverify.strategies import BUDGET_WIDTHS, MODERATE, Scenarios, Trainings
from ntkverify.subjects import Subject, part

TRUNCATION = 0.02
"""What an extrapolation that is linear in 1 / width may leave of trained networks. Units that are carried
across a kink bend their mean by width^(-1/2); inside the premises that was measured to leave up to .015."""

SEVERAL = (2, 3)
"""Outputs: each is a look at the same hidden layers, so that two halve the spread of a slope; more bend small networks."""

WIDTHS_TO_THE_END = (512, 256, 160, 96, 64)
"""Of networks with one hidden layer that are trained to the end: narrower ones have kernels too far from their mean."""


def measure_regression(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Distance of trained networks to the kernel's prediction from the same initial function.

    Over training and test points together, relative to how far the kernel predicts that networks move.
    """
    predicted, _ = descent_on(subject, scenario, analytic_kernels(subject, scenario))
    return _converge(subject, scenario, effort, predicted, length_of_the_way(predicted, scenario))


def measure_zero_start(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Does as `measure_regression`, for networks that are 0 at the start, against the kernel alone."""
    _, moved = descent_on(subject, scenario, analytic_kernels(subject, scenario))
    return _converge(subject, scenario, effort, lambda *_: moved, float(np.linalg.norm(moved)), Antisymmetric)


def measure_interpolation(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Does as `measure_regression`, against ridgeless regression on what the initial function leaves."""
    task, (k_train, k_test_train) = Task.posed_by(scenario), analytic_kernels(subject, scenario)
    regression = part(subject, "kernel_regression")

    def of_columns(train: np.ndarray, test: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return np.concatenate([targets, test + regression(k_train, targets - train, k_test_train).test])

    predicted = for_several(of_columns, task.y)
    return _converge(subject, scenario, effort, predicted, length_of_the_way(predicted, scenario))


def _converge(
    subject: Subject,
    scenario: Scenario,
    effort: Effort,
    predicted: Predicted,
    size: float,
    wrap: Callable[[nn.Module], nn.Module] = lambda net: net,
) -> tuple[Measurement, ...]:
    task, settings = Task.posed_by(scenario), descent(scenario, analytic_kernels(subject, scenario)[0])

    def replicates(width: int, seeds: list[int]) -> np.ndarray:
        nets: list[nn.Module] = [wrap(net) for net in networks(subject, scenario, width, seeds)]
        return distances(train_all(nets, task, settings), predicted, size, scenario)

    return measure_convergence(replicates, scenario, effort, **SIGHT, truncation=TRUNCATION)


SHORT_RUNS = Scenarios(
    counts=(6, 10),
    widths=(BUDGET_WIDTHS,),
    depths=(1, 2),
    weight_stds=MODERATE,
    outputs=SEVERAL,
    training=Trainings(steps=(10, 25), step_sizes=(0.5, 0.2, 0.8), test_points=3),
)


TO_THE_END = Scenarios(
    counts=(7, 9),
    widths=(WIDTHS_TO_THE_END,),
    depths=(1,),
    weight_stds=MODERATE,
    outputs=SEVERAL,
    training=Trainings(steps=(40,), step_sizes=(0.4,), test_points=4, methods=(Nesterov(0.75),)),
)
"""Scenarios in which networks are trained until they fit, in fewer steps than plain descent would take; stable for
networks whose own kernel is 2.5 times as large."""


REGRESSION = Claim(
    id="equivalence.regression",
    statement="A network trained by gradient descent is NTK regression from its own initial function.",
    formula=r"f_t(x) = f_0(x) + \Theta(x, X)\, \Theta^{-1} (I - (I - \eta \Theta)^t) (y - f_0(X)) "
    r"+ O(n^{-1/2})",
    source="Lee, Xiao, Schoenholz et al. 2019, Theorem 2.1 and equations 8-11",
    premises=(WIDE, STABLE, WELL_CONDITIONED, LAZY, UNSATURATED),
    needs=frozenset({"architecture"}),
    about=frozenset({"network", "ntk"}),
    implies=(
        "equivalence.decades",
        "equivalence.interpolation",
        "equivalence.zero_start",
        "equivalence.ensemble",
    ),
    stochastic=True,
    inside=SHORT_RUNS,
    outside=Scenarios(
        counts=(6, 6),
        dimensions=(2, 2),
        data_seeds=(0, 0),
        sources=("sphere",),
        widths=(BUDGET_WIDTHS,),
        depths=(1,),
        activations=(ReLU(),),
        weight_stds=(2**0.5,),
        bias_stds=(1.0,),
        training=Trainings(steps=(30,), step_sizes=(1.1, 2.0), test_points=3),
    ),
    outside_samples=400,
    measure=measure_regression,
)
INTERPOLATION = Claim(
    id="equivalence.interpolation",
    statement="Trained until it fits, a network is ridgeless NTK regression of what its start leaves.",
    formula=r"f(x) = f_0(x) + \Theta(x, X)\, \Theta^{-1} (y - f_0(X)) + O(n^{-1/2})",
    source="Jacot, Gabriel & Hongler 2018, section 5; Arora et al. 2019, Theorem 3.2",
    premises=(WIDE, FINISHED, LAZY, UNSATURATED),
    needs=frozenset({"architecture"}),
    about=frozenset({"network", "ntk"}),
    stochastic=True,
    inside=TO_THE_END,
    measure=measure_interpolation,
)
ZERO_START = Claim(
    id="equivalence.zero_start",
    statement="A network that is 0 at the start, half of it the negative of the other, is NTK regression alone.",
    formula=r"f_0 = 0: \quad f_t(x) = \Theta(x, X)\, \Theta^{-1} (I - (I - \eta \Theta)^t)\, y + O(n^{-1/2})",
    source="Chizat, Oyallon & Bach 2019, section 2; Zhang, Xu, Luo & Ma 2020 (antisymmetrical initialisation)",
    premises=(WIDE, STABLE, WELL_CONDITIONED, LAZY, UNSATURATED),
    needs=frozenset({"architecture"}),
    about=frozenset({"network", "ntk"}),
    stochastic=True,
    inside=SHORT_RUNS,
    measure=measure_zero_start,
)

CLAIMS = (REGRESSION, INTERPOLATION, ZERO_START)
