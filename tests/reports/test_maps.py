"""Maps that lie beside a run are in its report."""

from ntkverify import reports
from ntkverify.maps import Settings
from ntkverify.maps.boundary import draw_map
from ntkverify.runs import Run

WIDTHS = (32, 64, 128, 256, 512)


def test_a_map_is_shown_with_its_sentences(good, tmp_path):
    run = Run.start(tmp_path, dict(good.header))
    gaps = {(width, 1.0): [(3 * width**-0.5,) * 2] * 4 for width in WIDTHS}
    value = draw_map(Settings(widths=WIDTHS, levels=(1,), tolerance=0.2), gaps)
    assert "No map was drawn" in reports.write(run).read_text()
    for name, text in {"map": value.to_json(), "older": "{}"}.items():  # the second another version's
        (tmp_path / name).mkdir()
        (tmp_path / name / "map.json").write_text(text)
    page = reports.write(run).read_text()
    assert page.count('<figure class="map"') == 1 and "No map was drawn" not in page
    (sentence,) = value.sentences
    assert "needs width" in sentence and sentence.replace(">", "&gt;") in page
