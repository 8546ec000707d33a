"""A single network against kernel regression, over more widths than dense weights allow."""

from dataclasses import replace

import numpy as np

from ntkverify import strategies
from ntkverify.activations import Erf, ReLU
from ntkverify.claims.claim import Claim, Effort, Premise
from ntkverify.claims.convergence import WIDE, WidthSeries, measure_offset, measure_slope
from ntkverify.claims.premises import LAZY, STABLE, UNSATURATED, WELL_CONDITIONED
from ntkverify.claims.trained import Task, descent, descent_on
from ntkverify.empirical import empirical_ntk
from ntkverify.findings import Measurement
from ntkverify.networks import network
from ntkverify.scenarios import Scenario
from ntkverify.subjects import part
from ntkverify.training import train

NARROWEST, WIDEST, THOROUGHLY = 6, 13, 17
"""Powers of 2: the narrowest width, the widest, and the widest of a thorough run."""

SCREEN = 8
"""Networks at each width to start with: over so many widths the slope of each is known to about a tenth."""

BEND = 1.28
"""Trained ReLU networks' mean falls like width^(-1/2), which an extrapolation linear in 1 / width leaves a part of:
at most this over the root of the widest, twice what was measured."""

CURVE = 0.002
"""What is left of the mean of the NTK at the start, which has terms of order (depth / width)^2 only."""

RESOLUTION = 3.5
"""In standard deviations of about width^(-1/2) of the widest networks: the offset that must not be missed."""

SLOPES = (-1.5, 0.5)
"""Where the slope of one network over the widths is clipped: about eight standard deviations from theory."""


def measure_decades(subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Distance of trained networks to the kernel's prediction from the same start, and of their NTK at the start
    to the kernel: slopes over the widths, and what is left of each along its limit at infinite width.

    The networks are ntkverify's own, with lazy hidden weights.
    """
    task = Task.of(scenario)
    kernel = np.asarray(part(subject, "ntk")(scenario.architecture, task.points, task.points))
    kernels = task.split(kernel)
    predicted, moved = descent_on(subject, scenario, kernels)
    settings, size = descent(scenario, kernels[0]), np.linalg.norm(moved)

    def one(width: int, seed: int) -> tuple[float, ...]:
        net = network(scenario.architecture, scenario.hidden_widths(width), seed, weights="lazy")
        start = (empirical_ntk(net, task.points) - kernel) / np.linalg.norm(kernel)
        run = train(net, task.x, task.y, task.x_test, **settings)
        ends = np.concatenate([run.train, run.test]) - predicted(run.initial_train, run.initial_test)
        aligned = np.vdot(start, kernel) / np.linalg.norm(kernel)
        return np.linalg.norm(ends) / size, np.vdot(ends, moved) / size**2, np.linalg.norm(start), aligned

    def replicates(width: int, seeds: list[int]) -> np.ndarray:
        return np.array([one(width, seed) for seed in seeds]).T

    series, share = WidthSeries(replicates, scenario, SCREEN), replace(effort, level=effort.level / 4)
    slope = {"resolution": 0.35, "confirm": "betting", "support": SLOPES}
    root = max(scenario.widths) ** 0.5

    def offset(name: str, column: int, truncation: float) -> Measurement:
        options = {"truncation": truncation, "confirm": "betting"}
        return measure_offset(
            series, share, RESOLUTION / root, column, f"offset at infinite width, {name}", **options
        )

    return (
        measure_slope(series, share, name="slope over width, trained networks", **slope),
        offset("trained networks", 1, BEND / root),
        measure_slope(series, share, column=2, name="slope over width, NTK at the start", **slope),
        offset("NTK at the start", 3, CURVE),
    )


def _over_decades(subject, budget, seed):
    thorough = budget.name == "thorough"
    widest = THOROUGHLY if thorough else WIDEST
    return strategies.scenarios(
        subject,
        seed,
        counts=(6, 6),
        dimensions=(3, 3),
        data_seeds=(0, 0),
        sources=("sphere",),
        widths=(tuple(2**power for power in range(widest, NARROWEST - 1, -1)),),
        depths=(2, 3),
        activations=(ReLU(), Erf()) if thorough else (ReLU(),),
        weight_stds=(2**0.5,),
        bias_stds=(0.5,),
        training=strategies.trainings(steps=(8,), step_sizes=(0.3,), test_points=2),
    )


GAUSSIAN = Premise(
    name="Gaussian weights",
    statement="all weights are Gaussian: others cannot be drawn where they are asked",
    holds=lambda scenario: all(linear.weights == "gaussian" for linear in scenario.architecture.linears),
)
DECADES = Claim(
    id="equivalence.decades",
    statement="Over decades of width, trained networks keep approaching NTK regression, and their NTK its limit.",
    formula="|f_t - regression from f_0| = O(n^(-1/2)), |Theta_n - Theta| = O(n^(-1/2)) for n = 2^6 ... 2^17",
    source="Lee, Xiao, Schoenholz et al. 2019, Theorem 2.1; Jacot, Gabriel & Hongler 2018, Theorem 1",
    premises=(WIDE, GAUSSIAN, STABLE, WELL_CONDITIONED, LAZY, UNSATURATED),
    needs=frozenset({"architecture"}),
    about=frozenset({"ntk"}),
    stochastic=True,
    inside=_over_decades,
    measure=measure_decades,
)

CLAIMS = (DECADES,)
