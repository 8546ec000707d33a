"""Claims that need not be tried: networks are not drawn where kernels have settled the matter."""

from collections.abc import Set

from ntkverify.claims import CATALOGUE, Claim
from ntkverify.diagnosis import Diagnoses
from ntkverify.errors import InvalidArgument
from ntkverify.runs import fallen_claims
from ntkverify.subjects import PARTS, Subject, has

EQUAL = "kernel.recursion"
"""The claim by which a kernel equals ntkverify's own on all inputs of its domain."""


def check_concerned(subject: Subject) -> None:
    """Raises InvalidArgument for a subject that no claim is about."""
    if not any(claim.concerns(subject) for claim in CATALOGUE.values()):
        brought = ", ".join(part for part in PARTS if has(subject, part))
        remedy = "Bring a kernel (nngp, ntk), networks (network, build) or an empirical_ntk beside it."
        raise InvalidArgument("subject", f"{brought} alone", "parts that some claim is about", remedy)


def reason_to_spare(
    claim: Claim, subject: Subject, known: Diagnoses, settled: Set[str], refuted: Set[str]
) -> str:
    """Says why a claim that draws networks need not be tried; "" where it is to be.

    known: what was found out about the subject's kernels; settled: claims that hold; refuted: claims that fail.
    """
    # A kernel may be wrong at odd inputs alone, which is no word on networks; wrong networks are.
    causes = [one for one in CATALOGUE if one in refuted and CATALOGUE[one].stochastic]
    described = {one.id: one.description for one in CATALOGUE.values()} if causes else {}
    falls_with = [cause for cause in causes if claim.id in fallen_claims(cause, described)]
    if claim.stochastic and falls_with:
        return f"it falls with {falls_with[0]}"
    own = any(has(subject, part) for part in ("network", "build", "any_architecture"))
    if own or not claim.stochastic or not claim.concerns(subject):
        return ""
    if any(found and found.distance > found.accuracy for found in known.values()):
        return "the kernel is wrong"
    return "the kernel equals ntkverify's own, and so do its networks" if EQUAL in settled else ""
