"""What a run says of each claim, in one row."""

from collections import Counter
from dataclasses import dataclass

from ntkverify.findings import Finding, Verdict, summary
from ntkverify.reports.reading import layers
from ntkverify.reports.words import measurement_in_words
from ntkverify.runs import Run

MOST_OUTSIDE = 5
"""How many sets of broken premises a claim is said to fail under; the page shows the last one in full."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One claim over a whole run: its verdict, and the findings that matter most.

    defect: the simplest failure, or crash, inside the premises. findings: the simplest failures outside them.
    """

    claim: str
    verdict: Verdict
    inside: tuple[Finding, ...]
    outside: tuple[Finding, ...]
    defect: Finding | None
    findings: tuple[Finding, ...]

    def count(self, verdict: Verdict) -> int:
        """Counts how many scenarios inside the premises got that verdict."""
        return sum(finding.verdict == verdict for finding in self.inside)

    @property
    def seconds(self) -> float:
        """Is how long measuring took, inside the premises and outside."""
        return sum(finding.seconds for finding in (*self.inside, *self.outside))

    @property
    def broken(self) -> str:
        """Names the premises without which the claim was seen to fail, if any were looked at."""
        names = dict.fromkeys(name for finding in self.findings for name in finding.broken_premises)
        return ", ".join(names) or (f"nothing in {len(self.outside)}" if self.outside else "not tried")

    @property
    def was_tried(self) -> bool:
        """Whether the claim was measured at all: not where the subject has nothing that it is about."""
        return bool(self.inside or self.outside or self.defect)

    @property
    def evidence(self) -> Finding | None:
        """Is the finding to show where nothing failed: the richest scenario that was decided."""
        decided = [finding for finding in self.inside if finding.verdict is Verdict.HOLDS]
        return max(decided or self.inside, key=_richness, default=None)


def _richness(finding: Finding) -> int:
    scenario = finding.scenario
    steps = scenario["training"]["steps"] if scenario.get("training") else 1
    return scenario["points"]["count"] * max(1, len(layers(scenario))) * steps


def rows(run: Run) -> list[Row]:
    """Returns one row per claim that was tried, in the order in which claims build on one another."""
    findings = run.findings_by_claim()
    return [_row(claim, findings[claim]) for claim in run.header["claims"] if claim in findings]


def _row(claim: str, findings: list[Finding]) -> Row:
    # Hypothesis ends on the simplest failure; a killed run may not have marked it yet.
    defects = [finding for finding in findings if finding.is_defect or finding.error]
    marked = [finding for finding in defects if finding.minimal]
    outside = [finding for finding in findings if finding.is_outside]
    simplest = {f.broken_premises: f for f in outside if f.minimal and not f.error}
    return Row(
        claim=claim,
        verdict=summary(findings),
        inside=tuple(finding for finding in findings if finding.scenario and not finding.is_outside),
        outside=tuple(outside),
        defect=next(reversed(marked or defects), None),
        findings=tuple(simplest.values())[-MOST_OUTSIDE:],
    )


def verdict_table(run: Run) -> str:
    """Returns the verdicts as a table for a terminal, and below it what was told and not judged."""
    lines = [f"{'claim':<36} {'verdict':<13} {'held':>5} {'undecided':>10}  found outside the premises"]
    table = rows(run)
    tried = [row for row in table if row.was_tried]
    for row in tried:
        held, undecided = row.count(Verdict.HOLDS), row.count(Verdict.UNDECIDED)
        lines.append(f"{row.claim:<36} {row.verdict:<13} {held:>5} {undecided:>10}  {row.broken}")
    if len(tried) < len(table):
        lines.append(f"out of scope: {len(table) - len(tried)} claims about what the subject does not bring")
    for reason, count in Counter(run.header.get("spared", {}).values()).items():
        lines.append(f"not tried, since {reason}: {count} claims about networks (--keep-going tries them)")
    for row in tried:
        shown = [finding for finding in (row.evidence, *row.findings) if finding]
        told = [m for finding in shown for m in finding.measurements if m.is_told]
        lines += [f"{row.claim}: {measurement_in_words(measurement)}" for measurement in told]
    return "\n".join(lines)
