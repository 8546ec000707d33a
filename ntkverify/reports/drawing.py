"""Drawing: matplotlib figures as small SVGs that take their colours from the page."""

import io
import re

# Okabe & Ito's palette: told apart by colour-blind readers too. The page has a lighter one for dark mode.
INK, BLUE, ORANGE, GREY = "#010101", "#0072b2", "#d55e00", "#777777"
ON_PAGE = {INK: "currentColor", BLUE: "var(--blue)", ORANGE: "var(--orange)", GREY: "var(--grey)"}
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "ntkverify",  # the same run gives the same page
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
LEFT_OUT = (
    (r"<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", ""),
    (r'<g id="[^"]*">', "<g>"),
    (r'(<text[^>]*?)style="font: [^;"]*;?\s*', r'\1style="'),
    (r"; stroke-linejoin: miter|stroke-linejoin: miter; |; stroke-linecap: butt", ""),
    (r' style=""', ""),
    (r"\s*\n\s*", " "),
    (r"> <", "><"),
    (r"<defs></defs>", ""),
)
"""What a page can do without: names of groups, fonts, and blanks."""
UNSEEN = re.compile(r"(\.\d\d)\d+")
"""Digits of coordinates that no eye sees."""


def axes(x_label: str, y_label: str):
    """One pair of axes on a figure of its own, in STYLE."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        drawn = Figure(figsize=(4.6, 2.8), layout="constrained").add_subplot(xlabel=x_label, ylabel=y_label)
        drawn.grid(color=GREY, alpha=0.25)
    return drawn


def legend(drawn) -> None:
    """Names what is drawn; without a frame, whose colour would be the paper's."""
    drawn.legend(fontsize=8, frameon=False)


def plain_log_ticks(axis) -> None:
    """1, 2, 5, 10, ... in plain digits: an axis that spans less than a decade needs more than one label."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def svg(drawn, name: str) -> str:
    """The axes' figure as an <svg>; `name` makes its ids differ from those of every other picture."""
    from matplotlib import rc_context

    text = io.StringIO()
    with rc_context(STYLE):
        unneeded = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        drawn.figure.savefig(text, format="svg", transparent=True, metadata=unneeded)
    found = text.getvalue()
    found = found[found.index("<svg") :]
    for pattern, instead in LEFT_OUT:
        found = re.sub(pattern, instead, found, flags=re.DOTALL)
    found = re.sub(r"<[^>]*>", lambda tag: UNSEEN.sub(r"\1", tag.group()), found)
    for colour, on_page in ON_PAGE.items():
        found = found.replace(colour, on_page)
    found = re.sub(r'( id="|"#|url\(#)', rf"\g<1>{name}-", found)
    return found.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)
