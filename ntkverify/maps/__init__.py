"""The map of where a trained network is NTK regression, where not, and where that is undecided."""

import dataclasses
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ntkverify import serialization
from ntkverify.errors import InvalidArgument
from ntkverify.maps import page, store
from ntkverify.maps.checks import several
from ntkverify.maps.picture import picture
from ntkverify.maps.values import AXES, WIDTHS, Boundary, Cell, Kind, Map, Problem, Settings

STORE, VALUE, PAGE = "map.sqlite", "map.json", "map.html"


def map_equivalence(
    axes: Sequence[str] = ("width", "depth"),
    *,
    widths: Sequence[int] = WIDTHS,
    levels: Sequence[float] | None = None,
    tolerance: float = 0.1,
    replicates: int = 6,
    confidence: float = 0.95,
    out: str | os.PathLike | None = None,
    jobs: int = 1,
    progress: Callable[[str], None] = lambda words: None,
    **problem: Any,
) -> Map:
    """Returns where a trained network is NTK regression from its own initial function, to within `tolerance`.

    axes: "width" and one of `maps.AXES`, which takes each of `levels` in turn. tolerance: of the gap
    |network - prediction| / |prediction moved from 0|, norms over the test points, in the geometric mean over
    `replicates` networks. problem: activation (a value such as nv.ReLU()), depth, weight_std, bias_std,
    source, dimension, points, test_points, label_scale, steps, step_size, seed: see `maps.Problem`.
    out: a folder for map.json, map.html, and map.sqlite, to which every network is written as soon as it is
    measured: what is there is not measured again, whatever tolerance, levels or widths are asked for.
    jobs: processes; with more than one, a script must call this under `if __name__ == "__main__":`.
    An interruption still writes the map of what was measured, and is raised again.
    Raises InvalidArgument for axes, numbers or names that make no map.
    """
    settings = Settings(
        problem=_problem(problem),
        axis=_axis(axes),
        widths=several("widths", widths),
        levels=several("levels", AXES[_axis(axes)] if levels is None else levels),
        tolerance=tolerance,
        replicates=replicates,
        confidence=confidence,
    )
    from ntkverify.maps.measure import measure

    return measure_map(settings, measure, None if out is None else Path(out), jobs=jobs, progress=progress)


def measure_map(
    settings: Settings,
    measure: Callable[[Problem, int], Any],
    out: Path | None = None,
    *,
    jobs: int = 1,
    progress: Callable[[str], None] = lambda words: None,
) -> Map:
    """Does what `map_equivalence` does, with another measure.

    measure: (problem, replicate) -> an object with the gaps `test` and `joint`.
    """
    from ntkverify.maps.work import measure_all, ordered

    if out:
        out.mkdir(parents=True, exist_ok=True)
    problems = dict(settings.problems())
    with store.open_store(out and out / STORE) as kept:
        known = store.read(kept, problems.values())
        wanted = ((problem, index) for problem in problems.values() for index in range(settings.replicates))
        missing = ordered(key for key in wanted if key not in known)
        try:
            measure_all(
                missing,
                measure,
                lambda key, gaps: store.write(kept, key, gaps.test, gaps.joint),
                jobs=jobs,
                progress=progress,
            )
        except InvalidArgument:
            raise  # there is nothing to draw, and there may be an earlier map
        except BaseException:
            _written(settings, store.read(kept, problems.values()), out)
            raise
        return _written(settings, store.read(kept, problems.values()), out)


def _written(settings: Settings, known: dict[store.Key, tuple[float, float]], out: Path | None) -> Map:
    from ntkverify.maps.boundary import draw_map

    gaps = {
        place: [known[problem, index] for index in range(settings.replicates) if (problem, index) in known]
        for place, problem in settings.problems()
    }
    result = draw_map(settings, gaps)
    if out:
        (out / VALUE).write_text(result.to_json() + "\n", encoding="utf-8")
        (out / PAGE).write_text(page.html(result), encoding="utf-8")
    return result


def _axis(axes: Sequence[str]) -> str:
    others = [name for name in axes if name != "width"] if isinstance(axes, Sequence) else []
    if isinstance(axes, str) or len(others) != 1 or len(axes) != 2 or others[0] not in list(AXES):
        expected = f"'width' and one of {', '.join(AXES)}"
        raise InvalidArgument("axes", repr(axes), expected, "Name both, for example width depth.")
    return others[0]


def _problem(named: dict[str, Any]) -> Problem:
    known = [field.name for field in dataclasses.fields(Problem) if field.name != "width"]
    for name in named:
        if name not in known:
            remedy = "Widths go into widths=."
            raise InvalidArgument("problem", repr(name), f"one of {', '.join(known)}", remedy)
    if "activation" in named:
        named = named | {"activation": serialization.to_plain(named["activation"])}
    return Problem(**named)


__all__ = [
    "AXES",
    "VALUE",
    "Boundary",
    "Cell",
    "Kind",
    "Map",
    "Problem",
    "Settings",
    "map_equivalence",
    "measure_map",
    "picture",
]
