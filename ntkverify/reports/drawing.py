"""Drawing: matplotlib figures as small SVGs that take their colours from the page."""

import math
import re

from ntkverify import drawing
from ntkverify.drawing import BLUE, GREY, ORANGE

INK = "#010101"
ON_PAGE = {
    INK: "currentColor",
    BLUE.lower(): "var(--blue)",
    ORANGE.lower(): "var(--orange)",
    GREY: "var(--grey)",
}
"""Colours as matplotlib writes them, and as the page has them, lighter in dark mode."""
STYLE = {
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.markersize": 4,
}
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
LEFT_OUT = (
    (r"<!--.*?-->|<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>", ""),
    (r'<g id="[^"]*">', "<g>"),
    (r"font: [^;]*; |font-family: [^;]*; |font-size: 9px; ", ""),
    (r"; stroke-linejoin: miter|stroke-linejoin: miter; |; stroke-linecap: butt", ""),
    (r' transform="rotate\(-0 [^"]*"', ""),
    (r"\s*\n\s*", " "),
    (r"> <", "><"),
)
"""What a page can do without: names of groups, fonts, and blanks."""
IN_STYLE_SHEET = {
    'style="fill: none; stroke: var(--grey); stroke-opacity: 0.25; stroke-width: 0.8; stroke-linecap: square"': "grid",
    'style="fill: currentColor; stroke: currentColor; stroke-width: 0.8"': "tick",
    'style="text-anchor: middle; fill: currentColor"': "middle",
    'style="text-anchor: end; fill: currentColor"': "end",
    'style="text-anchor: start; fill: currentColor"': "start",
}
"""Styles that many elements share, and the class that the page's style sheet has for each."""
UNSEEN = re.compile(r"(\.\d\d)\d+")
"""Digits of coordinates that no eye sees."""


def axes(x_label: str, y_label: str):
    """One pair of axes on a figure of its own, in STYLE."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        drawn = Figure(figsize=(4.6, 2.8)).add_axes((0.15, 0.17, 0.82, 0.79), xlabel=x_label, ylabel=y_label)
        drawn.grid(color=GREY, alpha=0.25)
    return drawn


def legend(drawn) -> None:
    """Names what is drawn; without a frame, whose colour would be the paper's."""
    drawn.legend(fontsize=8, frameon=False, labelcolor=INK)


def logarithmic(axis, values) -> None:
    """Ticks as plain text, which takes a hundredth of the time of mathematics: powers of ten, and 2 and 5
    between them where there are few."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    decades = math.log10(max(values) / min(values))
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 2 else (1,), numticks=8))
    axis.set_major_formatter(FuncFormatter(_power if decades >= 2 else lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def _power(value: float, _) -> str:
    return "10" + f"{round(math.log10(value))}".translate(RAISED)


def svg(drawn, name: str) -> str:
    """The axes' figure as an <svg>; `name` makes its ids differ from those of every other picture."""
    from matplotlib import rc_context

    drawn.figure.patch.set_visible(False)
    drawn.patch.set_visible(False)
    with rc_context(STYLE):
        found = drawing.svg(drawn.figure)
    for pattern, instead in LEFT_OUT:
        found = re.sub(pattern, instead, found, flags=re.DOTALL)
    found = re.sub(r"<[^>]*>", lambda tag: UNSEEN.sub(r"\1", tag.group()), found)
    for colour, on_page in ON_PAGE.items():
        found = found.replace(colour, on_page)
    for style, name_on_page in IN_STYLE_SHEET.items():
        found = found.replace(style, f'class="{name_on_page}"')
    found = re.sub(r' clip-path="[^"]*"(?= class="grid")', "", found)
    found = re.sub(r'( id="|"#|url\(#)', rf"\g<1>{name}-", found)
    return found.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)
