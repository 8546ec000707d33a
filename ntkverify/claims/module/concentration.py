"""Whether the NTK of a module settles as it widens."""

from dataclasses import replace

import numpy as np
from scipy.optimize import nnls

from ntkverify.claims.claim import Claim, Effort
from ntkverify.claims.convergence import WidthSeries, measure_slope
from ntkverify.empirical import empirical_ntk
from ntkverify.findings import Measurement, Verdict
from ntkverify.scenarios import Scenario
from ntkverify.strategies import BUDGET_WIDTHS, Scenarios, Trainings
from ntkverify.subjects import Subject, part

NOTHING, ROUNDING = 1e-14, 1e-9
"""What stands for exactly 0, whose logarithm there is not; and what is not told from it."""

MIXED = 10
"""How many times larger one part of a kernel is than another that no longer matters to a slope over width: what is
left of the other, a tenth, changes the logarithm over a ladder of widths by less than the slope's tolerance."""

REPLICATES = 64
"""Networks of each width, of which laws are fitted and intervals given."""

FALLING = (-0.5, -0.25)
"""A slope over width in theory, and the shallowest: halfway to what does not fall at all."""


def measure_concentration(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Slope over width of the distance between the NTKs of two networks, relative to their mean."""
    x = scenario.points.inputs()

    def kernel(width: int, seed: int) -> np.ndarray:
        return np.asarray(empirical_ntk(part(subject, "network")(None, width, seed), x))

    def replicates(width: int, seeds: list[int]) -> np.ndarray:
        pairs = [(kernel(width, seed), kernel(width, seed + 1)) for seed in seeds]
        sizes = [np.linalg.norm((a + b) / 2) for a, b in pairs]
        distances = [np.linalg.norm(a - b) / size for (a, b), size in zip(pairs, sizes, strict=True)]
        return np.maximum([distances, sizes], NOTHING)

    series = WidthSeries(replicates, scenario)
    return (measure_falling(series, effort, 0, "the distance of two kernels", sizes=1),)


def measure_falling(series: WidthSeries, effort: Effort, column: int, what: str, sizes: int) -> Measurement:
    """Judges the slope over width of a column, which has to fall; or says that it is rounding at every width.

    sizes: the column of the kernels' sizes. Where these tell that the law cannot have set in at the widths tried, a
    slope that is too shallow leaves the claim undecided, and the measurement says which widths would decide it.
    """
    largest = float(series.rows(column, "screen", 0, REPLICATES).max())
    if largest <= ROUNDING:
        return Measurement(
            name=f"largest size of {what}",
            verdict=Verdict.HOLDS,
            value=largest,
            allowed=(0.0, ROUNDING),
            tolerance="rounding at every width: there is nothing to fall",
        )
    measured = measure_slope(series, effort, column=column, name=f"slope over width of {what}", law=FALLING)
    narrowest = sets_in(series.widths, series.rows(sizes, "screen", 0, REPLICATES))
    if measured.verdict is not Verdict.FAILS or narrowest <= series.widths.min():
        return measured
    reach = series.widths.max() / series.widths.min()
    told = (
        f"{measured.tolerance}; not set in: a part of the kernel that grows with width has not outgrown one that does "
        f"not. Widths of {narrowest:.3g} to {reach * narrowest:.3g} would show it"
    )
    return replace(measured, verdict=Verdict.UNDECIDED, tolerance=told)


def sets_in(widths: np.ndarray, sizes: np.ndarray) -> float:
    """Returns the width from which the size of kernels (replicates, widths) follows a single power of the width.

    A kernel in standard parameterisation is a + b width: its relative fluctuation falls like width^(-1/2) where
    either part is the larger by MIXED, and in between as the mixture changes. 0 where one part is, at all widths tried.
    """
    mean = sizes[np.isfinite(sizes).all(axis=1)].mean(axis=0)
    (a, b), _ = nnls(np.stack([1 / mean, widths / mean], axis=1), np.ones(len(widths)))
    growing, still = b * widths.max() > a / MIXED, b * widths.min() < MIXED * a
    return MIXED * a / b if growing and still else 0.0


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
