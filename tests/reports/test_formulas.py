import re
from html import unescape
from xml.etree import ElementTree

import pytest

from ntkverify.claims import CATALOGUE
from ntkverify.reports.formulas import GREEK, SYMBOLS, formula_in_html

PLAIN = {symbol: name for name, symbol in (GREEK | SYMBOLS).items()} | {"⟨": "<", "⟩": ">"}
SCRIPTS = re.compile(r"[_^{}()\s]")
"""What a script's place on the line says in HTML, and brackets that only held it together."""


def read_back(html: str) -> str:
    """The formula's words and signs without its scripts' marks, from what a reader sees."""
    text = unescape(re.sub(r"<[^>]*>", "", html))
    return SCRIPTS.sub("", "".join(PLAIN.get(character, character) for character in text))


@pytest.mark.parametrize("claim", CATALOGUE.values(), ids=lambda claim: claim.id)
def test_no_formula_of_the_catalogue_is_mangled(claim):
    html = formula_in_html(claim.formula)
    ElementTree.fromstring(f"<p>{html}</p>")
    assert read_back(html) == SCRIPTS.sub("", claim.formula)
    assert html.count("<sub>") == claim.formula.count("_") and html.count("<sup>") == claim.formula.count("^")
    text = re.sub(r"<[^>]*>", "", html)
    assert not set("_^{}~'") & set(text.replace("network's", ""))
    assert not set(re.findall("[A-Za-z]+", unescape(text))) & {*GREEK, *SYMBOLS}
    assert text.count("(") == text.count(")") and text.count("⟨") == text.count("⟩")


@pytest.mark.parametrize(
    ("formula", "html"),
    [
        ("n^(-1/2)", "<i>n</i><sup>-1/2</sup>"),
        ("K_XX^-1 y", "<i>K</i><sub>XX</sub><sup>-1</sup> <i>y</i>"),
        ("(1 - eta)^t (y)", "(1 - η)<sup><i>t</i></sup> (<i>y</i>)"),
        ("Theta_{W_l}", "Θ<sub><i>W</i><sub><i>l</i></sub></sub>"),
        ("a^(2 (H + 1)) b", "<i>a</i><sup>2 (<i>H</i> + 1)</sup> <i>b</i>"),
        ("prod_{l<=i<m}", "∏<sub><i>l</i>≤<i>i</i>&lt;<i>m</i></sub>"),
        ("<grad f, v>", "⟨∇ <i>f</i>, <i>v</i>⟩"),
        ("v <- s, |k| < infinity, t > 0", "<i>v</i> ← <i>s</i>, |<i>k</i>| &lt; ∞, <i>t</i> &gt; 0"),
        ("the network's own f", "the network's own <i>f</i>"),
        ("E f(x')", "E <i>f</i>(<i>x</i>')"),
        ("<script> & a_", "⟨script⟩ &amp; <i>a</i>_"),
        ("x^( open", "<i>x</i>^( open"),
    ],
)
def test_scripts_signs_and_letters(formula, html):
    typed = {"\N{MINUS SIGN}": "-", "\N{PRIME}": "'"}
    assert re.sub("|".join(typed), lambda match: typed[match.group()], formula_in_html(formula)) == html
