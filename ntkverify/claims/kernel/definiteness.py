"""Claims that kernels are positive: semidefinite, one above the other, strictly."""

import math

import numpy as np

from ntkverify.claims.claim import Claim, Effort
from ntkverify.claims.kernel.accuracy import check_in_range, kernels
from ntkverify.claims.kernel.spectrum import scaled, small_matrix, spectrum_and_bound, spectrum_columns
from ntkverify.findings import Measurement, Verdict
from ntkverify.premises import BIASED, DISTINCT, LAST_MOVES_AS_SPREAD, NON_POLYNOMIAL, TRAINED_LAST
from ntkverify.scenarios import Scenario
from ntkverify.strategies import ANY_ACTIVATION, ANY_LAYERS, HARD_SOURCES, SOURCES, Scenarios
from ntkverify.subjects import Subject


def _smallest(
    name: str,
    spectrum: np.ndarray,
    bound: float,
    verdict: Verdict,
    lower: float,
    gram: np.ndarray,
    x: np.ndarray,
) -> Measurement:
    return Measurement(
        name=name,
        verdict=verdict,
        value=float(spectrum[0]),
        allowed=(lower, math.inf),
        tolerance=f"rounding moves it by at most {bound:.2g}",
        series=spectrum_columns(spectrum, bound),
        witness=small_matrix(gram, x) if verdict is Verdict.FAILS else None,
    )


def measure_semidefinite(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Smallest eigenvalue of each Gram matrix: not below 0."""
    arch, x = scenario.architecture, scenario.points.inputs()
    check_in_range(subject, arch, x)
    out = []
    for name, kernel in kernels(subject, arch).items():
        gram = kernel(x, x)
        spectrum, bound = spectrum_and_bound(subject, arch, x, scaled(gram, np.diag(gram)))
        out.append(_nonnegative(f"{name}, smallest eigenvalue", spectrum, bound, gram, x))
    return tuple(out)


def measure_dominates(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Smallest eigenvalue of Theta - K, on the scale of Theta: not below 0."""
    arch, x = scenario.architecture, scenario.points.inputs()
    check_in_range(subject, arch, x)
    nngp, ntk = (kernel(x, x) for kernel in kernels(subject, arch).values())
    difference = ntk - nngp
    spectrum, bound = spectrum_and_bound(subject, arch, x, scaled(difference, np.diag(ntk)))
    return (_nonnegative("NTK - NNGP, smallest eigenvalue", spectrum, bound, difference, x),)


def _nonnegative(
    name: str, spectrum: np.ndarray, bound: float, gram: np.ndarray, x: np.ndarray
) -> Measurement:
    verdict = Verdict.HOLDS if spectrum[0] >= -bound else Verdict.FAILS
    return _smallest(name, spectrum, bound, verdict, -bound, gram, x)


def measure_strictly_positive(
    subject: Subject, scenario: Scenario, effort: Effort
) -> tuple[Measurement, ...]:
    """Smallest eigenvalue of the NTK: above what rounding could have put there."""
    arch, x = scenario.architecture, scenario.points.inputs()
    check_in_range(subject, arch, x)
    gram = kernels(subject, arch)["NTK"](x, x)
    spectrum, bound = spectrum_and_bound(subject, arch, x, scaled(gram, np.diag(gram)))
    exact = getattr(subject, "accuracy", None) == 0
    if spectrum[0] > bound:
        verdict = Verdict.HOLDS
    elif not spectrum[0] >= -bound or (exact and len(np.unique(gram, axis=0)) < len(gram)):
        verdict = Verdict.FAILS  # negative, or two equal rows: singular, whatever the rounding
    else:
        verdict = Verdict.UNDECIDED
    return (_smallest("smallest eigenvalue", spectrum, bound, verdict, bound, gram, x),)


ANY_POINTS = Scenarios(
    counts=(2, 24),
    sources=(*SOURCES, *HARD_SOURCES),
    activations=ANY_ACTIVATION,
    bias_stds=(1.0, 0.1, 0.0),
    **ANY_LAYERS,
)


SEMIDEFINITE = Claim(
    id="kernel.positive_semidefinite",
    statement="Gram matrices of both kernels are positive semidefinite, whatever the inputs.",
    formula=r"\lambda_{\min}(k(X, X)) \ge 0",
    source="a covariance, and an inner product of gradients: Jacot, Gabriel & Hongler 2018, section 4",
    premises=(),
    about=frozenset({"nngp", "ntk"}),
    implies=("kernel.strictly_positive",),
    stochastic=False,
    inside=ANY_POINTS,
    measure=measure_semidefinite,
)
DOMINATES = Claim(
    id="kernel.ntk_dominates_nngp",
    statement="The NTK exceeds the NNGP kernel by a positive semidefinite one: training more layers adds.",
    formula=r"\lambda_{\min}(\Theta(X, X) - K(X, X)) \ge 0",
    source="Jacot, Gabriel & Hongler 2018, Theorem 1 (a sum of kernels, K the last layer's)",
    premises=(LAST_MOVES_AS_SPREAD,),
    needs=frozenset({"nngp", "ntk"}),
    stochastic=False,
    inside=ANY_POINTS,
    measure=measure_dominates,
)
STRICTLY_POSITIVE = Claim(
    id="kernel.strictly_positive",
    statement="The NTK of distinct inputs is strictly positive definite.",
    formula=r"\lambda_{\min}(\Theta(X, X)) > 0",
    source="Jacot, Gabriel & Hongler 2018, Proposition 2 (bias instead of the unit sphere)",
    premises=(DISTINCT, BIASED, NON_POLYNOMIAL, TRAINED_LAST),
    needs=frozenset({"architecture", "ntk"}),
    implies=("equivalence.regression",),
    stochastic=False,
    inside=Scenarios(counts=(2, 24), activations=ANY_ACTIVATION, **ANY_LAYERS),
    outside=Scenarios(counts=(2, 24), sources=("duplicates",)),
    measure=measure_strictly_positive,
)
CLAIMS = (SEMIDEFINITE, DOMINATES, STRICTLY_POSITIVE)
