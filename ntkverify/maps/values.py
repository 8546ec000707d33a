"""The map of where the equivalence holds, as frozen values: drawn and read without torch and NumPy."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from ntkverify import serialization
from ntkverify.errors import InvalidArgument
from ntkverify.findings import Verdict
from ntkverify.maps.checks import is_number, positive, whole

AXES = {
    "depth": (1, 2, 3),
    "step_size": (0.1, 0.25, 0.5, 0.9, 1.1, 1.5),
    "points": (8, 16, 32, 64),
    "label_scale": (0.3, 1, 3, 10, 30),
}
"""What the width is mapped against, and the levels that are measured unless others are asked for."""

WIDTHS = (32, 64, 128, 256, 512, 1024, 2048)
FEWEST_WIDTHS = 5
WHOLE = ("width", "depth", "points", "test_points", "dimension", "steps")
POSITIVE = ("step_size", "label_scale", "weight_std")


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What a network of the map is and learns; together with a replicate's number it decides every digit.

    width: units per hidden layer. depth: hidden layers. activation: its JSON. source, dimension: of the
    inputs, see `ntkverify.data.Points`. points, test_points: how many are trained on, and held out.
    label_scale: multiplies the targets, which are standard normal. steps: of gradient descent.
    step_size: the learning rate as a share of the largest stable one, 2 / lambda_max of the analytic NTK.
    Raises InvalidArgument for numbers that make no network or no training.
    """

    width: int = WIDTHS[0]
    depth: int = 1
    activation: dict[str, Any] = field(default_factory=lambda: {"type": "ReLU"}, hash=False)
    weight_std: float = 2**0.5
    bias_std: float = 0.1
    source: str = "sphere"
    dimension: int = 4
    points: int = 16
    test_points: int = 16
    label_scale: float = 1.0
    steps: int = 50
    step_size: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.activation, dict):
            remedy = "Pass a value such as nv.ReLU(), not its class or name."
            raise InvalidArgument("activation", repr(self.activation), "an activation", remedy)
        for name in WHOLE:
            whole(name, getattr(self, name), 1)
        for name in POSITIVE:
            positive(name, getattr(self, name))
        if not (is_number(self.bias_std) and self.bias_std >= 0):
            raise InvalidArgument("bias_std", repr(self.bias_std), "a finite number >= 0", "0 is no bias.")
        whole("seed", self.seed, -(2**63))
        for name in (*POSITIVE, "bias_std"):  # 1 and 1.0 are one problem, with one record
            object.__setattr__(self, name, float(getattr(self, name)))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a map is measured on, and how it is judged.

    problem: what all cells share. axis: what the width is mapped against, one of AXES, at `levels`.
    widths: at least five, since rates are fitted over them. tolerance: the relative gap that is wanted.
    replicates: networks of each cell. confidence: with which each interval, one at a time, covers.
    Raises InvalidArgument for what cannot be mapped.
    """

    problem: Problem = field(default_factory=Problem)
    axis: str = "depth"
    widths: tuple[int, ...] = WIDTHS
    levels: tuple[float, ...] = AXES["depth"]
    tolerance: float = 0.1
    replicates: int = 6
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if self.axis not in AXES:
            raise InvalidArgument(
                "axis", repr(self.axis), f"one of {', '.join(AXES)}", "Choose one of those."
            )
        object.__setattr__(self, "widths", tuple(sorted(set(self.widths))))
        object.__setattr__(self, "levels", tuple(sorted({float(level) for level in self.levels})))
        if len(self.widths) < FEWEST_WIDTHS:
            expected = f"at least {FEWEST_WIDTHS} distinct widths"
            remedy = "Add widths, for example by doubling: 32 64 128 256 512. Fewer show no rate."
            raise InvalidArgument("widths", repr(self.widths), expected, remedy)
        if not self.levels:
            remedy = f"Leave them out for {AXES[self.axis]}."
            raise InvalidArgument("levels", "none", f"values of {self.axis}", remedy)
        positive("tolerance", self.tolerance)
        whole("replicates", self.replicates, 2)
        if not (is_number(self.confidence) and 0 < self.confidence < 1):
            raise InvalidArgument("confidence", repr(self.confidence), "between 0 and 1", "Try 0.95.")
        dict(self.problems())  # which checks every level

    def problems(self) -> Iterator[tuple[tuple[int, float], "Problem"]]:
        """Yields ((width, level), problem) for each cell."""
        for level in self.levels:
            exact = int(level) if self.axis in WHOLE and level.is_integer() else level
            for width in self.widths:
                changed: dict[str, Any] = {"width": width, self.axis: exact}
                yield (width, level), replace(self.problem, **changed)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One width at one level.

    gap: the geometric mean over its networks of |network - prediction| / |prediction moved from 0|, norms
    over the test points; infinite where one of them diverged, None where nothing was measured.
    interval: of the mean. joint_gap: the same over training and test points together.
    """

    width: int
    level: float
    verdict: Verdict
    gap: float | None
    interval: tuple[float, float]
    joint_gap: float | None
    replicates: int
    diverged: int


class Kind(StrEnum):
    """Where the width that is needed lies."""

    WITHIN = "within the widths measured"
    BEYOND = "beyond the widest measured"
    BELOW = "below the narrowest measured"
    NONE = "no width found"
    UNDECIDED = "undecided"


@dataclass(frozen=True, kw_only=True)
class Boundary:
    """The width from which the equivalence holds at one level, by a power law fitted over the widths.

    width, interval: None where there is none. slope: the law's, with the ends of its interval.
    prefactor: the law carried on to width 1. fitted: the widths that it rests on.
    bends: whether the gaps were seen to bend away from the law. sentence: all that in words.
    """

    level: float
    kind: Kind
    sentence: str = ""
    width: float | None = None
    interval: tuple[float, float] | None = None
    slope: tuple[float, float, float] | None = None
    prefactor: float | None = None
    fitted: tuple[int, ...] = ()
    bends: bool = False


@dataclass(frozen=True, kw_only=True)
class Map:
    """Where a trained network is NTK regression from its own start, to within the tolerance.

    cells: level by level, the widths ascending. boundaries: one for each level.
    """

    settings: Settings
    cells: tuple[Cell, ...]
    boundaries: tuple[Boundary, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """Says what each level needs."""
        return tuple(boundary.sentence for boundary in self.boundaries)

    def to_json(self) -> str:
        """Returns one line of JSON; equal maps give equal text."""
        return serialization.to_json(self)

    @staticmethod
    def from_json(text: str) -> "Map":
        """Reads what `to_json` wrote; raises InvalidArgument for anything else."""
        return serialization.from_json(text, Map)
