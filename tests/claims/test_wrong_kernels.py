"""Which claim finds which wrong kernel: every fault is found, and every claim finds one of its own."""

import functools

import hypothesis
import pytest
from hypothesis import given, settings
from wrong_kernels import WRONG_KERNELS

from ntkverify.budgets import budget_named
from ntkverify.claims import CATALOGUE, Claim, Effort, examine
from ntkverify.findings import Finding, Verdict
from ntkverify.scenarios import Scenario
from ntkverify.subjects import BuiltinSubject

CLAIMS = [claim for claim in CATALOGUE.values() if claim.id.startswith("kernel.")]
STRUCTURAL = {"kernel.symmetric", "kernel.positive_semidefinite"}
SCENARIOS = 8
EFFORT = Effort(level=1e-6, max_samples=1)


@functools.cache
def scenarios(claim: Claim) -> list[Scenario]:
    """A few that meet the claim's premises, the same every time."""
    found: list[Scenario] = []

    @hypothesis.seed(0)
    @settings(
        max_examples=8 * SCENARIOS,
        database=None,
        deadline=None,
        suppress_health_check=tuple(hypothesis.HealthCheck),
        phases=(hypothesis.Phase.generate,),
    )
    @given(claim.inside(BuiltinSubject(), budget_named("quick"), 0))
    def collect(scenario: Scenario) -> None:
        if not claim.broken_premises(scenario) and scenario not in found:
            found.append(scenario)

    collect()
    return found[:: max(1, len(found) // SCENARIOS)][:SCENARIOS]


@functools.cache
def finds(claim: Claim, fault: str) -> bool:
    """Whether the claim fails, or crashes, on the wrong kernel."""
    findings = (examine(claim, WRONG_KERNELS[fault], scenario, EFFORT) for scenario in scenarios(claim))
    return any(finding.verdict is Verdict.FAILS or finding.error for finding in findings)


@pytest.mark.parametrize("fault", WRONG_KERNELS)
def test_every_wrong_kernel_is_found(fault, record_property):
    claims = [claim.id for claim in CLAIMS if finds(claim, fault)]
    record_property("found by", ", ".join(claim.removeprefix("kernel.") for claim in claims))
    assert claims


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_every_claim_finds_what_symmetry_and_positivity_do_not(claim):
    structural = [other for other in CLAIMS if other.id in STRUCTURAL - {claim.id}]
    own = [
        fault
        for fault in WRONG_KERNELS
        if finds(claim, fault) and not any(finds(other, fault) for other in structural)
    ]
    assert own


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_the_right_kernel_passes_on_the_same_scenarios(claim):
    for scenario in scenarios(claim):
        finding = examine(claim, BuiltinSubject(), scenario, EFFORT)
        assert finding.verdict in (Verdict.HOLDS, Verdict.UNDECIDED), finding
        assert not finding.error
        assert Finding.from_json(finding.to_json()).to_json() == finding.to_json()
