"""Failures with one cause, told once."""

from dataclasses import dataclass

from ntkverify.findings import Finding, Measurement, Verdict
from ntkverify.reports.table import Row


@dataclass(frozen=True, kw_only=True)
class Cause:
    """What several claims failed for. shown: the failure that says it best; claims: all that fell for it."""

    shown: Finding
    claims: tuple[str, ...]


def causes(rows: list[Row]) -> list[Cause]:
    """Groups the failures and crashes inside premises by what explains them, in the order of the claims."""
    groups: dict[object, list[Finding]] = {}
    for row in rows:
        if row.defect:
            groups.setdefault(_cause(row.defect), []).append(row.defect)
    return [
        Cause(shown=max(found, key=_clarity), claims=tuple(finding.claim for finding in found))
        for found in groups.values()
    ]


def _cause(finding: Finding) -> object:
    """Names what explains a failure: its last line where it crashed, its diagnosis where it has one, or itself."""
    if finding.error:
        return finding.error.strip().splitlines()[-1].partition(" for points of shapes ")[0]
    if finding.diagnosis:
        return str(finding.diagnosis), any(map(_is_not_finite, finding.measurements))
    return finding.id


def _is_not_finite(measurement: Measurement) -> bool:
    witness = measurement.witness
    return bool(witness and any(value - value != 0 for row in witness.got for value in row))


def _clarity(finding: Finding) -> tuple[bool, bool, bool, int]:
    """Prefers a failure that shows two inputs, what is right there and not only elsewhere, and few points."""
    failed = [m.witness for m in finding.measurements if m.verdict is Verdict.FAILS and m.witness]
    known = any(witness.wanted and all(v == v for row in witness.wanted for v in row) for witness in failed)
    points = finding.scenario["points"]["count"] if finding.scenario else 0
    return bool(failed), known, not any(witness.what for witness in failed), -points
