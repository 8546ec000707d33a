"""What a run cost: false-alarm probability and time; and how small a violation it would have seen."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ntkverify.findings import Finding, Measurement, Verdict
from ntkverify.runs import Run

MOST_QUANTITIES = 8


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What a run cost.

    scenarios: how many questions were asked. decisions: how many of them, inside the premises, were about
    random draws. spent: the sum of their false-alarm rates, which bounds the probability of any false alarm.
    promised: what it was to stay below. seconds: how long measuring took. wall_seconds: how long it was from
    start to end, None where the header does not say.
    """

    scenarios: int
    decisions: int
    spent: float
    promised: float
    seconds: float
    wall_seconds: float | None

    @property
    def overspent(self) -> bool:
        """Whether more was spent than promised, by more than the rounding of the sum."""
        return self.spent > self.promised * (1 + 1e-9)


def totals(run: Run) -> Totals:
    """Returns what the run cost, over all of its findings, each question once."""
    findings = [finding for some in run.findings_by_claim().values() for finding in some]
    levels = [
        measurement.statistics.level
        for finding in findings
        if not finding.is_outside
        for measurement in finding.measurements
        if measurement.statistics
    ]
    return Totals(
        scenarios=len(findings),
        decisions=len(levels),
        spent=sum(levels),
        promised=run.header["false_alarm_probability"],
        seconds=sum(finding.seconds for finding in findings),
        wall_seconds=run.header.get("wall_seconds"),
    )


def smallest_seen(findings: list[Finding]) -> list[str]:
    """Says for each quantity that was decided how small a violation would have shown; at most a few do."""
    decided: dict[str, list[Measurement]] = defaultdict(list)
    for finding in findings:
        for measurement in finding.measurements:
            if measurement.verdict in (Verdict.HOLDS, Verdict.FAILS):
                decided[measurement.name].append(measurement)
    lines = [f"{name}: {_visible(some)}" for name, some in decided.items()]
    left = len(lines) - MOST_QUANTITIES
    return lines[:MOST_QUANTITIES] + ([f"and {left} more quantities"] if left > 0 else [])


def _visible(measurements: list[Measurement]) -> str:
    seen = [measurement.statistics for measurement in measurements if measurement.statistics]
    if seen:
        sizes = _range([statistics.visible for statistics in seen])
        power = min(statistics.power for statistics in seen)
        return f"one of {sizes} beyond the allowed range, with probability {power:g}"
    lows = [m.allowed[0] for m in measurements if m.allowed[0] > -float("inf")]
    highs = [m.allowed[1] for m in measurements if m.allowed[1] < float("inf")]
    is_distance = set(lows) == {0} and min(measurement.value for measurement in measurements) >= 0
    parts = [f"anything above {_range(highs)}"] if highs else []
    parts += [f"anything below {_range(lows)}"] if lows and not is_distance else []
    return " and ".join(parts)


def _range(numbers: Sequence[float]) -> str:
    low, high = f"{min(numbers):.2g}", f"{max(numbers):.2g}"
    return low if low == high else f"{low} to {high} (by scenario)"
