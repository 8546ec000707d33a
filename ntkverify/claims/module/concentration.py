"""Whether the NTK of a module settles as it widens."""

import numpy as np

from ntkverify import strategies
from ntkverify.claims.claim import Claim, Effort
from ntkverify.claims.convergence import WidthSeries, measure_slope
from ntkverify.empirical import empirical_ntk
from ntkverify.findings import Measurement
from ntkverify.scenarios import Scenario

FALLING = (-0.5, -0.25)
"""A slope over width in theory, and the shallowest: halfway to what does not fall at all."""


def measure_concentration(subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Slope over width of the distance between the NTKs of two networks, relative to their mean."""
    x = scenario.points.inputs()

    def replicates(width: int, seeds: list[int]) -> np.ndarray:
        pairs = [
            [np.asarray(empirical_ntk(subject.network(None, width, each), x)) for each in (seed, seed + 1)]
            for seed in seeds
        ]
        distances = [np.linalg.norm(a - b) / np.linalg.norm((a + b) / 2) for a, b in pairs]
        return np.array([distances])

    series = WidthSeries(replicates, scenario)
    return (
        measure_slope(series, effort, name="slope over width of the distance of two kernels", law=FALLING),
    )


def tasks(counts: tuple[int, int], **options):
    """Ordinary inputs, at the widths of the subject."""
    return lambda subject, budget, seed: strategies.scenarios(
        subject, seed, counts=counts, sources=("sphere", "gaussian"), widths=(subject.widths,), **options
    )


CONCENTRATES = Claim(
    id="module.kernel_concentrates",
    statement="The NTKs of two networks come to agree as they widen: there is a kernel to tend to.",
    formula="||Theta_n - Theta_n'|| / ||Theta_n|| = O(n^(-1/2)) for independent networks",
    source="Jacot, Gabriel & Hongler 2018, Theorem 1; rate: Huang & Yau 2020, Theorem 2.2",
    premises=(),
    needs=frozenset({"build"}),
    implies=("module.kernel_regime",),
    stochastic=True,
    inside=tasks((2, 4)),
    measure=measure_concentration,
)

CLAIMS = (CONCENTRATES,)
