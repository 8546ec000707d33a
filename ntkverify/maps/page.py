"""The map as one self-contained page."""

from ntkverify.maps.picture import SYMBOLS, percent, picture, symbol
from ntkverify.maps.values import Map
from ntkverify.maps.words import AXIS_NAMES, setting_in_words


def html(drawn: Map) -> str:
    """Returns the page's text; it asks for nothing beyond itself."""
    from jinja2 import Environment, PackageLoader

    environment = Environment(
        loader=PackageLoader("ntkverify", "maps"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"percent": percent, "symbol": symbol}
    rows = [
        (boundary, [cell for cell in drawn.cells if cell.level == boundary.level])
        for boundary in drawn.boundaries
    ]
    return environment.get_template("map.html.jinja").render(
        settings=drawn.settings,
        axis=AXIS_NAMES[drawn.settings.axis],
        where=setting_in_words(drawn.settings),
        rows=rows,
        symbols=SYMBOLS,
        picture=picture(drawn),
    )
