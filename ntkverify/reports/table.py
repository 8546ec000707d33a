"""What a run says of each claim, in one row."""

from dataclasses import dataclass

from ntkverify.findings import Finding, Verdict, summary
from ntkverify.runs import Run


@dataclass(frozen=True, kw_only=True)
class Row:
    """One claim over a whole run: its verdict, and the findings that matter most."""

    claim: str
    verdict: Verdict
    inside: tuple[Finding, ...]
    defect: Finding | None
    outside: Finding | None

    def count(self, verdict: Verdict) -> int:
        """How many scenarios inside the premises got that verdict."""
        return sum(finding.verdict == verdict for finding in self.inside)

    @property
    def evidence(self) -> Finding | None:
        """The finding to show: the minimal defect, else the richest scenario that was decided."""
        decided = [finding for finding in self.inside if finding.verdict is Verdict.HOLDS]
        return self.defect or max(decided or self.inside, key=_richness, default=None)


def _richness(finding: Finding) -> int:
    return finding.scenario["points"]["count"] * len(finding.scenario["architecture"]["layers"]["layers"])


def rows(run: Run) -> list[Row]:
    """One row per claim that was tried, in the order in which claims build on one another."""
    findings = run.by_claim()
    return [_row(claim, findings[claim]) for claim in run.header["claims"] if claim in findings]


def _row(claim: str, findings: list[Finding]) -> Row:
    inside = tuple(finding for finding in findings if finding.scenario and not finding.is_outside)
    # Hypothesis ends on the simplest failure; a killed run may not have marked it yet.
    defects = [finding for finding in findings if finding.is_defect or finding.error]
    marked = [finding for finding in defects if finding.minimal]
    outside = [finding for finding in findings if finding.is_outside and finding.minimal]
    return Row(
        claim=claim,
        verdict=summary(findings),
        inside=inside,
        defect=(marked or defects or [None])[-1],
        outside=(outside or [None])[-1],
    )


def as_text(run: Run) -> str:
    """The verdict table for a terminal."""
    lines = [f"{'claim':<36} {'verdict':<13} {'held':>5} {'undecided':>10}  found outside the premises"]
    for row in rows(run):
        found = ", ".join(row.outside.broken_premises) if row.outside else "nothing"
        held, undecided = row.count(Verdict.HOLDS), row.count(Verdict.UNDECIDED)
        lines.append(f"{row.claim:<36} {row.verdict:<13} {held:>5} {undecided:>10}  {found}")
    return "\n".join(lines)
