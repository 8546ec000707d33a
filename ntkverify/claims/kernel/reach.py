"""How far a kernel is right: at every norm of its domain, and how far beyond."""

import math
from collections.abc import Callable

import numpy as np

from ntkverify.analytic import kernel as analytic_kernel
from ntkverify.claims.claim import Claim, Effort
from ntkverify.claims.kernel.accuracy import (
    KernelFunction,
    compared,
    kernels,
    reference,
    relative_difference,
    rounding_bound,
)
from ntkverify.domain import Domain
from ntkverify.errors import BeyondNumbers
from ntkverify.findings import TOLD, Measurement, Verdict
from ntkverify.premises import IN_DOMAIN
from ntkverify.scenarios import Scenario
from ntkverify.strategies import CLOSED_FORMS, Scenarios
from ntkverify.subjects import Subject

NORMS = 4
"""Norms that are tried inside a domain."""

FURTHEST = Domain(norms=(1e-30, 1e30))
"""How far norms are followed: as far as their squares are numbers, with room for what multiplies them."""

WIDE, CLOSEST = 0.5, 1e-7
"""Angles, in radians, between which the closest is looked for at which a kernel is right."""

HALVINGS = 5
"""Of the decade in which a kernel stops being right."""

Error = Callable[[np.ndarray], float]
"""How far a kernel is wrong on inputs (n, d): 0 where its accuracy explains it, NaN where it is not finite."""


def measure_reach(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Inside the domain, kernels at every norm against ntkverify's own; beyond, how far they are right, as told."""
    domain = scenario.points.domain
    x = scenario.points.inputs()
    directions = x / np.linalg.norm(x, axis=1, keepdims=True)
    if domain:
        return _within(subject, scenario, directions, np.geomspace(*domain.norms, NORMS), domain)
    own = getattr(subject, "domain", Domain()) or FURTHEST
    return tuple(
        _beyond(name, _errors(subject, scenario, name, kernel), directions, own, subject)
        for name, kernel in kernels(subject, scenario.arch).items()
    )


def _expected(subject: Subject, scenario: Scenario, name: str, x: np.ndarray) -> np.ndarray:
    both = analytic_kernel(reference(subject, scenario.arch), x, gradients=name == "NTK")
    return getattr(both, name.lower()).numpy()


def _within(
    subject: Subject, scenario: Scenario, directions: np.ndarray, norms: np.ndarray, domain: Domain
) -> tuple[Measurement, ...]:
    out = []
    for name, kernel in kernels(subject, scenario.arch).items():
        for norm in norms:
            x = domain.fitted(norm * directions)
            expected = _expected(subject, scenario, name, x)
            if not np.isfinite(expected).all():
                continue
            scales = (np.diag(expected),) * 2
            bound = rounding_bound(subject, scenario.arch, x)
            out.append(compared(f"{name} at norm {norm:.3g}", kernel(x, x), expected, scales, bound, (x, x)))
    return tuple(out)


def _errors(subject: Subject, scenario: Scenario, name: str, kernel: KernelFunction) -> Error:
    def error(x: np.ndarray) -> float:
        expected = _expected(subject, scenario, name, x)
        if not np.isfinite(expected).all():
            return math.inf
        with np.errstate(all="ignore"):
            got = kernel(x, x)
            difference = relative_difference(got, expected, *[np.diag(expected)] * 2)
        if not np.isfinite(got).all():
            return math.nan
        try:
            return 0.0 if difference <= rounding_bound(subject, scenario.arch, x) else difference
        except BeyondNumbers:
            return math.inf

    return error


def _beyond(name: str, error: Error, directions: np.ndarray, own: Domain, subject: Subject) -> Measurement:
    (least, most), (lowest, highest) = own.norms, FURTHEST.norms

    def right(norm: float) -> bool:
        return error(norm * directions) == 0

    if not all(right(norm) for norm in {least, math.sqrt(least * most), most}):
        return _told(
            name, Verdict.OUT_OF_SCOPE, "wrong inside its domain, so that it is not followed outside"
        )
    reach = [_furthest(right, start, end) for start, end in ((least, lowest), (most, highest))]
    zeros = np.vstack([directions, np.zeros_like(directions[:1])]) * math.sqrt(least * most)
    at_zero, near = error(zeros), _near_inputs(error, directions, math.sqrt(least * most), own)
    everywhere = at_zero == 0 and reach == [lowest, highest] and not near
    accuracy = getattr(subject, "accuracy", 0.0) or 0.0
    words = f"right to {accuracy:.1g}" if accuracy else "right to rounding"
    norms = "the norm {:.2g} alone" if reach[0] == reach[1] else "norms from {:.2g} to {:.2g}"
    ending = "" if at_zero == 0 else "; NaN at 0" if math.isnan(at_zero) else "; wrong at 0"
    verdict = Verdict.HOLDS if everywhere else Verdict.FAILS
    return _told(name, verdict, f"{words} for {norms.format(*reach)}{near}{ending}")


def _near_inputs(error: Error, directions: np.ndarray, norm: float, own: Domain) -> str:
    """Says below which angle of two inputs a kernel is wrong; "" where it is right at all of them."""
    one, other = directions[:2]
    if len(one) == 1:
        return ""
    across = other - (other @ one) * one
    across /= np.linalg.norm(across)

    def right(angle: float) -> bool:
        return error(norm * np.stack([one, math.cos(angle) * one + math.sin(angle) * across])) == 0

    if right(0.0) and right(CLOSEST):
        return ""
    reached = _furthest(right, own.closest_angle or WIDE, CLOSEST)
    return "; wrong for equal inputs" if reached == CLOSEST else f"; wrong for angles below {reached:.1g} rad"


def _told(name: str, verdict: Verdict, words: str) -> Measurement:
    return Measurement(name=name, verdict=verdict, value=math.nan, allowed=TOLD, tolerance=words)


def _furthest(right: Callable[[float], bool], start: float, end: float) -> float:
    """The norm furthest from `start` on the way to `end` up to which `right` holds; to a tenth of a decade."""
    step = 10.0 if end > start else 0.1
    reached = start
    while reached != end:
        following = min(reached * step, end) if step > 1 else max(reached * step, end)
        if not right(following):
            break
        reached = following
    if reached == end:
        return end
    low, high = math.log10(reached), math.log10(following)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if right(10**middle) else (low, middle)
    return reached if low == math.log10(reached) else 10**low


REACH = Claim(
    id="kernel.reach",
    statement="Kernels are right at every norm of the domain that they are made for.",
    formula=r"k(s x, s y) = K(s x, s y) \text{ for all } s",
    source="the domain that the subject states; beyond it, how far they are right is told",
    premises=(IN_DOMAIN,),
    needs=frozenset({"architecture"}),
    about=frozenset({"nngp", "ntk"}),
    stochastic=False,
    inside=Scenarios(
        counts=(3, 4),
        dimensions=(2, 5),
        sources=("gaussian",),
        activations=CLOSED_FORMS,
        bias_stds=(1.0, 0.0),
        unstated=FURTHEST,
    ),
    outside=Scenarios(
        counts=(3, 3),
        dimensions=(3, 3),
        data_seeds=(0, 0),
        sources=("gaussian",),
        activations=CLOSED_FORMS,
        bias_stds=(1.0, 0.0),
        beyond=True,
    ),
    measure=measure_reach,
)

CLAIMS = (REACH,)
