"""Shapes that are not wide: a bottleneck, and as many layers as the width allows."""

from dataclasses import replace

import numpy as np

from ntkverify.activations import ReLU
from ntkverify.claims.claim import Claim, Effort
from ntkverify.claims.initialisation.kernels import empirical_kernels
from ntkverify.claims.regime.growth import FLAT, gaps, measure_growth, ordinary
from ntkverify.findings import Measurement
from ntkverify.premises import STABLE, UNSATURATED
from ntkverify.scenarios import Scenario
from ntkverify.subjects import Subject, part

NARROW = 4
"""Units of the bottleneck."""

UNITS_PER_LAYER = 8
"""Width over depth, the same at all widths."""


def measure_bottleneck(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Distance of trained networks to kernel regression over the width of all layers but one."""
    expected = {"slope": FLAT, "size": (0.1, np.inf)}
    values = gaps(subject, scenario)
    return measure_growth(
        values, scenario.widths, scenario, effort, what="gap to kernel regression", axis="width", **expected
    )


def measure_depth(
    subject: Subject, scenario: Scenario, effort: Effort, units_per_layer: int = UNITS_PER_LAYER
) -> tuple[Measurement, ...]:
    """Relative distance of the NTK to its limit, the depth growing with the width."""

    def at(width: int, seeds: list[int]) -> np.ndarray:
        arch = scenario.arch.deeper(max(1, width // units_per_layer) - 1)
        deep = replace(scenario, architecture=arch)
        limit = np.asarray(part(subject, "ntk")(arch, scenario.points.inputs(), scenario.points.inputs()))
        kernels = empirical_kernels(subject, deep, width, seeds)
        return np.linalg.norm(kernels - limit, axis=(1, 2)) / np.linalg.norm(limit)

    return measure_growth(
        lambda seeds: np.stack([at(width, seeds) for width in scenario.widths]),
        scenario.widths,
        scenario,
        effort,
        what="distance of the NTK to its limit",
        axis="width",
        slope=FLAT,
        size=(0.1, np.inf),
    )


BOTTLENECK = Claim(
    id="regime.bottleneck",
    statement="One narrow hidden layer keeps a network away from kernel regression, however wide the others.",
    formula=rf"\text{{widths }} n,\ {NARROW}: \quad \|f_T - \text{{kernel regression}}\| "
    rf"\text{{ does not fall with }} n; \quad "
    rf"\operatorname{{Var}} \Theta / (\mathbb{{E}}\, \Theta)^2 \ge 3 / {NARROW}",
    source="Hanin & Nica 2020, Theorem 1: the variance is a sum over layers of 1 / width",
    premises=(STABLE, UNSATURATED),
    needs=frozenset({"any_architecture", "network"}),
    stochastic=True,
    inside=ordinary(depths=(2,), activations=(ReLU(),), step_sizes=(0.1,), profile=((None,), (NARROW,))),
    measure=measure_bottleneck,
)
DEEP = Claim(
    id="regime.depth_like_width",
    statement="Where depth grows with the width, the NTK fluctuates as much at every width.",
    formula=r"\operatorname{Var} \Theta / (\mathbb{E}\, \Theta)^2 "
    r"\text{ depends on depth / width; at fixed ratio it does not vanish}",
    source="Hanin & Nica 2020, Theorem 1",
    premises=(UNSATURATED,),
    needs=frozenset({"any_architecture", "network"}),
    stochastic=True,
    inside=ordinary(activations=(ReLU(),), counts=(3, 5), bias_stds=(0.0,), widths=(64, 48, 32, 16, 8)),
    measure=measure_depth,
)

CLAIMS = (BOTTLENECK, DEEP)
