"""The second claim: the NNGP kernel predicts about as well as the NTK, tested as an equivalence."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ntkverify import analytic
from ntkverify.architecture import Architecture
from ntkverify.arrays import Array
from ntkverify.paper.protocol import Protocol, Task, architecture, kernels, regression_error, tasks

MARGIN = 0.05
"""Relative difference in error within which two predictors are called equally good."""

LEVEL = 0.05
"""The level of each one-sided test."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One setting: relative differences (NNGP's error / NTK's - 1) over trials.

    mean, and the ends of its 90% interval; verdict: "equivalent" where both one-sided tests reject a
    difference of MARGIN, "NTK better" or "NNGP better" where the interval excludes 0 and the margin is not
    kept, else "undecided".
    """

    target: str
    dimension: int
    depth: int
    mean: float
    low: float
    high: float
    verdict: str


def compare_nngp_with_ntk(protocol: Protocol, seed: int, progress: Callable[[str], None]) -> list[Comparison]:
    """Compares regression with the two kernels in dimensions 3, 5 and 15, at depths 1 and 2, on targets drawn
    from an NTK, an NNGP and a Laplace process.

    Both kernels are of the same network, the paper's B. Two one-sided t-tests: Schuirmann 1987.
    """
    out = []
    for dimension in (3, 5, protocol.dimension):
        table = kernels(dimension)
        targets = {"NTK": table["NTKB, 1 layer"], "NNGP": table["GP, 1 layer"], "Laplace": table["Laplace"]}
        setting = Protocol(points=protocol.points // 2, dimension=dimension, trials=protocol.trials // 2)
        for name, target in targets.items():
            progress(f"NNGP against NTK: targets from the {name} process in {dimension} dimensions")
            drawn = list(tasks(setting, target, seed))
            for depth in (1, 2):
                errors = np.array([_errors(architecture("B", depth, dimension), task) for task in drawn])
                out.append(_compared(name, dimension, depth, errors[:, 0] / errors[:, 1] - 1))
    return out


def _errors(arch: Architecture, task: Task) -> list[float]:
    """Returns the errors of NNGP and of NTK regression."""

    def error(part: Callable[[Architecture, np.ndarray], Array]) -> float:
        return regression_error(lambda x: np.asarray(part(arch, x)), task)

    return [error(analytic.nngp), error(analytic.ntk)]


def _compared(target: str, dimension: int, depth: int, differences: np.ndarray) -> Comparison:
    mean, error = differences.mean(), stats.sem(differences)
    reach = error * stats.t.ppf(1 - LEVEL, len(differences) - 1)
    above = stats.ttest_1samp(differences, -MARGIN, alternative="greater").pvalue
    below = stats.ttest_1samp(differences, MARGIN, alternative="less").pvalue
    if max(above, below) <= LEVEL:
        verdict = "equivalent"
    elif mean - reach > 0:
        verdict = "NTK better"
    elif mean + reach < 0:
        verdict = "NNGP better"
    else:
        verdict = "undecided"
    return Comparison(
        target=target,
        dimension=dimension,
        depth=depth,
        mean=float(mean),
        low=float(mean - reach),
        high=float(mean + reach),
        verdict=verdict,
    )
