"""Claims about finite networks at initialisation."""

import numpy as np

from ntkverify import strategies
from ntkverify.activations import ReLU
from ntkverify.claims.claim import Claim, Effort
from ntkverify.claims.convergence import WIDE, measure_convergence
from ntkverify.findings import Measurement
from ntkverify.scenarios import Scenario
from ntkverify.subjects import part


def measure_ntk_rate(subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Distance of the empirical NTK to the analytic one over widths, relative to the latter's norm."""
    arch, x = scenario.architecture, scenario.points.inputs()
    limit = np.asarray(subject.ntk(arch, x, x))
    build, empirical_ntk = part(subject, "network"), part(subject, "empirical_ntk")
    square = np.vdot(limit, limit)

    def replicates(width: int, seeds: list[int]) -> tuple[np.ndarray, np.ndarray]:
        kernels = [np.asarray(empirical_ntk(build(arch, width, seed), x)) for seed in seeds]
        deviation = np.stack(kernels) - limit
        return np.linalg.norm(deviation, axis=(1, 2)) / square**0.5, np.einsum(
            "sij,ij->s", deviation, limit
        ) / square

    return measure_convergence(replicates, scenario, effort, resolution=0.02)


def _too_narrow(subject, budget, seed):
    """Eight layers, at widths that halve four times, down to a single unit."""
    return strategies.scenarios(
        subject,
        seed,
        counts=(2, 2),
        dimensions=(2, 2),
        data_seeds=(0, 0),
        sources=("sphere",),
        widths=[tuple(largest >> k for k in range(5)) for largest in (128, 64, 32, 16)],
        depths=(8,),
        activations=(ReLU(),),
        weight_stds=(2**0.5,),
        bias_stds=(0.0,),
    )


NTK_RATE = Claim(
    id="initialisation.ntk_rate",
    statement="The empirical NTK tends to the analytic one as width grows, like width^(-1/2).",
    formula="||Theta_n - Theta|| = O(n^(-1/2)), E Theta_n -> Theta",
    source="Jacot, Gabriel & Hongler 2018, Theorem 1; rate: Huang & Yau 2020, Theorem 2.2",
    premises=(WIDE,),
    needs=frozenset({"ntk"}),
    implies=("equivalence.regression",),
    stochastic=True,
    inside=lambda subject, budget, seed: strategies.scenarios(
        subject, seed, counts=(2, 4), widths=(budget.widths,), depths=(1, 2)
    ),
    outside=_too_narrow,
    measure=measure_ntk_rate,
)
