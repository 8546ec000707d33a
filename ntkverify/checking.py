"""All claims on one subject, without pytest: what `nv.check` and the command line do."""

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self, overload

from ntkverify import reports
from ntkverify.budgets import Budget, budget_named
from ntkverify.claims import CATALOGUE, Claim, claim_named
from ntkverify.errors import InvalidArgument
from ntkverify.findings import Finding
from ntkverify.hunt import ClaimRefuted, Hunt, describe
from ntkverify.runs import Run
from ntkverify.subjects import Subject, check_subject


@dataclass(frozen=True, kw_only=True)
class Findings(Sequence[Finding]):
    """What `check` found, as a sequence; a slice of it is another, with the same header.

    header: what was asked, of whom, as it stands in a run's folder. found: in the order of asking.
    """

    header: dict[str, Any]
    found: tuple[Finding, ...]

    def __len__(self) -> int:
        return len(self.found)

    @overload
    def __getitem__(self, place: int) -> Finding: ...
    @overload
    def __getitem__(self, place: slice) -> Self: ...
    def __getitem__(self, place: int | slice) -> Finding | Self:
        return replace(self, found=self.found[place]) if isinstance(place, slice) else self.found[place]


def check(
    subject: Subject,
    claims: Iterable[str | Claim] | None = None,
    seed: int = 0,
    budget: str | Budget = "quick",
    *,
    timeout: float | None = None,
    keep_going: bool = False,
    record: Callable[[Finding], None] = lambda finding: None,
    progress: Callable[[str, int, int], None] = lambda claim, number, planned: None,
) -> Findings:
    """Tries claims on a subject, inside their premises and outside, and returns every finding.

    claims: ids such as "kernel.symmetric", families such as "kernel", or Claims; None for all.
    budget: "quick", "standard" or "thorough". timeout: seconds after which a claim whose code hangs is ended, inside
    its premises and outside, 0 for never; None for the budget's. keep_going: draw networks even for a kernel that
    was found to be wrong, or to be ntkverify's own; without, the header's "spared" says why claims were not tried.
    record: called with every finding as it comes. progress:
    called before every scenario with the claim, how many were tried, and how many are planned.
    Raises InvalidArgument for something that is no subject, an unknown claim or budget, a seed that is no integer.
    """
    chosen = claims_named(claims)
    found: list[Finding] = []

    def keep(finding: Finding) -> None:
        record(finding)
        found.append(finding)

    effort = budget if isinstance(budget, Budget) else budget_named(budget)
    hunt = Hunt(
        subject=check_subject(subject),
        budget=effort,
        seed=seed,
        record=keep,
        progress=progress,
        timeout=timeout,
        keep_going=keep_going,
    )
    spared: dict[str, str] = {}
    for claim in chosen:
        if reason := hunt.spares(claim):
            spared[claim.id] = reason
            continue
        for attempt in (hunt.inside, hunt.outside):
            _recorded(attempt, claim)
    header = describe(subject, effort, seed) | ({"spared": spared} if spared else {})
    return Findings(header=header, found=tuple(found))


def _recorded(attempt: Callable[[Claim], Any], claim: Claim) -> None:
    with contextlib.suppress(ClaimRefuted):  # its finding is on record
        attempt(claim)


def claims_named(names: Iterable[str | Claim] | None) -> list[Claim]:
    """Looks claims up by ids and families, in the order asked; None stands for all.

    Raises InvalidArgument for what is no list, for an empty one, and for a name that is no claim's.
    """
    if names is None:
        return list(CATALOGUE.values())
    if isinstance(names, str | Claim) or not isinstance(names, Iterable):
        remedy = f"Pass a list: [{names!r}]."
        raise InvalidArgument("claims", repr(names), "ids or families of claims", remedy)
    chosen: dict[str, Claim] = {}
    for name in names:
        family = (
            [] if isinstance(name, Claim) else [c for c in CATALOGUE.values() if c.id.startswith(f"{name}.")]
        )
        for claim in family or [name if isinstance(name, Claim) else claim_named(name)]:
            chosen[claim.id] = claim
    if not chosen:
        raise InvalidArgument("claims", "none", "ids or families of claims", "Leave it out for all.")
    return list(chosen.values())


def write_report(findings: Iterable[Finding], folder: str | Path) -> Path:
    """Writes findings.jsonl, report.html and report.md into `folder`; returns the page's path.

    Raises InvalidArgument where there are no findings, or those of several subjects, or something else, and NotWritable
    where the folder cannot be written to.
    """
    header = findings.header if isinstance(findings, Findings) else None
    findings = list(findings) if isinstance(findings, Iterable) else [findings]
    for one in findings:
        if not isinstance(one, Finding):
            got, remedy = f"{one!r:.80}, {type(one).__name__}", "Pass what nv.check returns."
            raise InvalidArgument("findings", got, "a sequence of Findings", remedy)
    names = sorted({finding.subject for finding in findings})
    if len(names) != 1:
        got = f"findings of {', '.join(names)}" if names else "no findings"
        raise InvalidArgument("findings", got, "findings of one subject", "Write one report for each.")
    run = Run.create(Path(folder), header or _header(names[0], findings))
    (run.folder / run.journal).unlink(missing_ok=True)
    for finding in findings:
        run.record(finding)
    return reports.write(run)


def _header(name: str, findings: list[Finding]) -> dict[str, Any]:
    """Writes a header as far as findings tell it: not how hard was looked for them."""
    versions = {finding.versions.get(name, "") for finding in findings}
    seeds = {finding.scenario.get("seed", 0) for finding in findings if finding.scenario}
    subject = SimpleNamespace(name=name, version=max(versions, default=""))
    return describe(subject, budget_named("quick"), max(seeds, default=0)) | {"budget": "not recorded"}
