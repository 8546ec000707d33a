"""Which regions of the space of scenarios a run reached, and which it never did."""

import itertools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ntkverify.axes import Axis
from ntkverify.findings import Finding, Verdict
from ntkverify.reports.reading import AXES, Values
from ntkverify.runs import Run

TRAINED_TOO = (
    Axis.ACTIVATION,
    Axis.DATA,
    Axis.WEIGHTS,
    Axis.BIASES,
    Axis.DEPTH,
    Axis.WIDTH,
    Axis.POINTS,
)
"""Axes on which trained networks are looked at by themselves: a kernel tried at a point says nothing of training there."""
TALLIED = (
    Axis.ACTIVATION,
    Axis.DEPTH,
    Axis.WIDTH,
    Axis.DATA,
    Axis.POINTS,
    Axis.MODULE,
    Axis.STEPS,
)
"""Axes on which the scenarios of a claim are counted."""
GAP = 4
"""Neighbouring numbers that differ by more than this factor leave a region between them."""
MISSED = 8
"""Values that a claim never tried which are named, at most."""
LISTED = 12
"""Values that a sentence lists, at most."""


@dataclass(frozen=True, kw_only=True)
class Reach:
    """How far a run went along one axis. tried, never: the regions it did and did not reach, in words."""

    axis: str
    tried: str
    never: str


def reached(run: Run) -> list[Reach]:
    """Returns how far the run went along each axis that its header states; nothing where that has none."""
    scenarios = [
        finding.scenario
        for findings in run.findings_by_claim().values()
        for finding in findings
        if finding.scenario and finding.verdict is not Verdict.OUT_OF_SCOPE
    ]
    space = run.header.get("space", {})
    trained = [scenario for scenario in scenarios if scenario.get("training")]
    asked = [(axis, axis, scenarios) for axis in space if axis in AXES]
    asked += [(axis, f"{axis} of trained networks", trained) for axis in TRAINED_TOO if axis in space]
    return [_reach(name, space[axis], _counted(AXES[axis](s) for s in some)) for axis, name, some in asked]


def _counted(values: Iterable[Values]) -> Counter:
    return Counter(itertools.chain.from_iterable(values))


def tallies(findings: Iterable[Finding]) -> list[tuple[Axis, str]]:
    """Returns the `tally` on each of the axes TALLIED that the findings have values on."""
    findings = list(findings)
    return [(axis, words) for axis in TALLIED if (words := tally(findings, axis))]


def missed(run: Run, findings: Iterable[Finding]) -> list[tuple[Axis, str]]:
    """Returns what the findings never took of the values that there are, on each axis that they have values on."""
    space, tried = run.header.get("space", {}), list(findings)
    listed = [Axis(axis) for axis in space if axis in AXES and "values" in space[axis]]
    counted = {axis: _counted(AXES[axis](finding.scenario) for finding in tried) for axis in listed}
    never = {axis: _never(space[axis], counter) for axis, counter in counted.items() if counter}
    return [(axis, _shortened(values)) for axis, values in never.items() if values]


def _never(axis: dict, counter: Counter) -> list[str]:
    return [value for value in axis["values"] if value not in counter]


def _shortened(values: list[str]) -> str:
    more = len(values) - MISSED
    return ", ".join(values) if more <= 1 else f"{', '.join(values[:MISSED])} and {more} more"


def tally(findings: Iterable[Finding], axis: Axis) -> str:
    """Returns the most frequent values on `axis` in words, each with how many of the findings take it."""
    counter = _counted(AXES[axis](finding.scenario) for finding in findings)
    shown = dict(counter.most_common(LISTED))
    values = shown if any(isinstance(value, str) for value in shown) else sorted(shown)
    more = f", and {len(counter) - LISTED} more" if len(counter) > LISTED else ""
    return ", ".join(f"{value} \N{MULTIPLICATION SIGN}{shown[value]}" for value in values) + more


def _reach(name: str, axis: dict, counter: Counter) -> Reach:
    if "values" in axis:
        tried = [value for value in axis["values"] if value in counter]
        return Reach(axis=name, tried=", ".join(tried) or "nothing", never=", ".join(_never(axis, counter)))
    numbers = sorted(counter)
    listed = ", ".join(f"{number:g}" for number in numbers)
    if len(numbers) > LISTED:
        listed = f"{numbers[0]:g} to {numbers[-1]:g}, {len(numbers)} values"
    return Reach(axis=name, tried=listed or "nothing", never=", ".join(_regions(axis, numbers)))


def _regions(axis: dict, numbers: list[float]) -> list[str]:
    """Names what lies below, between and above the numbers tried."""
    if not numbers:
        return ["any"]
    below = [f"below {numbers[0]:g}"] if numbers[0] > axis["least"] else []
    between = [
        f"between {low:g} and {high:g}" for low, high in itertools.pairwise(numbers) if high > GAP * low > 0
    ]
    most = axis["most"]
    above = [f"above {numbers[-1]:g}"] if most is None or numbers[-1] < most else []
    return below + between + above
