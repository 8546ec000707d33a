"""Shared by the pictures: colours, and a figure as inline SVG."""

import io

# Okabe & Ito's palette: told apart by colour-blind readers too.
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#777777"


def svg(figure) -> str:
    """A matplotlib figure as an <svg> element, its text as text."""
    from matplotlib import rc_context

    text = io.StringIO()
    # A fixed salt: the same run gives the same page.
    with rc_context({"svg.hashsalt": "ntkverify", "svg.fonttype": "none"}):
        figure.savefig(text, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    drawing = text.getvalue()
    return drawing[drawing.index("<svg") :]
