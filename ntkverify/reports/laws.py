"""The laws that were fitted over the widths, for each kind of networks."""

from typing import NamedTuple

from ntkverify.findings import Finding
from ntkverify.reports.reading import activations, depths, widths
from ntkverify.reports.words import law_in_words

MOST = 24
"""How many laws the page shows; findings.jsonl has those of all scenarios."""


class Law(NamedTuple):
    """One fitted law: of which networks, over which widths, of what, and the law with its 95% intervals."""

    networks: str
    widths: str
    quantity: str
    law: str


def laws(findings: list[Finding]) -> list[Law]:
    """Returns the laws of the first finding with each kind of networks, the first MOST of them."""
    found: dict[tuple, Law] = {}
    for finding in findings:
        for measured in finding.measurements:
            if "slope" in measured.series:
                kind = _networks(finding.scenario), _range(finding.scenario), measured.name
                found.setdefault(kind, Law(*kind, law_in_words(measured.series)))
    return sorted(found.values())[:MOST]


def _networks(scenario: dict) -> str:
    named = sorted(activations(scenario)) + [f"depth {depth}" for depth in depths(scenario) if depth]
    return ", ".join(named) or "the subject's own"


def _range(scenario: dict) -> str:
    found = widths(scenario)
    return f"{min(found)} to {max(found)}"
