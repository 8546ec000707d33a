"""What GitHub Actions shows of a run: annotations, and a summary of the step."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from ntkverify.findings import Finding, Verdict
from ntkverify.reports.render import MOST_MARKDOWN, markdown
from ntkverify.reports.table import Row, rows
from ntkverify.reports.words import measurement_in_words, scenario_in_words
from ntkverify.runs import Run

MOST = 10
"""How many annotations of one kind GitHub shows for a step."""
LONGEST = 1000


def announce(
    run: Run,
    write: Callable[[str], object] = print,
    *,
    findings_fail: bool = False,
    environment: Mapping[str, str] = os.environ,
) -> None:
    """Writes a run's annotations in a GitHub Actions job, and adds it to the step's summary; elsewhere nothing.

    write: takes one line of the job's output.
    """
    if environment.get("GITHUB_ACTIONS") == "true":
        for line in annotations(run, findings_fail=findings_fail):
            write(line)
    if environment.get("GITHUB_STEP_SUMMARY"):
        _summarise(run, Path(environment["GITHUB_STEP_SUMMARY"]))


def annotations(run: Run, *, findings_fail: bool = False) -> list[str]:
    """Returns an error for each claim that failed or crashed, a warning for each that stayed undecided.

    findings_fail: whether failures outside the premises are errors too. There are at most ten of a kind,
    the last of which counts those left out.
    """
    table = rows(run)
    failed = [(row.claim, _story(row.defect)) for row in table if row.defect]
    if findings_fail:
        failed += [(row.claim, _story(finding)) for row in table for finding in row.findings]
    undecided = [
        (row.claim, _open(row)) for row in table if row.verdict is Verdict.UNDECIDED and not row.defect
    ]
    return [*_few("error", failed), *_few("warning", undecided)]


def _story(finding: Finding) -> str:
    what = "crashed" if finding.error else "failed"
    where = f" without {', '.join(finding.broken_premises)}" if finding.is_outside else ""
    wrong = [measurement_in_words(m) for m in finding.measurements if m.verdict is not Verdict.HOLDS]
    lines = [f"{finding.claim} {what}{where} on {scenario_in_words(finding.scenario)}", *wrong]
    return "\n".join([*lines, *finding.error.strip().splitlines()[-1:], f"ntkverify replay {finding.id}"])


def _open(row: Row) -> str:
    return f"{row.claim} is undecided after {len(row.inside)} scenarios: the budget ran out."


def _few(kind: str, messages: list[tuple[str, str]]) -> list[str]:
    if len(messages) > MOST:
        left = len(messages) - MOST + 1
        messages = [*messages[: MOST - 1], ("ntkverify", f"and {left} more; the report has them all")]
    return [f"::{kind} title={_escaped(title, ':,')}::{_escaped(text[:LONGEST])}" for title, text in messages]


def _escaped(text: str, also: str = "") -> str:
    """Escapes what workflow commands want escaped: "%" first, and in a property what would end it."""
    for character in f"%\r\n{also}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def _summarise(run: Run, summary: Path) -> None:
    """Adds the run to the summary, which belongs to a whole step, so that what it has counts against its limit."""
    room = MOST_MARKDOWN - (summary.stat().st_size if summary.exists() else 0)
    with summary.open("a", encoding="utf-8") as page:
        page.write(markdown(run, room))
