"""What a map says, in words."""

from collections.abc import Sequence

from ntkverify.findings import Verdict
from ntkverify.maps.values import Boundary, Cell, Kind, Settings

AXIS_NAMES = {
    "depth": "depth",
    "step_size": "learning rate, as a share of the largest stable one",
    "points": "training points",
    "label_scale": "label scale",
}

LARGEST_SHOWN = 1e7
"""Widths beyond are shown as this one: no digit of such an extrapolation means anything."""


def sentence(settings: Settings, boundary: Boundary, row: Sequence[Cell]) -> str:
    """Says which width one level needs. row: its cells, the widths ascending."""
    text = f"{_where(settings, boundary.level)}, {_needs(settings, boundary, row)}"
    diverged = sum(cell.diverged for cell in row)
    if diverged and boundary.fitted:
        text += f"; {diverged} narrower networks diverged and are left out"
    if all(cell.verdict is Verdict.FAILS for cell in row):
        text += "; every width measured fails"
    if boundary.bends and boundary.width is not None:
        text += "; the gaps bend away from a power law, so the width may lie outside of this interval"
    return text + "."


def _needs(settings: Settings, boundary: Boundary, row: Sequence[Cell]) -> str:
    percent, kind = f"{settings.tolerance * 100:.3g}%", boundary.kind
    if not boundary.fitted or boundary.slope is None:
        return _without_law(percent, row)
    narrowest, widest = width_in_words(boundary.fitted[0]), width_in_words(boundary.fitted[-1])
    measured = f"{narrowest} to {widest}"
    slope = "slope {:.2f}, {:.2f} to {:.2f}".format(*boundary.slope)
    if kind is Kind.NONE:
        return f"no width was found for {percent}: the gap does not fall over widths {measured} ({slope})"
    if kind is Kind.UNDECIDED:
        more = "more replicates or wider networks would tell"
        return f"it is undecided which width {percent} needs: the gap may fall or not ({slope}); {more}"
    if boundary.width is None or boundary.interval is None:
        return f"{percent} holds at every width measured, {measured}, and the gap does not fall ({slope})"
    least, low, high = map(width_in_words, (boundary.width, *boundary.interval))
    needs = f"{percent} needs width >= {least} ({low} to {high})"
    if kind is Kind.BEYOND:
        return f"{needs}, by extrapolation: the widest measured is {widest}"
    if kind is Kind.BELOW and boundary.fitted[0] > row[0].width:
        return f"{percent} needs no more than width {narrowest}, the narrowest at which no network diverged"
    if kind is Kind.BELOW:
        return f"{needs}, by extrapolation: the narrowest measured is {narrowest}"
    return needs + (
        f"; the upper end lies beyond the widest measured, {widest}"
        if boundary.interval[1] > boundary.fitted[-1]
        else ""
    )


def _without_law(percent: str, row: Sequence[Cell]) -> str:
    diverged, count = sum(cell.diverged for cell in row), sum(cell.replicates for cell in row)
    if not diverged:
        return f"it is undecided which width {percent} needs: too few networks were measured"
    last = max(cell.width for cell in row if cell.diverged)
    which = f"{diverged} of {count} networks diverged, some of them at width {width_in_words(last)}"
    if row[-1].diverged:
        return f"no width was found for {percent}: {which}, the widest"
    return f"it is undecided which width {percent} needs: {which}, and too few widths are left for a law"


def _where(settings: Settings, level: float) -> str:
    problem, axis = settings.problem, settings.axis
    depth = level if axis == "depth" else problem.depth
    points = level if axis == "points" else problem.points
    text = f"At depth {depth:g} on {points:g} points"
    if axis == "step_size":
        text += f", with {level:g} of the largest stable learning rate"
    if axis == "label_scale":
        text += f", with labels of scale {level:g}"
    return text


def width_in_words(width: float) -> str:
    """Returns a width, to two digits where it is an estimate beyond a hundred: 1,400."""
    if width > LARGEST_SHOWN:
        return "10 million"
    if isinstance(width, int):
        return f"{width:,}"
    return f"{float(f'{width:.2g}') if width >= 100 else max(1, round(width)):,.0f}"


def setting_in_words(settings: Settings) -> str:
    """Says what all cells share."""
    problem, axis = settings.problem, settings.axis
    name = problem.activation.get("type", "")
    arguments = ", ".join(f"{key}={value}" for key, value in problem.activation.items() if key != "type")
    shared = {
        "depth": f"depth {problem.depth}",
        "points": f"{problem.points} training points",
        "label_scale": f"labels of scale {problem.label_scale:g}",
        "step_size": f"{problem.step_size:g} of the largest stable learning rate",
    }
    shared.pop(axis)
    return (
        f"{name}{f'({arguments})' if arguments else ''} networks in NTK parameterisation, weight_std "
        f"{problem.weight_std:.4g}, bias_std {problem.bias_std:.4g}; inputs: {problem.source}, dimension "
        f"{problem.dimension}; {', '.join(shared.values())}; {problem.steps} steps of gradient descent; "
        f"{problem.test_points} test points; seed {problem.seed}"
    )
