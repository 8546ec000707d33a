"""Formulas, which are written in LaTeX, as browsers draw them: MathML."""

from html import escape, unescape
from xml.etree import ElementTree


def formula_in_mathml(latex: str) -> str:
    """Returns the formula as a <math> element to put into a page.

    latex: what would stand between dollar signs. What is no LaTeX is returned as <code>, as it was written.
    """
    from latex2mathml.converter import convert_to_element

    try:
        tree = convert_to_element(latex, display="block")
    except Exception:  # the converter's errors share no other parent
        return f"<code>{escape(latex)}</code>"
    del tree.attrib["xmlns"]  # HTML knows it
    for element in tree.iter():
        element.text = unescape(element.text or "")  # it writes characters as entities
    return ElementTree.tostring(tree, encoding="unicode")
