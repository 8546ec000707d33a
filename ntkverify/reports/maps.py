"""Maps of where the equivalence holds, as they lie beside a run: see `ntkverify map`."""

from pathlib import Path

from ntkverify.maps import VALUE, Map, picture
from ntkverify.runs import Run

MOST = 4
"""How many maps a page shows: the last ones drawn."""


def read_maps(run: Run) -> list[tuple[Map, str]]:
    """Returns the maps in folders beside the run's, each with its picture as SVG.

    One that cannot be read, since another version wrote it, is left out.
    """
    paths = sorted(run.folder.parent.glob(f"*/{VALUE}"), key=lambda path: path.stat().st_mtime)
    return [(drawn, picture(drawn)) for drawn in map(_read, paths[-MOST:]) if drawn]


def _read(path: Path) -> Map | None:
    try:
        return Map.from_json(path.read_text(encoding="utf-8"))
    except ValueError:  # InvalidArgument is one, and bytes that are no text raise another
        return None
