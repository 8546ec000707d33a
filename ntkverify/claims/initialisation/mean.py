"""The mean of the NTK of finite networks."""

import numpy as np
import torch

from ntkverify.activations import ReLU
from ntkverify.claims.claim import Claim, Effort
from ntkverify.claims.initialisation.kernels import HE, crossing_direction, empirical_kernels
from ntkverify.claims.judging import judge
from ntkverify.findings import Measurement
from ntkverify.numerics import ROUNDING_CONSTANT, unit_roundoff
from ntkverify.premises import EXACT_MEAN, GAUSSIAN_FIRST_LAYER
from ntkverify.scenarios import Scenario
from ntkverify.strategies import ANY_LAYERS, Scenarios
from ntkverify.subjects import FOREIGN_ACCURACY, Subject, part


def measure_ntk_mean(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """The mean of the empirical NTK at one width, against the analytic one; deeper, its diagonal only."""
    arch, x = scenario.arch, scenario.points.inputs()
    limit = np.asarray(part(subject, "ntk")(arch, x, x))
    direction = crossing_direction(limit, scenario)
    if arch.depth > 1:
        limit, direction = np.diag(np.diag(limit)), np.diag(np.diag(direction))
    size = np.linalg.norm(limit)
    tolerance = ROUNDING_CONSTANT * unit_roundoff(torch.float64) * scenario.widths[0] * arch.depth
    tolerance += getattr(subject, "accuracy", FOREIGN_ACCURACY)

    def offset_along(direction: np.ndarray, name: str, effort: Effort) -> Measurement:
        def offsets(seeds: list[int]) -> np.ndarray:
            deviations = empirical_kernels(subject, scenario, scenario.widths[0], seeds) - limit
            return np.einsum("sij,ij->s", deviations, direction) / size

        return judge(
            name,
            offsets,
            scenario,
            (-tolerance, tolerance),
            effort=effort,
            resolution=0.05,
            tolerance=f"exact to rounding and to the accuracy that the kernel claims: {tolerance:.2g}",
        )

    along, aside = effort.split(1, 1)
    return (
        offset_along(limit / size, "relative offset of the mean, along the limit", along),
        offset_along(direction, "relative offset of the mean, across it", aside),
    )


SHALLOW = Scenarios(counts=(2, 3), widths=((64,), (32,), (16,)), depths=(1,), **ANY_LAYERS)
DEEP = Scenarios(
    counts=(2, 3),
    widths=((256,),),
    depths=(2, 3),
    activations=(ReLU(),),
    bias_stds=(0.0,),
    weight_stds=(HE,),
)


NTK_MEAN = Claim(
    id="initialisation.ntk_mean",
    statement="The mean of the empirical NTK is the analytic one at any width, for one hidden layer; and so is"
    " its diagonal at any depth, for ReLU without bias.",
    formula=r"\mathbb{E}\, \Theta_n = \Theta",
    source="one hidden layer: linearity of the mean; ReLU: Hanin & Nica 2020, Theorem 1",
    premises=(EXACT_MEAN, GAUSSIAN_FIRST_LAYER),
    needs=frozenset({"architecture"}),
    about=frozenset({"network", "ntk"}),
    stochastic=True,
    inside=SHALLOW | DEEP,
    measure=measure_ntk_mean,
)

CLAIMS = (NTK_MEAN,)
