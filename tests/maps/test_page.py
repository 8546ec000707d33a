"""The page: one file, drawn from the value alone."""

import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser

import pytest

from ntkverify.maps import Map, Settings, picture
from ntkverify.maps.boundary import draw_map
from ntkverify.maps.page import html
from ntkverify.maps.picture import symbol

WIDTHS = (32, 64, 128, 256, 512)


@pytest.fixture(scope="module")
def seen() -> Map:
    gaps = {
        (width, level): [(level * factor * width**-0.5,) * 2 for factor in (0.8, 1.0, 1.2)]
        for width in WIDTHS
        for level in (1.0, 2.0)
    }
    wild = {(width, 3.0): [(float("inf"),) * 2] * 3 for width in WIDTHS}
    return draw_map(Settings(widths=WIDTHS, levels=(1, 2, 3, 4)), gaps | wild)


def test_the_page_asks_for_nothing_beyond_itself(seen):
    links = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            links.extend(
                value for name, value in attrs if name in ("src", "href", "xlink:href", "srcset", "data")
            )
            assert tag not in ("script", "link", "iframe", "img")

    Reader().feed(html(seen))
    assert all(link.startswith("#") for link in links)
    assert not re.search(r"url\((?!#)|@import", html(seen))


def test_every_cell_has_a_symbol_and_a_row(seen):
    page, drawing = html(seen), picture(seen)
    assert page.count('<tr><th scope="row"') == len(seen.cells) == 20
    expected = Counter(map(symbol, seen.cells))
    assert set(expected) == set("✓✗?∞")
    assert {character: drawing.count(f">{character}<") for character in expected} == expected
    assert all(sentence.replace(">=", "&gt;=") in page for sentence in seen.sentences)
    assert 'role="img" aria-label="' in page and "prefers-color-scheme: dark" in page


def test_the_same_map_gives_the_same_page(seen):
    assert html(Map.from_json(seen.to_json())) == html(seen)
    assert Map.from_json(seen.to_json()) == seen


def test_a_page_is_drawn_without_torch(seen):
    code = (
        "import sys; from ntkverify.maps import Map, picture; from ntkverify.maps.page import html\n"
        "html(Map.from_json(sys.stdin.read())); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], input=seen.to_json(), text=True).returncode == 0
