"""The catalogue of claims, by family."""

from ntkverify.claims import empirical, equivalence, initialisation, kernel, module, paper, regime, training
from ntkverify.claims.claim import Claim, Effort, examine
from ntkverify.errors import InvalidArgument
from ntkverify.premises import Premise

CATALOGUE: dict[str, Claim] = {
    claim.id: claim
    for family in (kernel, empirical, initialisation, training, equivalence, regime, paper, module)
    for claim in family.CLAIMS
}
"""Every claim by its id, in the order in which they build on one another."""


def claim_named(claim_id: str) -> Claim:
    """The claim of that id; raises InvalidArgument for an unknown one."""
    if not isinstance(claim_id, str) or claim_id not in CATALOGUE:
        raise InvalidArgument("claim", repr(claim_id), f"one of {', '.join(CATALOGUE)}", "Choose one.")
    return CATALOGUE[claim_id]


__all__ = ["CATALOGUE", "Claim", "Effort", "Premise", "claim_named", "examine"]
