"""Whether the NTK of a module settles as it widens."""

import numpy as np

from ntkverify.claims.claim import Claim, Effort
from ntkverify.claims.convergence import WidthSeries, measure_slope
from ntkverify.empirical import empirical_ntk
from ntkverify.findings import Measurement, Verdict
from ntkverify.scenarios import Scenario
from ntkverify.strategies import BUDGET_WIDTHS, Scenarios, Trainings
from ntkverify.subjects import Subject, part

NOTHING, ROUNDING = 1e-14, 1e-9
"""What stands for exactly 0, whose logarithm there is not; and what is not told from it."""

REPLICATES = 64
"""Networks of each width, of which laws are fitted and intervals given."""

FALLING = (-0.5, -0.25)
"""A slope over width in theory, and the shallowest: halfway to what does not fall at all."""


def measure_concentration(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Slope over width of the distance between the NTKs of two networks, relative to their mean."""
    x = scenario.points.inputs()

    def replicates(width: int, seeds: list[int]) -> np.ndarray:
        pairs = [
            [
                np.asarray(empirical_ntk(part(subject, "network")(None, width, each), x))
                for each in (seed, seed + 1)
            ]
            for seed in seeds
        ]
        distances = [np.linalg.norm(a - b) / np.linalg.norm((a + b) / 2) for a, b in pairs]
        return np.maximum([distances], NOTHING)

    series = WidthSeries(replicates, scenario)
    return (measure_falling(series, effort, 0, "the distance of two kernels"),)


def measure_falling(series: WidthSeries, effort: Effort, column: int, what: str) -> Measurement:
    """Judges the slope over width of a column, which has to fall; or says that it is rounding at every width."""
    largest = float(series.rows(column, "screen", 0, REPLICATES).max())
    if largest > ROUNDING:
        return measure_slope(series, effort, column=column, name=f"slope over width of {what}", law=FALLING)
    return Measurement(
        name=f"largest size of {what}",
        verdict=Verdict.HOLDS,
        value=largest,
        allowed=(0.0, ROUNDING),
        tolerance="rounding at every width: there is nothing to fall",
    )


def tasks(counts: tuple[int, int], training: Trainings | None = None) -> Scenarios:
    """Ordinary inputs, at the widths of the subject."""
    return Scenarios(
        counts=counts, sources=("sphere", "gaussian"), widths=(BUDGET_WIDTHS,), training=training
    )


CONCENTRATES = Claim(
    id="module.kernel_concentrates",
    statement="The NTKs of two networks come to agree as they widen: there is a kernel to tend to.",
    formula=r"\|\Theta_n - \Theta_n'\| / \|\Theta_n\| = O(n^{-1/2}) \text{ for independent networks}",
    source="Jacot, Gabriel & Hongler 2018, Theorem 1; rate: Huang & Yau 2020, Theorem 2.2",
    premises=(),
    needs=frozenset({"build"}),
    implies=("module.kernel_regime",),
    stochastic=True,
    inside=tasks((2, 4)),
    measure=measure_concentration,
)

CLAIMS = (CONCENTRATES,)
