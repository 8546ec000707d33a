"""The page as its readers meet it: on a phone and on a desk, in the dark, without JavaScript, by keyboard."""

import pytest

BROKEN_LINKS = """[...document.querySelectorAll("a[href]")].map(a => a.getAttribute("href"))
    .filter(to => !to.startsWith("#") || !document.getElementById(to.slice(1)))"""
REPEATED_IDS = (
    """[...document.querySelectorAll("[id]")].map(e => e.id).filter((id, at, all) => all.indexOf(id) != at)"""
)
BROKEN_REFERENCES = r"""[...document.querySelectorAll("svg *")].flatMap(e => [...e.attributes])
    .flatMap(a => [...a.value.matchAll(/(?:url\(#|^#)([^)]+)\)?/g)].map(m => m[1]))
    .filter(id => !document.getElementById(id))"""
PICTURES = """[...document.querySelectorAll("[role=img], img")].map(e => {
    const by = e.getAttribute("aria-labelledby");
    return e.alt || (by && document.getElementById(by)?.textContent) || ""})"""
STICKING_OUT = """[...document.querySelectorAll("body *")].filter(e =>
    !e.closest(".scroll, pre, .skip, svg") && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))"""
LEVELS = """[...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].map(e => Number(e.tagName[1]))"""
CONTRASTS = """(() => {
    const numbers = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
    const light = rgb => rgb.map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
    const paper = light(numbers(getComputedStyle(document.body).backgroundColor));
    return [...document.querySelectorAll("p, a, b, li, dt, dd, td, th, summary, svg text, figcaption")].map(e => {
        const style = getComputedStyle(e), ink = light(numbers(e.closest("svg") ? style.fill : style.color));
        return (Math.max(ink, paper) + .05) / (Math.min(ink, paper) + .05)});
})()"""
OPEN_ALL = """document.querySelectorAll("details").forEach(e => e.open = true)"""


@pytest.fixture(params=["good", "failing"])
def page(request):
    return request.getfixturevalue(request.param).folder / "report.html"


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_sticks_out_sideways(chromium, page, width):
    chromium.open(page, width)
    for script in ("0", OPEN_ALL):
        chromium.ask(script)
        assert chromium.ask(STICKING_OUT) == []
        assert chromium.ask("document.documentElement.scrollWidth - innerWidth") <= 0


def test_every_link_and_picture_is_whole_and_nothing_is_fetched(chromium, page):
    chromium.open(page, 1280)
    assert chromium.requests == [page.resolve().as_uri()]
    assert chromium.ask(BROKEN_LINKS) == chromium.ask(REPEATED_IDS) == chromium.ask(BROKEN_REFERENCES) == []
    pictures = chromium.ask(PICTURES)
    assert len(pictures) >= 2 and all(len(words) > 20 for words in pictures)
    assert chromium.ask("document.querySelectorAll('svg').length") == len(pictures)


@pytest.mark.parametrize("dark", [False, True])
def test_every_word_stands_out_from_the_paper(chromium, page, dark):
    chromium.open(page, 1280, dark=dark)
    contrasts = chromium.ask(CONTRASTS)
    assert len(contrasts) > 100 and min(contrasts) >= 4.5  # WCAG 2, AA
    paper = chromium.ask("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") is not dark


def test_headings_come_in_order(chromium, page):
    chromium.open(page, 1280)
    levels = chromium.ask(LEVELS)
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))


def test_it_needs_no_javascript(chromium, page):
    chromium.open(page, 1280)
    words = chromium.ask("document.body.innerText")
    assert chromium.ask("document.scripts.length") == 0
    chromium.open(page, 1280, javascript=False)
    assert chromium.ask("document.body.innerText") == words
    assert chromium.ask("document.querySelector('main').getBoundingClientRect().height") > 1000


def test_the_keyboard_reaches_the_verdicts_and_opens_what_is_folded(chromium, page):
    chromium.open(page, 1280)
    chromium.press("Tab")
    assert chromium.ask("document.activeElement.className") == "skip"
    assert chromium.ask("document.activeElement.getBoundingClientRect().left") >= 0
    assert chromium.ask("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    chromium.press("Enter")
    assert chromium.ask("document.activeElement.id") == "main"
    chromium.ask("document.querySelector('nav summary').focus()")
    chromium.press("Enter")
    assert chromium.ask("document.querySelector('nav details').open")
