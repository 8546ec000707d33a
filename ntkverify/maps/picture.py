"""The map as a heat map: inline SVG, from the value alone."""

import math
from typing import TYPE_CHECKING, Any

from ntkverify.drawing import BLUE, INK, ORANGE, svg
from ntkverify.findings import Verdict
from ntkverify.maps.values import Cell, Map
from ntkverify.maps.words import AXIS_NAMES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STRONGEST = 8
"""Gaps this many times above or below the tolerance, and more, have the strongest colour."""

SYMBOLS = {Verdict.HOLDS: "✓", Verdict.FAILS: "✗", Verdict.UNDECIDED: "?"}
DIVERGED = "∞"


def picture(drawn: Map) -> str:
    """Returns the map as an <svg>.

    Each cell has a symbol and the gap, blue below the tolerance and orange above; the boundary is marked with
    its interval where it lies among the widths measured.
    """
    from matplotlib.figure import Figure

    settings = drawn.settings
    widths, levels = settings.widths, settings.levels
    figure = Figure(figsize=(1.1 + 0.62 * len(widths), 1.3 + 0.62 * len(levels)), layout="constrained")
    axes = figure.add_subplot(xlabel="width", ylabel=AXIS_NAMES[settings.axis])
    for cell in drawn.cells:
        _draw(axes, cell, widths.index(cell.width), levels.index(cell.level), settings.tolerance)
    for row, boundary in enumerate(drawn.boundaries):
        if boundary.width is not None and boundary.interval is not None:
            _mark(axes, widths, row, boundary.width, boundary.interval)
    axes.set(xlim=(-0.5, len(widths) - 0.5), ylim=(-0.5, len(levels) - 0.5))
    axes.set_xticks(range(len(widths)), [str(width) for width in widths])
    axes.set_yticks(range(len(levels)), [f"{level:g}" for level in levels])
    axes.tick_params(length=0, colors=INK)
    axes.spines[:].set_visible(False)
    for text in (axes.xaxis.label, axes.yaxis.label):
        text.set_color(INK)
    return svg(figure, {INK: "currentColor"}, name=drawn.to_json())


def symbol(cell: Cell) -> str:
    """Returns the character that stands for the cell's verdict."""
    return DIVERGED if cell.diverged else SYMBOLS[cell.verdict]


def percent(gap: float | None) -> str:
    """Returns a relative gap in per cent; nothing where there is none."""
    if gap is None or math.isinf(gap):
        return ""
    if gap >= 10:
        return ">999%"
    return f"{gap:.0%}" if gap >= 0.1 else f"{gap * 100:.2g}%"


def _draw(axes: "Axes", cell: Cell, column: int, row: int, tolerance: float) -> None:
    from matplotlib.patches import Rectangle

    colour, strength = _colour(cell, tolerance)
    axes.add_patch(Rectangle((column - 0.48, row - 0.48), 0.96, 0.96, color=colour, linewidth=0))
    ink = "white" if cell.gap and cell.gap < tolerance and strength > 0.7 else "black"
    style: dict[str, Any] = {"ha": "center", "va": "center", "color": ink}
    axes.text(column, row + 0.2, symbol(cell), fontsize=13, **style)
    axes.text(column, row - 0.12, percent(cell.gap), fontsize=9, **style)


def _colour(cell: Cell, tolerance: float) -> tuple[tuple[float, float, float], float]:
    """Returns red, green and blue, and how strong they are: the further from the tolerance the stronger."""
    from matplotlib.colors import to_rgb

    if cell.gap is None:
        return to_rgb("#dddddd"), 0.0
    # Never white: a cell at the tolerance is still a cell.
    far = min(abs(math.log(max(cell.gap, 1e-300) / tolerance)) / math.log(STRONGEST), 1.0)
    strength = 0.15 + 0.85 * far
    hue = to_rgb(ORANGE if cell.gap > tolerance else BLUE)
    red, green, blue = (1 - strength * (1 - part) for part in hue)
    return (red, green, blue), strength


def _mark(
    axes: "Axes", widths: tuple[int, ...], row: int, width: float, interval: tuple[float, float]
) -> None:
    """Marks the boundary and its interval, as far as they lie among the columns."""
    from matplotlib.patheffects import withStroke

    low, high = (_place(widths, end) for end in interval)
    # Edged in white, so that it is seen on any cell and any page.
    edge: dict[str, Any] = {
        "color": "black",
        "path_effects": [withStroke(linewidth=4, foreground="white")],
        "zorder": 3,
    }
    axes.plot([low, high], [row - 0.42] * 2, linewidth=2, solid_capstyle="butt", **edge)
    axes.plot(_place(widths, width), row - 0.42, "D", markersize=6, **edge)


def _place(widths: tuple[int, ...], width: float) -> float:
    """Returns where a width lies among the columns, between them by its logarithm."""
    width = min(max(width, 1e-9), 1e99)
    column = sum(width >= other for other in widths[1:-1])
    first, second = widths[column], widths[column + 1]
    return column + math.log(width / first) / math.log(second / first)
