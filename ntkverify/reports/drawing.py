"""The axes that the report's pictures share: small, and in the colours of the page."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ntkverify import drawing
from ntkverify.drawing import BLUE, GREY, INK, ORANGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.typing import RcKeyType

ON_PAGE = {INK: "currentColor", BLUE: "var(--blue)", ORANGE: "var(--orange)", GREY: "var(--grey)"}
"""The colours as the page has them, lighter in dark mode."""
STYLE: "dict[RcKeyType, Any]" = {
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def axes(x_label: str, y_label: str) -> "Axes":
    """Returns one pair of matplotlib axes on a figure of its own."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        drawn = Figure(figsize=(4.6, 2.8)).add_axes((0.15, 0.17, 0.82, 0.79), xlabel=x_label, ylabel=y_label)
    drawn.tick_params(labelsize=STYLE["font.size"], labelcolor=INK)
    drawn.grid()
    return drawn


def add_legend(drawn: "Axes") -> None:
    """Names what is drawn; without a frame, whose colour would be the paper's."""
    drawn.legend(fontsize=8, frameon=False, labelcolor=INK)


def set_logarithmic(axis: "Axis", values: Sequence[float]) -> None:
    """Sets ticks as plain text, which takes a hundredth of the time of mathematics: powers of ten, and 2 and 5
    between them where there are few."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    decades = math.log10(max(values) / min(values))
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 2 else (1,), numticks=8))
    axis.set_major_formatter(FuncFormatter(_power if decades >= 2 else lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def _power(value: float, _: object) -> str:
    return "10" + f"{round(math.log10(value))}".translate(RAISED)


def svg(drawn: "Axes", name: str) -> str:
    """Returns the axes' figure as an <svg>; `name` makes its ids differ from those of every other picture.

    The page's style sheet has the classes "grid" and "tick".
    """
    from matplotlib.figure import Figure

    assert isinstance(drawn.figure, Figure), "its figure is no part of another"
    for axis in (drawn.xaxis, drawn.yaxis):
        for gid, lines in (("grid", axis.get_gridlines()), ("tick", axis.get_ticklines())):
            for line in lines:
                line.set_gid(gid)
    return drawing.svg(drawn.figure, ON_PAGE, name)
