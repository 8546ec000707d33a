"""Which parts of a counterexample do not matter: each is varied alone, and the claim fails all the same.

In place of Hypothesis's explain phase, whose answer is a comment in a printed call: this one is data, it
knows a scenario's parts by name, and it stays inside the premises.
"""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from ntkverify.activations import Activation, Layer
from ntkverify.architecture import Linear
from ntkverify.claims import Claim, Effort, examine
from ntkverify.errors import NtkverifyError
from ntkverify.findings import Verdict
from ntkverify.scenarios import Scenario
from ntkverify.strategies import CLOSED_FORMS
from ntkverify.subjects import has

FEWEST = 2
"""Other values of a part that must fail before it is said not to matter."""

Variants = Iterator[Scenario]


def irrelevant_parts(claim: Claim, subject: Any, scenario: Scenario, effort: Effort) -> tuple[str, ...]:
    """Names the parts of `scenario`, on which `claim` fails, that could be anything else that was tried.

    Deterministic claims only: a variant of a stochastic one costs as much as the counterexample itself.
    """
    if claim.stochastic:
        return ()
    varied = scenario.architecture is not None and has(subject, "any_architecture")
    parts = OF_POINTS | (OF_ARCHITECTURES if varied else {})
    return tuple(
        name
        for name, variants in parts.items()
        if _all_fail(claim, subject, effort, list(_allowed(variants, scenario, claim, subject)))
    )


def _all_fail(claim: Claim, subject: Any, effort: Effort, variants: list[Scenario]) -> bool:
    if len(variants) < FEWEST:
        return False
    findings = (examine(claim, subject, variant, effort) for variant in variants)
    return all(finding.verdict is Verdict.FAILS for finding in findings)


def _allowed(
    variants: Callable[[Scenario], Variants], scenario: Scenario, claim: Claim, subject: Any
) -> Variants:
    try:
        for variant in variants(scenario):
            supported = getattr(subject, "supports", lambda _: True)(variant.architecture)
            changed = variant != scenario
            if changed and supported and not claim.broken_premises(variant):
                yield variant
    except NtkverifyError:
        return  # a part that this scenario cannot vary


def _seeds(scenario: Scenario) -> Variants:
    for more in (1, 2, 3):
        yield _with_points(scenario, seed=scenario.points.seed + more)


def _sources(scenario: Scenario) -> Variants:
    for source in ("sphere", "gaussian", "antipodes", "duplicates", "near"):
        yield _with_points(scenario, source=source)


def _counts(scenario: Scenario) -> Variants:
    for factor in (2, 3, 5):
        yield _with_points(scenario, count=factor * scenario.points.count)


def _dimensions(scenario: Scenario) -> Variants:
    for inputs in (1, 2, 5, 9):
        points = dataclasses.replace(scenario.points, dimension=inputs)
        arch = dataclasses.replace(scenario.arch, inputs=inputs)
        yield dataclasses.replace(scenario, points=points, architecture=arch)


def _depths(scenario: Scenario) -> Variants:
    for times in (1, 2):
        yield dataclasses.replace(scenario, architecture=scenario.arch.deeper(times))


def _activations(scenario: Scenario) -> Variants:
    for other in CLOSED_FORMS:

        def swapped(layer: Layer, other: Activation = other) -> Layer:
            return other if isinstance(layer, Activation) else layer

        yield _with_layers(scenario, swapped)


def _weights(scenario: Scenario) -> Variants:
    for std in (0.7, 1.0, 2.0):
        yield _with_linears(scenario, weight_std=std)


def _biases(scenario: Scenario) -> Variants:
    for std in (0.0, 0.3, 1.0):
        yield _with_linears(scenario, bias_std=std)


def _with_points(scenario: Scenario, **fields: Any) -> Scenario:
    return dataclasses.replace(scenario, points=dataclasses.replace(scenario.points, **fields))


def _with_linears(scenario: Scenario, **fields: Any) -> Scenario:
    return _with_layers(
        scenario, lambda layer: dataclasses.replace(layer, **fields) if isinstance(layer, Linear) else layer
    )


def _with_layers(scenario: Scenario, change: Callable[[Layer], Layer]) -> Scenario:
    return dataclasses.replace(scenario, architecture=scenario.arch.mapped(change))


OF_POINTS: dict[str, Callable[[Scenario], Variants]] = {
    "the random numbers of the inputs": _seeds,
    "where the inputs come from": _sources,
    "the number of points": _counts,
}
OF_ARCHITECTURES: dict[str, Callable[[Scenario], Variants]] = {
    "the dimension of the inputs": _dimensions,
    "the depth": _depths,
    "the activation": _activations,
    "the scale of the weights": _weights,
    "the scale of the biases": _biases,
}
"""Parts of a scenario by name, with other values of each; architectures vary where the subject takes any."""
