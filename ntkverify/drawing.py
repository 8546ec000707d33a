"""Shared by the pictures: colours, and a figure as inline SVG that takes its colours from the page."""

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe & Ito's palette: told apart by colour-blind readers too.
BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#777777"
INK = "#010101"
"""The colour of what takes that of the page's text; black stays black."""

LEFT_OUT = ("metadata", "style")
"""Elements that a page can do without."""


def svg(figure: "Figure", colours: Mapping[str, str], name: str = "") -> str:
    """Returns a matplotlib figure as an <svg> element without a background, its text as text.

    colours: what takes the place of each of the figure's colours, "#rrggbb" to CSS. name: makes the ids differ
    from those of every other picture on the page. What an artist with a gid draws is left bare in a group of
    that class, for the page's style sheet to say how it looks; fonts are the page's too, their sizes are not.
    """
    from matplotlib import rc_context

    for patch in (figure.patch, *(axes.patch for axes in figure.axes)):
        patch.set_visible(False)
    gids = {gid for artist in figure.findobj() if (gid := artist.get_gid()) is not None}
    text = io.BytesIO()
    # A fixed salt: the same run gives the same page.
    with rc_context({"svg.hashsalt": f"ntkverify{name}", "svg.fonttype": "none"}):
        figure.savefig(text, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    root = ElementTree.fromstring(text.getvalue())
    for element in root.iter():
        _simplify(element, colours, gids)
    namespace = {"xmlns": "http://www.w3.org/2000/svg", "aria-hidden": "true", "focusable": "false"}
    root.attrib = namespace | root.attrib
    return ElementTree.tostring(root, encoding="unicode")


def _simplify(element: ElementTree.Element, colours: Mapping[str, str], gids: set[str]) -> None:
    """Leaves what the page needs of an element, and of the elements below it."""
    element.attrib = {_local(attribute): value for attribute, value in element.items()}
    element.tag, element.tail = _local(element.tag), None
    if element.tag != "text":
        element.text = None
    for child in [child for child in element if _local(child.tag) in LEFT_OUT]:
        element.remove(child)
    if element.tag == "g" and (gid := element.attrib.pop("id", None)) in gids:
        element.set("class", gid)
        for inner in element.iter():
            for attribute in ("style", "clip-path"):
                inner.attrib.pop(attribute, None)
    if (style := element.get("style")) is not None:
        declarations = (declaration.split(": ") for declaration in style.split("; "))
        kept = [(key, colours.get(value, value)) for key, value in declarations if key != "font-family"]
        element.set("style", "; ".join(f"{key}: {value}" for key, value in kept))


def _local(name: str) -> str:
    """The name without its namespace, which HTML knows."""
    return name.rpartition("}")[2]
