"""Claims about what a kernel can tell apart: the rank it has, and two points at a small angle."""

import math

import numpy as np

from ntkverify.activations import Monomial, ReLU
from ntkverify.architecture import Architecture
from ntkverify.claims.claim import Claim, Effort
from ntkverify.claims.kernel.accuracy import accuracy, kernels, rounding_bound
from ntkverify.claims.kernel.spectrum import scaled, spectrum_and_bound, spectrum_columns
from ntkverify.findings import Measurement, Verdict
from ntkverify.premises import CLOSE_PAIR, CRITICAL_RELU, LOW_RANK
from ntkverify.scenarios import Scenario
from ntkverify.strategies import ACTIVATIONS, Scenarios
from ntkverify.subjects import Subject


def measure_small_angle(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Smallest eigenvalue of two points over what the law gives at their angle."""
    arch, x = scenario.arch, scenario.points.inputs()
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    angle = 2 * math.atan2(np.linalg.norm(unit[0] - unit[1]), np.linalg.norm(unit[0] + unit[1]))
    gram = kernels(subject, arch)["NTK"](x, x)
    matrix = scaled(gram, np.diag(gram))  # the diagonal of the law is depth + 1
    law = arch.depth * angle / (2 * math.pi)
    value = (1 - matrix[0, 1]) / law
    doubt = 4 * arch.depth * angle + rounding_bound(subject, arch, x) / law
    inside = abs(value - 1) <= doubt
    return (
        Measurement(
            name="smallest eigenvalue / law",
            verdict=Verdict.HOLDS if inside else Verdict.FAILS,
            value=float(value),
            allowed=(1 - doubt, 1 + doubt),
            tolerance=f"the next order, 4 x depth x angle {angle:.2g} at most, and rounding",
        ),
    )


def measure_rank(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """The number of eigenvalues that rounding cannot explain, against the predicted rank."""
    arch, x = scenario.arch, scenario.points.inputs()
    expected, out = predicted_rank(scenario), []
    for name, kernel in kernels(subject, arch).items():
        gram = kernel(x, x)
        spectrum, bound = spectrum_and_bound(subject, arch, x, scaled(gram, np.diag(gram)))
        rank = int((spectrum > bound).sum())
        # A rank that is too low is only clear where the points themselves are told apart well.
        unclear = rank < expected and _least_separation(scenario, spectrum, bound) < 1e3 * bound
        # More digits would tell; a subject that does not claim them is not asked for them.
        open_ended = Verdict.OUT_OF_SCOPE if accuracy(subject) > 0 else Verdict.UNDECIDED
        verdict = Verdict.HOLDS if rank == expected else open_ended if unclear else Verdict.FAILS
        out.append(
            Measurement(
                name=f"{name}, rank",
                verdict=verdict,
                value=float(rank),
                allowed=(float(expected), float(expected)),
                tolerance=f"of {len(x)} points; eigenvalues above {bound:.2g} count",
                series=spectrum_columns(spectrum, bound),
            )
        )
    return tuple(out)


def _least_separation(scenario: Scenario, spectrum: np.ndarray, bound: float) -> float:
    """The least eigenvalue to expect of a right kernel, to an order of magnitude.

    Of powers, that of the plainest kernel over the same functions, (bias + <x, y> / d)^degree; of pairs
    x, -x, the least that is seen.
    """
    arch, x = scenario.arch, scenario.points.inputs()
    if not all(activation.polynomial for activation in arch.activations):
        return float(spectrum[spectrum > bound].min(initial=math.inf))
    plainest = (float(arch.linears[0].bias_std > 0) + x @ x.T / arch.inputs) ** _degree(arch)
    return float(np.linalg.eigvalsh(scaled(plainest, np.diag(plainest)))[-predicted_rank(scenario)])


def _degree(arch: Architecture) -> int:
    return math.prod(activation.homogeneous or 0 for activation in arch.activations)


def predicted_rank(scenario: Scenario) -> int:
    """The ranks of both kernels: polynomials of a degree span that many functions; see RANK."""
    arch, d = scenario.arch, scenario.arch.inputs
    count = scenario.points.count
    if not all(activation.polynomial for activation in arch.activations):
        return min(count, count // 2 + d)
    degree = _degree(arch)
    biased, domain = arch.linears[0].bias_std > 0, scenario.points.domain
    sphere = scenario.points.source == "sphere" or bool(domain and domain.unit_norm)
    if not biased:
        span = math.comb(d + degree - 1, degree)
    elif sphere:
        span = math.comb(d + degree - 1, degree) + math.comb(d + degree - 2, degree - 1)
    else:
        span = math.comb(d + degree, degree)
    return min(count, span)


MANY_ANTIPODES = Scenarios(
    counts=(8, 24),
    dimensions=(1, 3),
    sources=("antipodes",),
    depths=(1,),
    activations=(ReLU(),),
    bias_stds=(0.0,),
)
POWERS = Scenarios(
    counts=(8, 24),
    dimensions=(1, 4),
    sources=("sphere", "gaussian"),
    depths=(1, 2),
    activations=(Monomial(2), Monomial(3)),
    weight_stds=(1.0,),
    bias_stds=(0.0, 1.0),
)

SMALL_ANGLE = Claim(
    id="kernel.small_angle",
    statement="Two ReLU inputs at a small angle are told apart in proportion to it, the better the deeper.",
    formula=r"\lambda_{\min} = \frac{H (H + 1)\, \delta}{2 \pi} \text{ at depth } H "
    r"\text{ and angle } \delta, \text{ where } \Theta(x, x) = H + 1",
    source="expansion of the arc-cosine kernels of Cho & Saul 2009 at small angles",
    premises=(CLOSE_PAIR, CRITICAL_RELU),
    needs=frozenset({"architecture", "ntk"}),
    stochastic=False,
    inside=Scenarios(
        counts=(2, 2),
        dimensions=(2, 8),
        sources=("near",),
        activations=ACTIVATIONS[:1],
        weight_stds=(2**0.5,),
        bias_stds=(0.0,),
    ),
    measure=measure_small_angle,
)
RANK = Claim(
    id="kernel.rank",
    statement="Without enough nonlinearity a kernel has the rank of the functions that it spans.",
    formula=r"x^k \text{ in } \mathbb{R}^d: \text{ rank } \binom{d+k-1}{k}, "
    r"\text{ with bias } \binom{d+k}{k}; \quad \text{ReLU, one layer, no bias, } m > d "
    r"\text{ antipodal pairs: rank } m + d \text{ of } 2m",
    source="the dimension of polynomials; ReLU's odd part u/2 spans d functions only, its even part is |u|/2",
    premises=(LOW_RANK,),
    needs=frozenset({"architecture"}),
    about=frozenset({"nngp", "ntk"}),
    stochastic=False,
    inside=MANY_ANTIPODES | POWERS,
    measure=measure_rank,
)

CLAIMS = (SMALL_ANGLE, RANK)
