"""Pictures of the evidence, as inline SVG with words for those who do not see it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ntkverify.drawing import BLUE, GREY, ORANGE
from ntkverify.findings import Finding, Measurement, Verdict
from ntkverify.reports.drawing import add_legend, axes, set_logarithmic, svg
from ntkverify.reports.words import law_in_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FARTHEST = 1e30
"""Numbers that no axis reaches are left out."""
ROUNDING = 1e-17
"""A share of the largest number; what lies below is not worth an axis."""
THEORY = {"kernel", "map", "predicted"}
"""Columns that say what theory predicts."""
MOST_TICKS = 6
"""Widths that have room to be named."""
RATE = {"width", "distance", "fitted", "predicted"}


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture, as SVG, and what it shows in words, with its numbers."""

    svg: str
    words: str


def pictures(finding: Finding, most: int = 1) -> list[Picture]:
    """Draws the finding's first measurement that carries series, and further ones that are rates.

    Those that did not hold come before others. most: how many pictures are wanted.
    """
    able = [measurement for measurement in finding.measurements if _painter(measurement)]
    able.sort(key=lambda measurement: measurement.verdict is Verdict.HOLDS)
    shown = able[:1] + [measurement for measurement in able[1:] if set(measurement.series) >= RATE]
    return [_painted(measured, f"{finding.id}-{place}") for place, measured in enumerate(shown[:most])]


def _painter(measurement: Measurement) -> "Callable[[Measurement], tuple[Axes, str]] | None":
    """Returns the function that draws the measurement's series; None where they cannot be drawn."""
    series = measurement.series
    if set(series) >= RATE:
        drawable = all(0 < value < FARTHEST for name in RATE for value in series[name])
        return _rate if drawable and len(series["width"]) > 1 else None
    if "eigenvalue" in series:
        return _spectrum if any(0 < abs(value) < math.inf for value in series["eigenvalue"]) else None
    lengths = {len(column) for column in series.values()}
    return _curves if len(lengths) == 1 and min(lengths) > 1 else None


def _painted(measurement: Measurement, name: str) -> Picture:
    painter = _painter(measurement)
    assert painter is not None, "only measurements that can be drawn are"
    drawn, words = painter(measurement)
    return Picture(
        svg=svg(drawn, name), words=f"{measurement.name[0].upper()}{measurement.name[1:]}. {words}"
    )


def _rate(measurement: Measurement) -> "tuple[Axes, str]":
    series = measurement.series
    widths, theory = series["width"], _slope(series["width"], series["predicted"])
    drawn = axes("width", "distance to the limit")
    drawn.loglog(widths, series["distance"], "o", color=BLUE, label="measured (geometric mean)")
    drawn.loglog(widths, series["fitted"], "-", color=BLUE, label=f"fitted: slope {series['slope'][0]:.2f}")
    drawn.loglog(widths, series["predicted"], "--", color=ORANGE, label=f"theory: slope {theory:.2f}")
    bottom, top = drawn.get_ylim()
    _fan(drawn, widths, series["fitted"], series["slope"][1:], BLUE, pivot=len(widths) // 2)
    smallest = min(range(len(widths)), key=widths.__getitem__)
    _fan(drawn, widths, series["predicted"], measurement.allowed, ORANGE, pivot=smallest)
    drawn.set_ylim(bottom, top)
    named = sorted(widths)[:: -(-len(widths) // MOST_TICKS)]
    drawn.set_xticks(named, [f"{width:g}" for width in named])
    drawn.minorticks_off()
    set_logarithmic(drawn.yaxis, series["distance"])
    add_legend(drawn)
    return drawn, (
        f"Distance against width, both logarithmic: {law_in_words(series)}; theory: slope {theory:.2f}."
        " Shaded: the 95% interval of the fitted slope, and the slopes that the claim allows."
    )


def _fan(
    drawn: "Axes",
    widths: Sequence[float],
    line: Sequence[float],
    slopes: Sequence[float],
    colour: str,
    *,
    pivot: int,
) -> None:
    """Shades the lines of all `slopes` through one point of `line`."""
    steepest = [min(max(slope, -9), 9) for slope in slopes]
    low, high = ([line[pivot] * (width / widths[pivot]) ** slope for width in widths] for slope in steepest)
    drawn.fill_between(widths, low, high, color=colour, alpha=0.15, linewidth=0)


def _slope(widths: tuple[float, ...], values: tuple[float, ...]) -> float:
    return math.log(values[-1] / values[0]) / math.log(widths[-1] / widths[0])


def _spectrum(measurement: Measurement) -> "tuple[Axes, str]":
    eigenvalues = sorted(filter(math.isfinite, measurement.series["eigenvalue"]), reverse=True)
    largest = max(map(abs, eigenvalues))
    shown = [(index, value / largest) for index, value in enumerate(eigenvalues, 1)]
    above = [(index, value) for index, value in shown if value > 0]
    below = [(index, -value) for index, value in shown if value < 0]
    drawn = axes("index", "size of eigenvalue / largest")
    for some, mark, colour, name in ((above, "o", BLUE, "above zero"), (below, "x", ORANGE, "below zero")):
        if some:
            drawn.semilogy(*zip(*some, strict=True), mark, color=colour, label=name)
    bounds = [bound / largest for bound in measurement.series.get("rounding bound", ())[:1] if bound > 0]
    for bound in bounds:
        drawn.axhline(bound, linestyle="--", color=GREY, label="rounding bound")
    set_logarithmic(drawn.yaxis, [size for _, size in above + below] + bounds)
    drawn.set_xlim(0.5, len(eigenvalues) + 0.5)
    drawn.locator_params("x", integer=True)
    add_legend(drawn)
    return drawn, (
        f"{len(eigenvalues)} eigenvalues, from {eigenvalues[0]:.3g} down to {eigenvalues[-1]:.3g};"
        f" {len(below)} below zero."
    )


def _curves(measurement: Measurement) -> "tuple[Axes, str]":
    """Draws columns over steps of training; theory is dashed, so that it shows above what it agrees with."""
    columns = {name: column for name, column in measurement.series.items() if name != "step"}
    steps = measurement.series.get("step") or range(len(next(iter(columns.values()))))
    drawn = axes("step of training", "size of output or residual")
    for name, column in columns.items():
        look: dict[str, Any] = (
            {"linestyle": "--", "color": ORANGE, "zorder": 3} if name in THEORY else {"color": BLUE}
        )
        drawn.plot(steps, [_drawable(value) for value in column], label=name, **look)
    values = [value for column in columns.values() for value in column if abs(value) < FARTHEST]
    if values and min(values) > 0:
        floor = max(min(values), ROUNDING * max(values))
        drawn.set_yscale("log")
        drawn.set_ylim(floor / 2, 2 * max(values))
        set_logarithmic(drawn.yaxis, (floor, max(values)))
    add_legend(drawn)
    ends = ", ".join(f"{name} from {column[0]:.3g} to {column[-1]:.3g}" for name, column in columns.items())
    return drawn, f"Over {steps[-1]:g} steps: {ends}."


def _drawable(value: float) -> float:
    """Returns NaN, which leaves a gap, for what no axis reaches."""
    return value if abs(value) < FARTHEST else math.nan
