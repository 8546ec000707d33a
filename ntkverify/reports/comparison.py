"""What changed between two runs."""

from dataclasses import dataclass, replace
from typing import Any

from ntkverify.findings import Finding
from ntkverify.reports.table import rows
from ntkverify.reports.words import scenario_in_words
from ntkverify.runs import Run

ASKED = ("subject", "subject_version", "spec", "budget", "seed")
"""What a header says that makes two runs different runs."""
MOST = 20
"""How many lines of one kind are printed."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What changed between two runs. The dicts' values are (before, after), None where a run has nothing.

    settings: what the headers and the versions of packages say. verdicts: by claim. new, vanished: failures,
    crashes and findings outside the premises. answers: those that differ though the question is the same.
    common: how many questions both runs asked.
    """

    settings: dict[str, tuple[Any, Any]]
    verdicts: dict[str, tuple[Any, Any]]
    new: tuple[Finding, ...]
    vanished: tuple[Finding, ...]
    answers: tuple[tuple[Finding, Finding], ...]
    common: int

    @property
    def differs(self) -> bool:
        """Whether anything changed but the time that it took."""
        return any((self.settings, self.verdicts, self.new, self.vanished, self.answers))


def compare(before: Run, after: Run) -> Comparison:
    """Returns what a reader of the run `before` has to know of the run `after`."""
    asked = [_by_id(run) for run in (before, after)]
    notable = [_notable(run) for run in (before, after)]
    common = [name for name in asked[0] if name in asked[1]]
    pairs = [(asked[0][name], asked[1][name]) for name in common]
    return Comparison(
        settings=_changes(*map(_settings, (before, after))),
        verdicts=_changes(*({row.claim: row.verdict for row in rows(run)} for run in (before, after))),
        new=tuple(finding for name, finding in notable[1].items() if name not in notable[0]),
        vanished=tuple(finding for name, finding in notable[0].items() if name not in notable[1]),
        answers=tuple(pair for pair in pairs if _differ(*pair)),
        common=len(common),
    )


def comparison_in_words(comparison: Comparison) -> str:
    """Returns the comparison for a terminal: one line where nothing changed."""
    sections = [
        ("settings", [f"{name}: {_arrow(*pair)}" for name, pair in comparison.settings.items()]),
        (
            "verdicts",
            [f"{claim}: {_arrow(*pair, absent='not tried')}" for claim, pair in comparison.verdicts.items()],
        ),
        ("new findings", [_line(finding) for finding in comparison.new]),
        ("vanished findings", [_line(finding) for finding in comparison.vanished]),
        ("other answers to the same question", [_both(*pair) for pair in comparison.answers]),
    ]
    lines = []
    for title, entries in sections:
        if entries:
            lines += [f"{title}:", *(f"  {entry}" for entry in entries[:MOST])]
            lines += [f"  and {len(entries) - MOST} more"] if len(entries) > MOST else []
    same = "" if comparison.differs else "; nothing changed"
    return "\n".join([*lines, f"{comparison.common} questions in common{same}"])


def _by_id(run: Run) -> dict[str, Finding]:
    return {finding.id: finding for findings in run.findings_by_claim().values() for finding in findings}


def _notable(run: Run) -> dict[str, Finding]:
    marked = [finding for finding in _by_id(run).values() if finding.minimal or finding.error]
    unmarked = [row.defect for row in rows(run) if row.defect]  # of a killed run
    return {finding.id: finding for finding in (*marked, *unmarked)}


def _settings(run: Run) -> dict[str, Any]:
    versions: dict[str, set[str]] = {}
    for finding in run.findings:
        for name, version in finding.versions.items():
            versions.setdefault(f"version of {name}", set()).add(version)
    asked = {name: run.header.get(name) for name in ASKED}
    return asked | {name: ", ".join(sorted(some)) for name, some in versions.items()}


def _changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    names = dict.fromkeys((*before, *after))
    pairs = {name: (before.get(name), after.get(name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _differ(before: Finding, after: Finding) -> bool:
    """Whether the answers differ: in the verdict alone where another effort may draw other numbers."""
    if _effort(before) != _effort(after) and any(
        m.statistics for m in (*before.measurements, *after.measurements)
    ):
        return before.verdict != after.verdict
    return _answer(before) != _answer(after)


def _effort(finding: Finding) -> tuple[float, int]:
    return finding.level, finding.max_samples


def _answer(finding: Finding) -> str:
    """Returns text, because NaN does not equal itself, less what does not answer the question."""
    answer = replace(finding, seconds=0.0, versions={}, minimal=False, level=0.0, max_samples=0)
    return replace(answer, irrelevant=(), diagnosis=None, gap=(), undiagnosed=()).to_json()


def _arrow(before: Any, after: Any, absent: str = "nothing") -> str:
    return " -> ".join(absent if value in (None, "") else str(value) for value in (before, after))


def _line(finding: Finding) -> str:
    where = f" without {', '.join(finding.broken_premises)}" if finding.is_outside else ""
    what = "crashes" if finding.error else finding.verdict
    return f"{finding.claim} {what}{where} on {scenario_in_words(finding.scenario)} ({finding.id})"


def _both(before: Finding, after: Finding) -> str:
    if before.verdict != after.verdict:
        return f"{before.claim} ({before.id}): {_arrow(before.verdict, after.verdict)}"
    for old, new in zip(before.measurements, after.measurements, strict=False):
        if repr(old.value) != repr(new.value):  # NaN does not equal itself
            return f"{before.claim} ({before.id}): {old.name}: {_arrow(old.value, new.value)}"
    return f"{before.claim} ({before.id}): in what was measured, or what is allowed"
