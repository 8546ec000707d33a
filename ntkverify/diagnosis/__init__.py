"""Why a claim failed: known slips that would explain a wrong kernel, the parts of the scenario that do not
matter, and where the gap of a trained network comes from."""

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

from ntkverify.architecture import Architecture
from ntkverify.causes import Diagnosis
from ntkverify.claims import Claim, Effort
from ntkverify.diagnosis.attribution import gap_terms
from ntkverify.diagnosis.kernels import diagnose
from ntkverify.diagnosis.variation import irrelevant_parts
from ntkverify.findings import Finding
from ntkverify.guarding import TimedOut
from ntkverify.scenarios import Scenario

T = TypeVar("T")


Diagnoses = dict[Architecture, Diagnosis | None]
"""What was found out about a subject's kernels, by the architecture that they claim to be of."""


def explained(finding: Finding, claim: Claim, subject: Any, known: Diagnoses) -> Finding:
    """Returns the finding of a failure with all that can be found out about its cause.

    known: diagnoses that need not be made again; those that are made are added. A search for it that crashes leaves its part empty, and is told in `undiagnosed`.
    """
    scenario = Scenario.from_plain(finding.scenario)
    effort = Effort(level=finding.level, max_samples=finding.max_samples)
    crashes: list[str] = []

    def found(part: str, search: Callable[[], T], nothing: T) -> T:
        try:
            return search()
        except (KeyboardInterrupt, TimedOut):
            raise
        except BaseException as error:  # a subject that fails may fail anywhere, and the run goes on
            crashes.append(f"{part}: {type(error).__name__}: {error}".splitlines()[0])
            return nothing

    def slip() -> Diagnosis | None:
        arch = scenario.architecture
        if not finding.is_defect or arch is None or finding.error:
            return None
        if arch not in known:
            known[arch] = diagnose(subject, arch)
        return known[arch]

    return dataclasses.replace(
        finding,
        irrelevant=found("irrelevant parts", lambda: irrelevant_parts(claim, subject, scenario, effort), ()),
        diagnosis=found("known slips", slip, None),
        gap=found("terms of the gap", lambda: gap_terms(claim, subject, scenario), ()),
        undiagnosed=tuple(crashes),
    )


__all__ = ["Diagnoses", "diagnose", "explained", "gap_terms", "irrelevant_parts"]
