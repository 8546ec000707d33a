"""Training of the last layer alone."""

import numpy as np
from torch import nn

from ntkverify.claims.claim import Claim, Effort
from ntkverify.claims.convergence import SIGHT, measure_convergence
from ntkverify.experiments import Task, analytic_kernels, descent, descent_on, distances, networks, train_all
from ntkverify.findings import Measurement
from ntkverify.premises import NTK_PARAMETERIZED, SMALL_STEPS, UNSATURATED, WIDE
from ntkverify.scenarios import Scenario
from ntkverify.strategies import MODERATE, Scenarios, Trainings
from ntkverify.subjects import Subject

TRUNCATION = 0.02
"""What an extrapolation that is linear in 1 / width may leave: the prediction is not linear in the kernel."""

WIDTHS = (256, 160, 96, 64, 32)
"""Narrower than a budget's: there is nothing to see here but the kernel of the last hidden layer."""


def measure_last_layer(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Distance of networks whose last layer was trained, from zero, to descent on the NNGP kernel."""
    task = Task.posed_by(scenario)
    kernels = analytic_kernels(subject, scenario, "nngp")
    settings = descent(scenario, kernels[0])
    _, moved = descent_on(subject, scenario, kernels)
    size = float(np.linalg.norm(moved))

    def replicates(width: int, seeds: list[int]) -> np.ndarray:
        nets = [only_last_layer(net) for net in networks(subject, scenario, width, seeds)]
        return distances(train_all(nets, task, settings), lambda *_: moved, size, scenario)

    return measure_convergence(replicates, scenario, effort, **SIGHT, truncation=TRUNCATION)


def only_last_layer(net: nn.Module) -> nn.Module:
    """Sets, in place, the parameters of the last child module that has any to 0, and freezes all others."""
    layers = [module for module in net.children() if any(True for _ in module.parameters())]
    net.requires_grad_(False)
    for parameter in layers[-1].requires_grad_(True).parameters():
        parameter.data.zero_()
    return net


LAST_LAYER = Claim(
    id="training.last_layer",
    statement="A wide network whose last layer alone is trained, from zero, is regression with the NNGP kernel.",
    formula=r"f_t(x) = K(x, X)\, K^{-1} (I - (I - \eta K)^t)\, y + O(n^{-1/2})",
    source="Lee, Xiao, Schoenholz et al. 2019, section 2.3.1; Matthews et al. 2017",
    premises=(WIDE, SMALL_STEPS, UNSATURATED, NTK_PARAMETERIZED),
    needs=frozenset({"architecture", "nngp"}),
    stochastic=True,
    inside=Scenarios(
        counts=(5, 8),
        widths=(WIDTHS,),
        depths=(1, 2),
        weight_stds=MODERATE,
        outputs=(4, 8),
        training=Trainings(steps=(10,), step_sizes=(0.3, 0.1), test_points=2),
    ),
    measure=measure_last_layer,
)

CLAIMS = (LAST_LAYER,)
