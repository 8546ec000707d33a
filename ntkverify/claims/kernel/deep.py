"""Claims about very deep networks: the ordered, the critical and the chaotic phase."""

import numpy as np

from ntkverify import oracle
from ntkverify.activations import Erf, ReLU
from ntkverify.claims.claim import Claim, Effort
from ntkverify.claims.kernel.accuracy import judged_within, kernels, rounding_bound
from ntkverify.findings import Measurement
from ntkverify.premises import APART, CRITICAL_RELU, UNIFORM
from ntkverify.scenarios import Scenario
from ntkverify.strategies import Scenarios
from ntkverify.subjects import Subject


def measure_growth(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """The factor by which one more layer multiplies the NTK, against what its own NNGP predicts.

    The factor s_w^2 E[phi'(u) phi'(v)] is integrated at the variances and covariance that the NNGP
    kernel has reached, so it is that of the phase: below, at or above 1.
    """
    shallow, points = scenario.arch, scenario.points.inputs()[:2]
    deep = shallow.deeper()
    linear, (_, derivative) = shallow.linears[-1], oracle.functions(shallow.activations[-1])
    before, after = (kernels(subject, arch) for arch in (shallow, deep))
    nngp, ntk, nngp_next, ntk_next = (
        kernels_at[name](points, points) for kernels_at in (before, after) for name in ("NNGP", "NTK")
    )
    bound, out = rounding_bound(subject, deep, points), []
    for name, (i, j) in {"of one point": (0, 0), "of two points": (0, 1)}.items():
        a, b, c = nngp[i, i], nngp[j, j], nngp[i, j]
        fine, coarse = (
            linear.weight_std**2 * oracle.mean_of_product(derivative, a, c, b, panels) for panels in (36, 24)
        )
        if i == j:
            fine = coarse = linear.weight_std**2 * oracle.mean_of_square(derivative, a)
        scale = np.sqrt(ntk_next[i, i] * ntk_next[j, j])
        error = abs(ntk_next[i, j] - nngp_next[i, j] - fine * ntk[i, j]) / scale
        sine = np.sqrt(max(1 - c * c / (a * b), bound)) if i != j else 1.0
        out.append(
            judged_within(f"growth {name}, factor {fine:.4g}", error, bound / sine + abs(fine - coarse))
        )
    return tuple(out)


def measure_critical(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Off-diagonal over diagonal of the NTK, against 1/4, times the depth."""
    arch, points = scenario.arch, scenario.points.inputs()[:2]
    gram = kernels(subject, arch)["NTK"](points, points)
    ratio = gram[0, 1] / np.sqrt(gram[0, 0] * gram[1, 1])
    tolerance = f"the next order is {CORRECTION:g} / depth at most"
    return (
        judged_within(
            "distance of the ratio from 1/4", abs(ratio - 0.25), CORRECTION / arch.depth, tolerance
        ),
    )


CORRECTION = 8.0
"""Measured: the ratio exceeds 1/4 by 1 / depth to 5 / depth for inputs at angles above .5."""


GROWTH = Claim(
    id="kernel.deep_growth",
    statement="Deep in a network each layer multiplies the NTK by the phase's factor and adds the NNGP kernel.",
    formula=r"\Theta_{L+1} - K_{L+1} = \chi\, \Theta_L, \quad \chi = "
    r"\sigma_w^2\, \mathbb{E}[\phi'(u) \phi'(v)]: \quad \chi < 1 \text{ ordered},\ \chi > 1 \text{ chaotic}",
    source="Xiao, Pennington & Schoenholz 2020, equations 9-12",
    premises=(UNIFORM,),
    needs=frozenset({"any_architecture", "nngp", "ntk"}),
    stochastic=False,
    inside=Scenarios(
        counts=(2, 2),
        dimensions=(2, 8),
        sources=("sphere", "gaussian"),
        depths=(30, 60),
        activations=(Erf(), ReLU()),
        weight_stds=(1.0, 3**0.5),
        bias_stds=(0.05**0.5,),
    ),
    measure=measure_growth,
)
CRITICAL = Claim(
    id="kernel.critical_ratio",
    statement="At ReLU's critical scale a very deep NTK sees all pairs of different inputs alike, at a quarter.",
    formula=r"\frac{\Theta(x, y)}{\sqrt{\Theta(x, x)\, \Theta(y, y)}} \to \frac{1}{4} "
    r"\text{ as the depth grows}",
    source="Xiao, Pennington & Schoenholz 2020, section 4; Hayou, Doucet & Rousseau 2019",
    premises=(UNIFORM, CRITICAL_RELU, APART),
    needs=frozenset({"architecture", "ntk"}),
    stochastic=False,
    inside=Scenarios(
        counts=(2, 2),
        dimensions=(2, 8),
        sources=("sphere",),
        depths=(100, 300),
        activations=(ReLU(),),
        weight_stds=(2**0.5,),
        bias_stds=(0.0,),
    ),
    measure=measure_critical,
)

CLAIMS = (GROWTH, CRITICAL)
