"""The inputs on which a claim was seen to fail, and what came out there. Imports neither torch nor NumPy."""

import itertools
import math
from dataclasses import dataclass

Rows = tuple[tuple[float, ...], ...]

MOST_SHOWN = 6
"""Coordinates of an input that are shown."""


@dataclass(frozen=True, kw_only=True)
class Witness:
    """Inputs, and the kernel between them: of two inputs, or of the few that show a small matrix to be wrong.

    rows: (n1, d), columns: (n2, d), inputs. got: (n1, n2); wanted: the same, or None where no value is known to be
    right. what: what was wanted, such as "by integration".
    """

    rows: Rows
    columns: Rows
    got: Rows
    wanted: Rows | None = None
    what: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """Says it in lines of text."""
        if len(self.rows) == len(self.columns) == 1:
            return (self._entry(), _named(self.rows + self.columns, ("x", "y")))
        matrix = "; ".join(" ".join(f"{value:.6g}" for value in row) for row in self.got)
        names = [f"x{place}" for place in range(1, len(self.rows) + 1)]
        return (f"the kernel of {', '.join(names)} is [{matrix}]", _named(self.rows, names))

    def _entry(self) -> str:
        got = self.got[0][0]
        if self.wanted is None or math.isnan(self.wanted[0][0]):
            return f"k(x, y) = {got:.6g}"
        one, other = _told_apart(got, self.wanted[0][0])
        return f"k(x, y) = {one}, but should be {other}{f' ({self.what})' if self.what else ''}"


def _named(points: Rows, names: "tuple[str, ...] | list[str]") -> str:
    """Lists points by name, equal ones once."""
    groups: dict[tuple[float, ...], list[str]] = {}
    for point, name in zip(points, names, strict=True):
        groups.setdefault(point, []).append(name)
    return ", ".join(f"{' = '.join(same)} = {_vector(point)}" for point, same in groups.items())


def _vector(point: tuple[float, ...]) -> str:
    shown = ", ".join(f"{value + 0.0:.6g}" for value in point[:MOST_SHOWN])  # -0 is 0
    return f"({shown}{f', ... {len(point)} numbers' if len(point) > MOST_SHOWN else ''})"


def _told_apart(one: float, other: float) -> tuple[str, str]:
    """Writes two numbers with as many digits as show the difference, and one more."""
    for digits in itertools.count(5):
        texts = [f"{value:.{digits}g}" for value in (one, other)]
        if texts[0] != texts[1] or digits > 16:
            digits = min(digits + 1, 17)
            return f"{one:.{digits}g}", f"{other:.{digits}g}"
    raise AssertionError("digits end")
