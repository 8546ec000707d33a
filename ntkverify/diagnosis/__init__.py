"""Why a claim failed: known slips that would explain a wrong kernel, the parts of the scenario that do not
matter, and where the gap of a trained network comes from."""

import dataclasses
from typing import Any

from ntkverify.claims import Claim, Effort
from ntkverify.diagnosis.attribution import gap_terms
from ntkverify.diagnosis.kernels import diagnose
from ntkverify.diagnosis.variation import irrelevant_parts
from ntkverify.findings import Finding
from ntkverify.scenarios import Scenario


def explained(finding: Finding, claim: Claim, subject: Any) -> Finding:
    """The finding of a failure, with all that is known of its cause."""
    scenario, effort = (
        Scenario.from_plain(finding.scenario),
        Effort(level=finding.level, max_samples=finding.max_samples),
    )
    return dataclasses.replace(
        finding,
        irrelevant=irrelevant_parts(claim, subject, scenario, effort),
        diagnosis=diagnose(subject, scenario.architecture) if finding.is_defect else None,
        gap=gap_terms(claim, subject, scenario),
    )


__all__ = ["diagnose", "explained", "gap_terms", "irrelevant_parts"]
