"""Why a claim failed: known slips that would explain a wrong kernel, the parts of the scenario that do not
matter, and where the gap of a trained network comes from."""

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

from ntkverify.claims import Claim, Effort
from ntkverify.diagnosis.attribution import gap_terms
from ntkverify.diagnosis.kernels import diagnose
from ntkverify.diagnosis.variation import irrelevant_parts
from ntkverify.findings import Finding
from ntkverify.scenarios import Scenario

T = TypeVar("T")


def explained(finding: Finding, claim: Claim, subject: Any) -> Finding:
    """The finding of a failure, with all that is known of its cause: what cannot be found out is left empty."""
    scenario = Scenario.from_plain(finding.scenario)
    effort = Effort(level=finding.level, max_samples=finding.max_samples)
    wrong = finding.is_defect
    return dataclasses.replace(
        finding,
        irrelevant=_found(lambda: irrelevant_parts(claim, subject, scenario, effort), ()),
        diagnosis=_found(
            lambda: diagnose(subject, scenario.architecture) if wrong and scenario.architecture else None,
            None,
        ),
        gap=_found(lambda: gap_terms(claim, subject, scenario), ()),
    )


def _found(search: Callable[[], T], nothing: T) -> T:
    try:
        return search()
    except Exception:  # a subject that fails may fail anywhere, and the run goes on
        return nothing


__all__ = ["diagnose", "explained", "gap_terms", "irrelevant_parts"]
