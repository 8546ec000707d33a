"""A single network against kernel regression, over more widths than dense weights allow."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from ntkverify.activations import Erf, ReLU
from ntkverify.budgets import Budget
from ntkverify.claims.claim import Claim, Effort
from ntkverify.claims.convergence import WidthSeries, measure_offset, measure_slope
from ntkverify.claims.initialisation.kernels import relative_offsets
from ntkverify.claims.series import Replicates
from ntkverify.empirical import empirical_ntk
from ntkverify.experiments import Task, descent, descent_on, distances, length_of_the_way, train_all
from ntkverify.findings import Measurement
from ntkverify.networks import network
from ntkverify.premises import GAUSSIAN, LAZY, NTK_PARAMETERIZED, STABLE, UNSATURATED, WELL_CONDITIONED, WIDE
from ntkverify.scenarios import Scenario
from ntkverify.strategies import Scenarios, Trainings
from ntkverify.subjects import Subject, part

NARROWEST = 64
"""The narrowest width."""

WIDEST_DENSE = 256
"""Up to this width dense networks, many of which train at once, are faster than lazy ones."""

SCREEN = 8
"""Networks at each width to start with: over so many widths the slope of each is known to about a tenth."""

POWERS = (0.5, 1.0)
"""Powers of 1 / width in the mean of trained networks: units that cross the kink of ReLU add the first one. Without it an
extrapolation was measured to leave up to .4 / sqrt(widest), with it nothing beyond its standard error."""

LEFT = 0.15
"""Over the root of the widest width: what the next terms leave of an extrapolation. Those of (depth / width)^(3/2)
leave .03 times their coefficient at depth 3, and less the wider the widest."""

RESOLUTION, RESOLUTION_TRAINED = 3.5, 5.6
"""Over the root of the widest width: the offsets that must not be missed, of the NTK at the start and of trained
networks. One network's, extrapolated over decades, has a standard deviation of 1 to 2."""

RARELY = 1e-4
"""The level of the screen for offsets: hundreds of networks confirm one, so that chance should hardly ever ask for it."""

SLOPES = (-1.5, 0.5)
"""Where the slope of one network over the widths is clipped: about eight standard deviations from theory."""


def measure_decades(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Distance of trained networks to the kernel's prediction from the same start, and of their NTK at the start
    to the kernel: slopes over the widths, and what is left of each along its limit at infinite width.

    The networks are ntkverify's own; those wider than WIDEST_DENSE have lazy hidden weights.
    """
    task = Task.posed_by(scenario)
    kernel = np.asarray(part(subject, "ntk")(scenario.arch, task.points, task.points))
    kernels = task.split(kernel)
    predicted, _ = descent_on(subject, scenario, kernels)
    size = length_of_the_way(predicted, scenario)
    settings = descent(scenario, kernels[0])

    def ends(nets: list[nn.Module]) -> np.ndarray:
        return distances(train_all(nets, task, settings), predicted, size, scenario)

    def starts(nets: list[nn.Module]) -> np.ndarray:
        found = np.stack([np.asarray(empirical_ntk(net, task.points)) for net in nets])
        return relative_offsets(kernel, found, scenario)

    names = ("trained networks", "NTK at the start")
    trained, untrained = (
        WidthSeries(drawn(scenario, measured), scenario, SCREEN) for measured in (ends, starts)
    )
    root, shares = max(scenario.widths) ** 0.5, effort.split(1, 1, 1, 1)
    slope: dict[str, Any] = {"resolution": 0.25, "support": SLOPES}
    offset: dict[str, Any] = {"truncation": LEFT / root, "screen_level": RARELY}
    left = [f"offset at infinite width, {name}" for name in names]
    return (
        measure_slope(trained, shares[0], name=f"slope over width, {names[0]}", **slope),
        measure_offset(trained, shares[1], RESOLUTION_TRAINED / root, 1, left[0], powers=POWERS, **offset),
        measure_slope(untrained, shares[2], name=f"slope over width, {names[1]}", **slope),
        measure_offset(untrained, shares[3], RESOLUTION / root, 1, left[1], **offset),
    )


def drawn(scenario: Scenario, measured: Callable[[list[nn.Module]], np.ndarray]) -> Replicates:
    """Makes replicates of what is measured of ntkverify's own networks, lazy where they are wide."""

    def replicates(width: int, seeds: list[int]) -> np.ndarray:
        hidden = scenario.hidden_widths(width)
        if width <= WIDEST_DENSE:
            return measured([network(scenario.arch, hidden, seed) for seed in seeds])
        # One by one: each holds the answers of its hidden weights until it is measured.
        return np.concatenate(
            [measured([network(scenario.arch, hidden, seed, weights="lazy")]) for seed in seeds], axis=1
        )

    return replicates


@dataclass(frozen=True)
class Ladder:
    """Widths up to the widest of the run's budget: dense ones that double from NARROWEST, lazy ones that quadruple."""

    def __call__(self, budget: Budget) -> tuple[int, ...]:
        widths, width = [], budget.widest
        while width >= NARROWEST:
            widths.append(width)
            width //= 2 if width <= 4 * WIDEST_DENSE else 4
        return tuple(widths)


DECADES = Claim(
    id="equivalence.decades",
    statement="Over decades of width, trained networks keep approaching NTK regression, and their NTK its limit.",
    formula=r"\|f_t - \text{regression from } f_0\|,\ \|\Theta_n - \Theta\| = O(n^{-1/2}) "
    r"\text{ for } n = 2^6, \dots, 2^{17}",
    source="Lee, Xiao, Schoenholz et al. 2019, Theorem 2.1; Jacot, Gabriel & Hongler 2018, Theorem 1",
    premises=(WIDE, GAUSSIAN, STABLE, WELL_CONDITIONED, LAZY, UNSATURATED, NTK_PARAMETERIZED),
    needs=frozenset({"architecture"}),
    about=frozenset({"ntk"}),
    stochastic=True,
    inside=Scenarios(
        counts=(6, 6),
        dimensions=(3, 3),
        sources=("sphere",),
        widths=(Ladder(),),
        depths=(2, 3),
        activations=(ReLU(), Erf()),
        weight_stds=(2**0.5,),
        bias_stds=(0.5,),
        outputs=(2,),
        training=Trainings(steps=(8,), step_sizes=(0.3,), test_points=2),
    ),
    measure=measure_decades,
)

CLAIMS = (DECADES,)
