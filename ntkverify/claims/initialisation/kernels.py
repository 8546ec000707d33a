"""Shared by this family: empirical kernels of freshly drawn networks, and scenarios that are too narrow."""

import numpy as np

from ntkverify.activations import ReLU
from ntkverify.experiments import orthogonal_direction
from ntkverify.scenarios import Scenario
from ntkverify.strategies import Scenarios
from ntkverify.subjects import Subject, part

HE = 2**0.5
"""The weight_std at which ReLU keeps the variance of its inputs."""


def empirical_kernels(subject: Subject, scenario: Scenario, width: int, seeds: list[int]) -> np.ndarray:
    """(networks, n, n): the empirical NTK on the scenario's points of one network per seed."""
    x, hidden = scenario.points.inputs(), scenario.hidden_widths(width)
    build, empirical_ntk = part(subject, "network"), part(subject, "empirical_ntk")
    nets = (build(scenario.arch, hidden, seed) for seed in seeds)
    return np.stack([np.asarray(empirical_ntk(net, x, x)) for net in nets])


def crossing_direction(limit: np.ndarray, scenario: Scenario) -> np.ndarray:
    """A symmetric direction (n, n) besides `limit` (n, n), its own for every scenario."""
    signs = scenario.signs(limit.shape)
    return orthogonal_direction(limit, np.triu(signs) + np.triu(signs, 1).T)


def relative_offsets(limit: np.ndarray, kernels: np.ndarray, scenario: Scenario) -> np.ndarray:
    """(3, networks): relative distance of kernels (networks, n, n) to the limit, and relative signed
    offsets from it, along the limit itself and across it."""
    deviation, size = (kernels - limit) / np.linalg.norm(limit), np.linalg.norm(limit)
    along, aside = (
        np.einsum("sij,ij->s", deviation, d) for d in (limit / size, crossing_direction(limit, scenario))
    )
    return np.stack([np.linalg.norm(deviation, axis=(1, 2)), along, aside])


NARROW_NETWORKS = Scenarios(
    counts=(2, 2),
    dimensions=(2, 2),
    data_seeds=(0, 0),
    sources=("sphere",),
    widths=((16, 8, 4, 2, 1),),
    depths=(6,),
    activations=(ReLU(),),
    weight_stds=(HE,),
    bias_stds=(0.0,),
)
"""Six layers, at widths that halve four times, down to a single unit."""
