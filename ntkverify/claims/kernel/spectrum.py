"""Claims about the eigenvalues of kernel matrices.

All matrices are scaled to a unit diagonal first: that keeps signs and ranks, and makes the smallest
eigenvalue a property of the angles, not of the largest input.
"""

import math

import numpy as np
import torch

from ntkverify import strategies
from ntkverify.architecture import Architecture
from ntkverify.claims.claim import Claim, Effort
from ntkverify.claims.kernel.accuracy import kernels, rounding_bound
from ntkverify.claims.kernel.premises import ANTIPODAL, BIASED, DISTINCT, HE, NON_POLYNOMIAL, PAIR
from ntkverify.findings import Measurement, Verdict
from ntkverify.numerics import spectral_rounding_bound
from ntkverify.scenarios import Scenario
from ntkverify.strategies import HARD_SOURCES, SOURCES


def scaled(gram: np.ndarray, diagonal: np.ndarray) -> np.ndarray:
    """gram / sqrt(diagonal diagonal^T), without the rows of points whose kernel is 0: (m, m)."""
    alive = diagonal > 0
    root = np.sqrt(diagonal[alive])
    return gram[np.ix_(alive, alive)] / root[:, None] / root[None, :]


def spectrum_and_bound(
    subject, arch: Architecture, x: np.ndarray, matrix: np.ndarray
) -> tuple[np.ndarray, float]:
    """Eigenvalues (m,), ascending, of a scaled matrix, and how far errors of its entries move them."""
    if not matrix.size or not np.isfinite(matrix).all():
        return np.full(1, -np.inf), math.inf
    # Entries that err by e of a unit diagonal move an eigenvalue by at most m e.
    entries = len(matrix) * rounding_bound(subject, arch, x)
    return np.linalg.eigvalsh((matrix + matrix.T) / 2), entries + spectral_rounding_bound(
        torch.from_numpy(matrix)
    )


def _smallest(name: str, spectrum: np.ndarray, bound: float, verdict: Verdict, lower: float) -> Measurement:
    return Measurement(
        name=name,
        verdict=verdict,
        value=float(spectrum[0]),
        allowed=(lower, math.inf),
        tolerance=f"rounding moves it by at most {bound:.2g}",
        series={"eigenvalue": tuple(spectrum.tolist())},
    )


def measure_semidefinite(subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Smallest eigenvalue of each Gram matrix: not below 0."""
    arch, x = scenario.architecture, scenario.points.inputs()
    out = []
    for name, kernel in kernels(subject, arch).items():
        gram = kernel(x, x)
        spectrum, bound = spectrum_and_bound(subject, arch, x, scaled(gram, np.diag(gram)))
        out.append(_nonnegative(f"{name}, smallest eigenvalue", spectrum, bound))
    return tuple(out)


def measure_dominates(subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Smallest eigenvalue of Theta - K, on the scale of Theta: not below 0."""
    arch, x = scenario.architecture, scenario.points.inputs()
    nngp, ntk = (kernel(x, x) for kernel in kernels(subject, arch).values())
    spectrum, bound = spectrum_and_bound(subject, arch, x, scaled(ntk - nngp, np.diag(ntk)))
    return (_nonnegative("NTK - NNGP, smallest eigenvalue", spectrum, bound),)


def _nonnegative(name: str, spectrum: np.ndarray, bound: float) -> Measurement:
    verdict = Verdict.HOLDS if spectrum[0] >= -bound else Verdict.FAILS
    return _smallest(name, spectrum, bound, verdict, -bound)


def measure_strictly_positive(subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Smallest eigenvalue of the NTK: above what rounding could have put there."""
    arch, x = scenario.architecture, scenario.points.inputs()
    gram = kernels(subject, arch)["NTK"](x, x)
    spectrum, bound = spectrum_and_bound(subject, arch, x, scaled(gram, np.diag(gram)))
    exact = getattr(subject, "accuracy", None) == 0
    if spectrum[0] > bound:
        verdict = Verdict.HOLDS
    elif not spectrum[0] >= -bound or (exact and len(np.unique(gram, axis=0)) < len(gram)):
        verdict = Verdict.FAILS  # negative, or two equal rows: singular, whatever the rounding
    else:
        verdict = Verdict.UNDECIDED
    return (_smallest("smallest eigenvalue", spectrum, bound, verdict, bound),)


def measure_small_angle(subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Smallest eigenvalue of two points over what the law gives at their angle."""
    arch, x = scenario.architecture, scenario.points.inputs()
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
            name=f"smallest eigenvalue / law, at angle {angle:.2g}",
            verdict=Verdict.HOLDS if inside else Verdict.FAILS,
            value=float(value),
            allowed=(1 - doubt, 1 + doubt),
            tolerance="the next order, 4 x depth x angle at most, and rounding",
        ),
    )


def measure_rank(subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """The number of eigenvalues that rounding cannot explain, against the predicted rank."""
    arch, x = scenario.architecture, scenario.points.inputs()
    expected, out = predicted_rank(scenario), []
    for name, kernel in kernels(subject, arch).items():
        gram = kernel(x, x)
        spectrum, bound = spectrum_and_bound(subject, arch, x, scaled(gram, np.diag(gram)))
        rank = int((spectrum > bound).sum())
        # A rank that is too low is only clear where no eigenvalue lies close to the bound.
        unclear = rank < expected and (spectrum[spectrum > bound] < 1e3 * bound).any()
        verdict = Verdict.HOLDS if rank == expected else Verdict.UNDECIDED if unclear else Verdict.FAILS
        out.append(
            Measurement(
                name=f"{name}, rank of {len(x)} points",
                verdict=verdict,
                value=rank,
                allowed=(expected, expected),
                tolerance=f"eigenvalues above {bound:.2g} count",
                series={"eigenvalue": tuple(spectrum.tolist())},
            )
        )
    return tuple(out)


def predicted_rank(scenario: Scenario) -> int:
    """Of both kernels: polynomials of a degree span that many functions; see RANK."""
    arch, d = scenario.architecture, scenario.architecture.inputs
    count = scenario.points.count
    if not all(activation.polynomial for activation in arch.activations):
        return min(count, count // 2 + d)
    degree = math.prod(activation.homogeneous for activation in arch.activations)
    biased, sphere = arch.linears[0].bias_std > 0, scenario.points.source == "sphere"
    if not biased:
        span = math.comb(d + degree - 1, degree)
    elif sphere:
        span = math.comb(d + degree - 1, degree) + math.comb(d + degree - 2, degree - 1)
    else:
        span = math.comb(d + degree, degree)
    return min(count, span)


def _any_points(subject, budget, seed):
    return strategies.scenarios(
        subject,
        seed,
        counts=(2, 24),
        sources=(*SOURCES, *HARD_SOURCES),
        activations=strategies.CLOSED_FORMS,
        bias_stds=(1.0, 0.1, 0.0),
    )


def _close_pairs(subject, budget, seed):
    return strategies.scenarios(
        subject,
        seed,
        counts=(2, 2),
        dimensions=(2, 8),
        sources=("near",),
        activations=strategies.ACTIVATIONS[:1],
        weight_stds=(2**0.5,),
        bias_stds=(0.0,),
    )


def _antipodes(subject, budget, seed):
    return strategies.scenarios(
        subject,
        seed,
        counts=(8, 24),
        dimensions=(1, 3),
        sources=("antipodes",),
        depths=(1,),
        activations=strategies.ACTIVATIONS[:1],
        bias_stds=(0.0,),
    )


SEMIDEFINITE = Claim(
    id="kernel.positive_semidefinite",
    statement="Gram matrices of both kernels are positive semidefinite, whatever the inputs.",
    formula="lambda_min(k(X, X)) >= 0",
    source="a covariance, and an inner product of gradients: Jacot, Gabriel & Hongler 2018, section 4",
    premises=(),
    needs=frozenset(),
    implies=("kernel.strictly_positive",),
    stochastic=False,
    inside=_any_points,
    measure=measure_semidefinite,
)
DOMINATES = Claim(
    id="kernel.ntk_dominates_nngp",
    statement="The NTK exceeds the NNGP kernel by a positive semidefinite one: training more layers adds.",
    formula="lambda_min(Theta(X, X) - K(X, X)) >= 0",
    source="Jacot, Gabriel & Hongler 2018, Theorem 1 (a sum of kernels, K the last layer's)",
    premises=(),
    needs=frozenset({"nngp", "ntk"}),
    stochastic=False,
    inside=_any_points,
    measure=measure_dominates,
)
STRICTLY_POSITIVE = Claim(
    id="kernel.strictly_positive",
    statement="The NTK of distinct inputs is strictly positive definite.",
    formula="lambda_min(Theta(X, X)) > 0",
    source="Jacot, Gabriel & Hongler 2018, Proposition 2 (bias instead of the unit sphere)",
    premises=(DISTINCT, BIASED, NON_POLYNOMIAL),
    needs=frozenset({"ntk"}),
    implies=("equivalence.regression",),
    stochastic=False,
    inside=lambda subject, budget, seed: strategies.scenarios(
        subject, seed, counts=(2, 24), activations=strategies.CLOSED_FORMS
    ),
    outside=lambda subject, budget, seed: strategies.scenarios(
        subject, seed, counts=(2, 24), sources=("duplicates",)
    ),
    measure=measure_strictly_positive,
)
SMALL_ANGLE = Claim(
    id="kernel.small_angle",
    statement="Two ReLU inputs at a small angle are told apart in proportion to it, the better the deeper.",
    formula="lambda_min = H (H + 1) delta / 2 pi at depth H and angle delta, where Theta(x, x) = H + 1",
    source="expansion of the arc-cosine kernels of Cho & Saul 2009 at small angles",
    premises=(PAIR, HE),
    needs=frozenset({"ntk"}),
    stochastic=False,
    inside=_close_pairs,
    measure=measure_small_angle,
)
RANK = Claim(
    id="kernel.rank",
    statement="Without enough nonlinearity a kernel has the rank of the functions that it spans.",
    formula="ReLU, one layer, no bias, m antipodal pairs in R^d, m > d: rank m + d",
    source="even part of ReLU |u|/2, odd part u/2: the odd part spans d functions only",
    premises=(ANTIPODAL,),
    needs=frozenset(),
    stochastic=False,
    inside=_antipodes,
    measure=measure_rank,
)

CLAIMS = (SEMIDEFINITE, DOMINATES, STRICTLY_POSITIVE, SMALL_ANGLE, RANK)
