"""Claims about the analytic kernels: deterministic, judged at rounding level."""

import math

import numpy as np
import torch
from scipy.spatial.distance import pdist

from ntkverify import strategies
from ntkverify.claims.claim import Claim, Effort, Premise
from ntkverify.findings import Measurement, Verdict
from ntkverify.numerics import eigenvalues, spectral_rounding_bound
from ntkverify.scenarios import Scenario
from ntkverify.subjects import FOREIGN_ACCURACY

CLOSEST = 1e-6
"""Inputs closer than this, relative to the largest, count as duplicates."""


def _distinct(scenario: Scenario) -> bool:
    x = scenario.points.inputs()
    return len(x) < 2 or pdist(x).min() > CLOSEST * np.linalg.norm(x, axis=1).max()


DISTINCT = Premise(
    name="distinct inputs",
    statement=f"no two inputs are closer than {CLOSEST:g} of the largest",
    holds=_distinct,
)
BIASED = Premise(
    name="biased first layer",
    statement="the first layer has a bias, so that no two distinct inputs are parallel",
    holds=lambda scenario: scenario.architecture.linears[0].bias_std > 0,
)
NON_POLYNOMIAL = Premise(
    name="non-polynomial activation",
    statement="at least one hidden layer, and no polynomial activation",
    holds=lambda scenario: (
        bool(scenario.architecture.activations)
        and not any(activation.polynomial for activation in scenario.architecture.activations)
    ),
)


def measure_positive_definite(subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Smallest eigenvalue of the Gram matrix over its largest, against the rounding bound."""
    x = scenario.points.inputs()
    gram = torch.as_tensor(subject.ntk(scenario.architecture, x, x)).double()
    if not torch.isfinite(gram).all() or not gram.any():
        return (_eigenvalue(math.nan, math.nan, Verdict.FAILS, ()),)
    spectrum = eigenvalues(gram)
    claimed = getattr(subject, "accuracy", FOREIGN_ACCURACY) * gram.abs().sum(dim=1).max().item()
    bound = spectral_rounding_bound(gram) + claimed
    smallest, largest = spectrum[0].item(), spectrum[-1].abs().item()
    if smallest > bound:
        verdict = Verdict.HOLDS
    elif smallest < -bound or (claimed == 0 and len(torch.unique(gram, dim=0)) < len(gram)):
        verdict = Verdict.FAILS  # two equal rows: singular, whatever the rounding
    else:
        verdict = Verdict.UNDECIDED
    return (_eigenvalue(smallest / largest, bound / largest, verdict, tuple(spectrum.tolist())),)


def _eigenvalue(value: float, bound: float, verdict: Verdict, spectrum: tuple[float, ...]) -> Measurement:
    return Measurement(
        name="smallest eigenvalue / largest",
        verdict=verdict,
        value=value,
        allowed=(bound, 1.0),
        tolerance=f"rounding moves it by at most {bound:.2g}; within that of zero it is undecided",
        series={"eigenvalue": spectrum},
    )


POSITIVE_DEFINITE = Claim(
    id="kernel.positive_definite",
    statement="The NTK of distinct inputs is strictly positive definite.",
    formula="lambda_min(Theta(X, X)) > 0",
    source="Jacot, Gabriel & Hongler 2018, Proposition 2 (bias instead of the unit sphere)",
    premises=(DISTINCT, BIASED, NON_POLYNOMIAL),
    needs=frozenset({"ntk"}),
    implies=("equivalence.regression",),
    stochastic=False,
    inside=lambda subject, budget, seed: strategies.scenarios(subject, seed, counts=(2, 24)),
    outside=lambda subject, budget, seed: strategies.scenarios(
        subject, seed, counts=(2, 24), sources=("duplicates",)
    ),
    measure=measure_positive_definite,
)

CLAIMS = (POSITIVE_DEFINITE,)
