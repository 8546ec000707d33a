from xml.etree import ElementTree

import pytest

from ntkverify.claims import CATALOGUE
from ntkverify.reports.formulas import formula_in_mathml


@pytest.mark.parametrize("claim", CATALOGUE.values(), ids=lambda claim: claim.id)
def test_every_formula_of_the_catalogue_becomes_mathematics(claim):
    math = ElementTree.fromstring(formula_in_mathml(claim.formula))
    assert math.tag == "math"
    text = "".join(math.itertext())
    assert text and not set("\\{}$_^&") & set(text)


@pytest.mark.parametrize(
    ("latex", "words"),
    [
        (r"\Theta_n \to K' \text{ as } n \to \infty", "Θn→K\N{PRIME}\xa0as\xa0n→∞"),
        (r"\text{<script> & }", "<script>\xa0&\xa0"),
        (r"a < b \le \|x\|", "a<b≤‖x‖"),
    ],
)
def test_characters_are_what_they_stand_for(latex, words):
    assert "".join(ElementTree.fromstring(formula_in_mathml(latex)).itertext()) == words


@pytest.mark.parametrize("other", ["K_", r"\frac", r"\left( <b>"])
def test_what_is_no_latex_is_shown_as_it_was_written(other):
    assert formula_in_mathml(other) == f"<code>{other.replace('<b>', '&lt;b&gt;')}</code>"


def test_formulas_are_drawn_with_scripts_and_fractions(chromium, tmp_path):
    page, formula = tmp_path / "page.html", formula_in_mathml(r"\frac{1}{2} x^n")
    page.write_text(f"<!doctype html><body>{formula}")
    chromium.open(page, 600)
    heights = chromium.ask("""["mfrac", "mi", "msup"].map(tag =>
        document.querySelector(tag).getBoundingClientRect().height)""")
    assert heights[0] > 1.5 * heights[1] and heights[2] > heights[1] > 0
