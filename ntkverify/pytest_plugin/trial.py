"""One claim tried on one subject, as a test's outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ntkverify.findings import Finding, Verdict

if TYPE_CHECKING:
    from ntkverify.claims import Claim
    from ntkverify.hunt import Hunt


class ClaimFails(pytest.fail.Exception):  # type: ignore[name-defined] # an attribute that is a class
    """A claim was refuted: what an expected failure expects, unlike a crash or an open question."""


def try_claim(hunt: Hunt, claim: Claim, premises: str, properties: list[tuple[str, object]]) -> None:
    """Fails where `claim` fails "inside" its premises, or where the budget settled nothing there;
    "outside" them it fails only if the run fails on findings. Skips what the hunt spares.

    properties: of the test, as pytest's `record_property` keeps them; they reach JUnit's file.
    """
    from ntkverify.hunt import ClaimRefuted

    if reason := hunt.spares(claim):
        pytest.skip(f"{reason}; --ntk-keep-going draws networks all the same")
    refuted: Finding | None = None
    verdict: Verdict | Finding | None = None
    try:
        verdict = hunt.inside(claim) if premises == "inside" else hunt.outside(claim)
    except ClaimRefuted as error:
        refuted = error.finding  # failed below, where pytest does not print the message twice
        message = str(error)
    if premises == "inside" or refuted:
        properties += [
            ("ntkverify_subject", hunt.subject.name),
            ("ntkverify_verdict", str(refuted.verdict if refuted else verdict)),
        ]
    if refuted:
        from ntkverify.reports import scenario_in_words

        properties.append(("ntkverify_finding", refuted.id))
        kind = pytest.fail.Exception if refuted.error else ClaimFails
        raise kind(f"{message}\n  minimal scenario: {scenario_in_words(refuted.scenario)}", pytrace=False)
    if verdict is Verdict.OUT_OF_SCOPE:
        pytest.skip(
            f"{hunt.subject.name} brings nothing that {claim.id} is about and that meets its premises"
        )
    if verdict is Verdict.UNDECIDED:
        pytest.fail(
            f"{claim.id} is undecided: the budget ran out. Raise it: --ntk-budget=thorough", pytrace=False
        )
