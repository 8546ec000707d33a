"""Decorators that make tests of claims."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from ntkverify.pytest_plugin.trial import ClaimFails

if TYPE_CHECKING:
    from ntkverify.claims import Claim
    from ntkverify.subjects import Subject

Test = TypeVar("Test", bound=Callable[..., Any])
MARKER = "equivalence"

TORCH_ITSELF = "ignore:.torch.jit.script. is deprecated:DeprecationWarning"
"""What torch warns of where it uses what it deprecates."""

TRIES_CLAIMS = "tries_claims"
"""The attribute of tests that try a claim of their own subject before their body."""


def parametrize_with_family(family: str) -> Callable[[Test], Test]:
    """Returns a decorator that runs a test for every claim of `family`, "" for all, inside and outside its premises."""
    from ntkverify.claims import CATALOGUE

    cases = [
        pytest.param(claim, premises, id=f"{claim.id}-{premises}")
        for claim in CATALOGUE.values()
        if family in ("", claim.id.partition(".")[0])
        for premises in ("inside", "outside")
        if getattr(claim, premises)
    ]

    def decorate(test: Test) -> Test:
        return _marked(pytest.mark.parametrize(("claim", "premises"), cases)(test))

    return decorate


def parametrize_with_claims(
    subject: Subject,
    *,
    expected_failures: Mapping[str, str] | None = None,
    claims: Iterable[str | Claim] | None = None,
) -> Callable[[Test], Test]:
    """Returns a decorator that tries every claim on `subject`, each in a test of its own, before its body.

    The test takes `subject` and `claim`; its body may be `...`. expected_failures: claim ids, each with the
    reason why it is known to fail; one that holds after all fails its test (strict). claims: as in `check`.
    Claims about what the subject does not bring are left out. Raises InvalidArgument for something that is no
    subject, for unknown claims, where none is left, and for an expected failure of one that is not.
    """
    from ntkverify.checking import claims_named
    from ntkverify.errors import InvalidArgument
    from ntkverify.subjects import check_subject

    check_subject(subject)
    expected, named = dict(expected_failures or {}), claims_named(claims)
    concerning = {claim.id: claim for claim in named if claim.concerns(subject)}
    if not concerning:
        raise InvalidArgument(
            "claims", repr(claims), f"some that concern {subject.name}", "Leave it out for all."
        )
    for claim_id in expected:
        if claim_id not in concerning:
            wanted = f"one of {', '.join(concerning)}"
            raise InvalidArgument(
                "expected_failures", repr(claim_id), wanted, f"Is it a claim on {subject.name}?"
            )

    def case(claim: Claim) -> pytest.ParameterSet:
        known = pytest.mark.xfail(reason=expected.get(claim.id, ""), strict=True, raises=ClaimFails)
        return pytest.param(claim, id=claim.id, marks=[known] if claim.id in expected else [])

    def decorate(test: Test) -> Test:
        vars(test)[TRIES_CLAIMS] = True
        cases = [case(claim) for claim in concerning.values()]
        by_claim = pytest.mark.parametrize("claim", cases)(test)
        by_subject = pytest.mark.parametrize("subject", [pytest.param(subject, id=subject.name)])(by_claim)
        return _marked(by_subject)

    return decorate


def _marked(test: Test) -> Test:
    return getattr(pytest.mark, MARKER)(pytest.mark.filterwarnings(TORCH_ITSELF)(test))
