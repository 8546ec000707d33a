"""Whether the NTK of a module settles as it widens."""

from dataclasses import dataclass, replace

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

GAP = 0.25
"""From the shallowest slope of what falls to 0, that of what does not. A bend takes half of it from either side."""

NEGLIGIBLE = 0.01
"""A bend that is no reason to look at a slope again."""

MIXED = 10
"""How many times larger the growing part of a kernel is to be, so that its share bends a slope by less than 0.05 over a
ladder of widths of 16."""

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

    series = WidthSeries(replicates, scenario, REPLICATES)
    return (measure_falling(series, effort, 0, "the distance of two kernels", sizes=1),)


def measure_falling(series: WidthSeries, effort: Effort, column: int, what: str, sizes: int) -> Measurement:
    """Judges the slope over width of a column, which has to fall; or says that it is rounding at every width.

    sizes: the column of the kernels' sizes. A slope that is too shallow, but no shallower than a kernel of two parts
    (`Mixture`) would explain, is undecided; the measurement says which widths would decide it.
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
    name, (share, rest) = f"slope over width of {what}", effort.split(1, 1)
    measured = measure_slope(series, share, column=column, name=name, law=FALLING)
    mixture = Mixture.of(series.widths, series.rows(sizes, "screen", 0, REPLICATES))
    if measured.verdict is not Verdict.FAILS or mixture.bend < NEGLIGIBLE:
        return measured
    if (room := GAP - mixture.bend / 2) > GAP / 5:
        law = (FALLING[0], mixture.bend / 2 - GAP)
        again = measure_slope(series, rest, column=column, name=name, law=law, resolution=room)
        if again.verdict is Verdict.FAILS:
            return again
    return replace(measured, verdict=Verdict.UNDECIDED, tolerance=f"{measured.tolerance}; {mixture}")


@dataclass(frozen=True)
class Mixture:
    """The size of a kernel, still + growing x width, as in standard parameterisation, at some widths."""

    still: float
    growing: float
    widths: np.ndarray

    @staticmethod
    def of(widths: np.ndarray, sizes: np.ndarray) -> "Mixture":
        """Fits it to sizes (replicates, widths), relative to each."""
        mean = sizes[np.isfinite(sizes).all(axis=1)].mean(axis=0)
        (still, growing), _ = nnls(np.stack([1 / mean, widths / mean], axis=1), np.ones(len(widths)))
        return Mixture(float(still), float(growing), widths)

    @property
    def bend(self) -> float:
        """Is the slope over width of the growing part's share of the size.

        It is by how much a relative fluctuation falls less steeply where that part alone fluctuates; a law of slope -1/2
        then has one between -1/2 and -1/2 + bend, and what does not fall one between 0 and bend.
        """
        if not self.growing:
            return 0.0
        share = self.growing * self.widths / (self.still + self.growing * self.widths)
        return float(np.polyfit(np.log(self.widths), np.log(share), 1)[0])

    def __str__(self) -> str:
        """Says which widths would decide: those at which the growing part is MIXED times the other or more."""
        narrowest = MIXED * self.still / self.growing
        widest = narrowest * self.widths.max() / self.widths.min()
        return (
            "the law has not set in, since a part of the kernel that grows with width has not outgrown one that does "
            f"not: widths of {narrowest:.3g} to {widest:.3g} would show it"
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
