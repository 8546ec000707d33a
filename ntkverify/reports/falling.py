"""Which of the claims that failed is the weakest, and what falls with it."""

from typing import Any

Claims = dict[str, dict[str, Any]]
"""The claims of a run's header, by id."""


def fallen_claims(claim: str, claims: Claims) -> list[str]:
    """Returns the claims that cannot be trusted where `claim` fails, following what each implies."""
    fallen, waiting = [], [*claims[claim]["implies"]]
    while waiting:
        next_one = waiting.pop(0)
        if next_one not in fallen and next_one != claim:
            fallen.append(next_one)
            waiting += claims.get(next_one, {"implies": []})["implies"]
    return fallen


def weakest(failed: list[str], claims: Claims) -> list[str]:
    """Returns those of the failed claims that no other of them brings down: where to look first."""
    falls = {claim: fallen_claims(claim, claims) for claim in failed}
    return [
        claim
        for claim in failed
        if not any(claim in falls[other] and other not in falls[claim] for other in failed)
    ]
