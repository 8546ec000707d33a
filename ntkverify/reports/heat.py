"""Outcomes of one claim over depth and width, as a table of counts."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from ntkverify.findings import Finding, Verdict
from ntkverify.reports.reading import depths, widths

MOST = 8
"""How many rows, and columns, there are at most; more values are put together by powers of two."""
LIMIT, MODULE = 0, -1


@dataclass(frozen=True, kw_only=True)
class Cell:
    """How the scenarios of one depth and width ended."""

    outcomes: Counter

    @property
    def words(self) -> str:
        """Says what the cell does, such as "11 hold, 1 undecided"; nothing where nothing was tried."""
        names = {Verdict.HOLDS: "hold", Verdict.FAILS: "fail", Verdict.UNDECIDED: "undecided"}
        return ", ".join(f"{self.outcomes[v]} {name}" for v, name in names.items() if self.outcomes[v])

    @property
    def kind(self) -> str:
        """Is the worst outcome, for the colour."""
        return next((v for v in (Verdict.FAILS, Verdict.UNDECIDED, Verdict.HOLDS) if self.outcomes[v]), "")

    @property
    def share(self) -> int:
        """Is how many per cent of the cell's scenarios ended in its `kind`."""
        return round(100 * self.outcomes[self.kind] / self.outcomes.total()) if self.kind else 0


@dataclass(frozen=True, kw_only=True)
class Heat:
    """A table of outcomes. columns: widths in words. rows: each a depth in words, and one cell per column."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


def heat(findings: list[Finding]) -> Heat | None:
    """Returns the outcomes by hidden layers and largest width; None where there is one place only."""
    places = [(_depth(finding), _width(finding), finding.verdict) for finding in findings]
    rows = _bins({depth for depth, _, _ in places}, {MODULE: "torch module"})
    columns = _bins({width for _, width, _ in places}, {LIMIT: "the limit"})
    if len(set(rows.values())) * len(set(columns.values())) < 2:
        return None
    cells: dict[tuple[str, str], Counter] = defaultdict(Counter)
    for depth, width, verdict in places:
        cells[rows[depth], columns[width]][verdict] += 1
    names = tuple(dict.fromkeys(columns.values()))
    return Heat(
        columns=names,
        rows=tuple(
            (row, tuple(Cell(outcomes=cells[row, column]) for column in names))
            for row in dict.fromkeys(rows.values())
        ),
    )


def _depth(finding: Finding) -> int:
    return next(iter(depths(finding.scenario)), MODULE)


def _width(finding: Finding) -> int:
    return max(widths(finding.scenario), default=LIMIT)


def _bins(values: set[int], special: dict[int, str]) -> dict[int, str]:
    """Names each value, from the smallest on; several share a name where there are too many."""
    ordered = sorted(values)
    if len(ordered) <= MOST:
        return {value: special.get(value, str(value)) for value in ordered}
    base = 2
    while len({_floor(value, base) for value in ordered}) > MOST:
        base *= 2
    return {value: special.get(value) or _interval(_floor(value, base), base) for value in ordered}


def _floor(value: int, base: int) -> int:
    """Returns the largest power of `base` up to `value`; 0 and below stay as they are."""
    power = 1
    while 0 < power * base <= value:
        power *= base
    return power if value > 0 else value


def _interval(low: int, base: int) -> str:
    return f"{low} to {low * base - 1}" if low > 0 else str(low)
