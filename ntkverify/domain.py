"""The inputs that a kernel is made for."""

import math
from dataclasses import dataclass

import numpy as np

from ntkverify.errors import InvalidArgument

DTYPES = ("float32", "float64")

TRIES = 200
"""How often a row is drawn anew that lies too near another."""


@dataclass(frozen=True, kw_only=True)
class Domain:
    """The inputs that a kernel is made for: inside it is judged, and how far it holds outside is measured.

    norms: the least and the largest Euclidean norm of an input other than 0. zero: whether rows of zeros belong to
    it. closest_angle: the least angle, in radians, between the lines of two different rows; 0 allows duplicates and
    antipodes too. unit_norm: every input has the norm 1, whatever `norms` says. dtype: of inputs and results, "float32" or
    "float64", None for float64.
    Raises InvalidArgument for numbers that leave no inputs, and an unknown dtype.
    """

    norms: tuple[float, float] = (1e-3, 1e3)
    zero: bool = True
    closest_angle: float = 0.0
    unit_norm: bool = False
    dtype: str | None = None

    def __post_init__(self) -> None:
        if self.unit_norm:
            object.__setattr__(self, "norms", (1.0, 1.0))
            object.__setattr__(self, "zero", False)
        try:
            least, most = map(float, self.norms)
        except (TypeError, ValueError):
            least, most = 0.0, 0.0
        if not 0 < least <= most < math.inf:
            remedy = "zero= says whether rows of zeros belong to it."
            raise InvalidArgument("norms", repr(self.norms), "two numbers, 0 < least <= most", remedy)
        object.__setattr__(self, "norms", (least, most))
        if not 0 <= self.closest_angle < math.pi / 4:
            remedy = "It is an angle in radians; leave it out where duplicates are welcome."
            raise InvalidArgument("closest_angle", repr(self.closest_angle), "0 up to pi / 4", remedy)
        if self.dtype not in (None, *DTYPES):
            known = ", ".join(map(repr, DTYPES))
            raise InvalidArgument("dtype", repr(self.dtype), f"one of {known}, or None", "Choose one.")

    def __str__(self) -> str:
        least, most = self.norms
        if self.unit_norm:
            parts = ["inputs of norm 1"]
        else:
            parts = [f"inputs of norms {least:g} to {most:g}", "zeros too" if self.zero else "no zeros"]
        if self.closest_angle:
            parts.append(f"no two nearer to parallel than {self.closest_angle:g} rad")
        if self.dtype == "float32":
            parts.append("in float32")
        return ", ".join(parts)

    def fitted(self, x: np.ndarray) -> np.ndarray:
        """Returns rows x (n, d) with their norms brought inside, the nearest way; zeros take the first axis where they
        do not belong, and numbers are those of the dtype.

        Does not move rows apart.
        """
        sizes = np.abs(x).max(axis=1, keepdims=True, initial=0.0)  # whose squares overflow in a norm
        unit = np.divide(x, sizes, out=np.zeros_like(x), where=sizes > 0)
        rest = np.linalg.norm(unit, axis=1, keepdims=True)
        norms = sizes * rest
        if not self.zero:
            unit[norms[:, 0] == 0, 0] = rest[norms == 0] = 1.0
        inside = np.clip(norms, *self.norms)
        moved = (inside != norms) & (rest > 0)
        unit = np.divide(unit, rest, out=unit, where=rest > 0)
        out = np.where(moved, self._shrunk(inside) * unit, x)
        return out.astype(np.float32).astype(float) if self.dtype == "float32" else out

    def _shrunk(self, norms: np.ndarray) -> np.ndarray:
        """Leaves room for rounding at the ends, but on the sphere, where there is no inside."""
        least, most = self.norms
        return norms if least == most else np.clip(norms, least * (1 + 1e-12), most * (1 - 1e-12))

    def apart(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Returns rows x (n, d), those drawn anew from a Gaussian that lie nearer to another than `closest_angle`.

        Raises InvalidArgument where so many rows find no place.
        """
        if not self.closest_angle:
            return x
        lines: list[np.ndarray] = []
        rows = []
        for row in x:
            if np.any(row) or not self.zero:
                row = self._beside(row, lines, rng)
                lines.append(row)
            rows.append(row)
        return np.stack(rows)

    def _beside(self, row: np.ndarray, lines: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
        for _ in range(TRIES):
            if np.any(row) and all(_angle_of_lines(row, other) >= self.closest_angle for other in lines):
                return row
            row = rng.standard_normal(len(row))
        got = f"{len(lines) + 1} points of dimension {len(row)}"
        expected = f"points at angles of {self.closest_angle:g} at least"
        raise InvalidArgument("count", got, expected, "Ask for fewer, or in more dimensions.")


def _angle_of_lines(x: np.ndarray, y: np.ndarray) -> float:
    """Returns the angle between two lines, accurate where it is small."""
    one, other = x / np.linalg.norm(x), y / np.linalg.norm(y)
    nearest = float(min(np.linalg.norm(one - other), np.linalg.norm(one + other)))
    return 2 * math.asin(min(1.0, nearest / 2))
