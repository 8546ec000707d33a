"""Shared by this family: empirical kernels of freshly drawn networks, and scenarios that are too narrow."""

from typing import Any

import numpy as np

from ntkverify import strategies
from ntkverify.activations import ReLU
from ntkverify.claims.claim import Premise
from ntkverify.scenarios import Scenario
from ntkverify.subjects import part

HE = 2**0.5
"""The weight_std at which ReLU keeps the variance of its inputs."""

GAUSSIAN_FIRST_LAYER = Premise(
    name="Gaussian first layer",
    statement="the first layer's weights are Gaussian: its fan_in does not grow, so no central limit helps",
    holds=lambda scenario: scenario.architecture.linears[0].weights == "gaussian",
)


def empirical_kernels(
    subject: Any, scenario: Scenario, width: int, seeds: list[int], **options: Any
) -> np.ndarray:
    """(networks, n, n): the empirical NTK on the scenario's points of one network per seed."""
    x, hidden = scenario.points.inputs(), scenario.hidden_widths(width)
    build, empirical_ntk = part(subject, "network"), part(subject, "empirical_ntk")
    nets = (build(scenario.architecture, hidden, seed) for seed in seeds)
    return np.stack([np.asarray(empirical_ntk(net, x, **options)) for net in nets])


def narrow(subject, budget, seed):
    """Eight layers, at widths that halve four times, down to a single unit."""
    return strategies.scenarios(
        subject,
        seed,
        counts=(2, 2),
        dimensions=(2, 2),
        data_seeds=(0, 0),
        sources=("sphere",),
        widths=[tuple(largest >> k for k in range(5)) for largest in (32, 16)],
        depths=(8,),
        activations=(ReLU(),),
        weight_stds=(HE,),
        bias_stds=(0.0,),
    )
