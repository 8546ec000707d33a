"""Which of the claims that failed is the weakest, and what falls with it."""

from ntkverify.runs import Claims, fallen_claims


def weakest(failed: list[str], claims: Claims) -> list[str]:
    """Returns those of the failed claims that no other of them brings down: where to look first."""
    falls = {claim: fallen_claims(claim, claims) for claim in failed}
    return [
        claim
        for claim in failed
        if not any(claim in falls[other] and other not in falls[claim] for other in failed)
    ]


__all__ = ["Claims", "fallen_claims", "weakest"]
