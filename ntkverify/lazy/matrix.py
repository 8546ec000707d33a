"""A Gaussian matrix that keeps the answers it gave and draws only what a new question needs.

With W Q = Y and W^T P = Z known, Q and P orthonormal, and r a unit vector orthogonal to Q, the law of W r is
P (Z^T r) + (I - P P^T) g for a fresh standard normal g: what is known from the other side fixes its part
along P, and nothing else is known. It holds however the questions depend on earlier answers (Bolthausen 2014,
"An iterative construction of solutions of the TAP equations", section 3).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Self

import numpy as np
import torch
from torch import Tensor

from ntkverify.errors import InvalidArgument
from ntkverify.seeds import derive

TOLERANCE = 2.0**-24
"""The share of a vector's norm that may be left out of it: the unit roundoff of float32, so that a product
errs no more than one of float32 numbers would."""

FIRST_ROWS = 32
"""Rows that a buffer has room for at first; it doubles when it is full."""


class Rows:
    """Vectors as the rows of a buffer that grows; room not yet filled takes no memory on usual systems."""

    def __init__(self, size: int):
        self._buffer, self.count = torch.empty(0, size, dtype=torch.float64), 0

    def append(self, rows: Tensor) -> None:
        """Adds rows (m, size) at the end."""
        needed = self.count + len(rows)
        if needed > len(self._buffer):
            room = max(needed, 2 * len(self._buffer), FIRST_ROWS)
            larger = torch.empty(room, rows.shape[1], dtype=torch.float64)
            larger[: self.count] = self.filled
            self._buffer = larger
        self._buffer[self.count : needed] = rows
        self.count = needed

    @property
    def filled(self) -> Tensor:
        """Is what was added so far, (count, size), not a copy."""
        return self._buffer[: self.count]


@dataclass
class Side:
    """The questions put to a matrix from one side, orthonormal, and its answers: row by row.

    stream: of the numbers for the asks-th ask, each with its own, so that one direction more or less, which
    rounding may decide, leaves all later ones as they are. dropped: no vector lost a larger fraction of its norm.
    """

    questions: Rows
    answers: Rows
    stream: Callable[[int], np.random.Generator] = field(repr=False)
    asks: int = 0
    dropped: float = 0.0


class LazyGaussian:
    """A matrix (rows, columns) of independent standard normal numbers, known where it was asked.

    right: questions Q (k, columns), answers Y = Q W^T (k, rows); left: questions P (l, rows), answers
    Z = P W (l, columns). Everything is float64; memory is (k + l) (rows + columns) numbers. Products take
    blocks of vectors as rows. The same seed, names and questions in the same order give the same numbers;
    another order gives another matrix of the same law. Copies are the same matrix, so they share it.
    Raises InvalidArgument for a tolerance outside (0, 1).
    """

    def __init__(self, rows: int, columns: int, seed: int, *names: str | int, tolerance: float = TOLERANCE):
        if not 0 < tolerance < 1:
            raise InvalidArgument("tolerance", repr(tolerance), "a fraction in (0, 1)", "Try 1e-7.")
        self.shape, self.tolerance = (rows, columns), tolerance
        self.right = Side(Rows(columns), Rows(rows), partial(derive, seed, *names, "right"))
        self.left = Side(Rows(rows), Rows(columns), partial(derive, seed, *names, "left"))

    def __deepcopy__(self, memo: dict) -> Self:
        return self  # two that are asked differently would no longer be one matrix

    def __matmul__(self, vectors: Tensor) -> Tensor:
        """Computes W V: (columns, m) -> (rows, m)."""
        return (self.ask_right(vectors.T) @ self.right.answers.filled).T

    def transposed_times(self, vectors: Tensor) -> Tensor:
        """Computes W^T U: (rows, m) -> (columns, m)."""
        return (self.ask_left(vectors.T) @ self.left.answers.filled).T

    def ask_right(self, vectors: Tensor) -> Tensor:
        """Finds coordinates C (m, k) of vectors (m, columns) in Q, which grows to hold them; W gives C Y."""
        return _ask(self.right, self.left, vectors, self.tolerance)

    def ask_left(self, vectors: Tensor) -> Tensor:
        """Finds coordinates D (m, l) of vectors (m, rows) in P, which grows to hold them; W^T gives D Z."""
        return _ask(self.left, self.right, vectors, self.tolerance)

    def error_bound(self, level: float = 1e-9) -> float:
        """Bounds by how much leaving directions out has changed any product, relative to the vector's norm.

        It is the largest part left out times a bound on the norm of W that fails with probability `level`
        (Davidson & Szarek 2001, Theorem II.13).
        """
        norm = sum(math.sqrt(n) for n in self.shape) + math.sqrt(2 * math.log(1 / level))
        return norm * max(self.right.dropped, self.left.dropped)


def _ask(side: Side, other: Side, vectors: Tensor, tolerance: float) -> Tensor:
    """Finds coordinates (m, questions) of vectors (m, size); what is new in them is asked first.

    Those of a vector that is not finite are NaN, as a product with it would be.
    """
    broken = ~vectors.isfinite().all(dim=1, keepdim=True)
    if broken.any():
        # In their place something is asked: without any question there would be no coordinates to be NaN.
        return torch.where(broken, math.nan, _ask(side, other, torch.where(broken, 1.0, vectors), tolerance))
    norms = _norms(vectors)
    unit = vectors / torch.where(norms > 0, norms, 1.0)
    known = unit @ side.questions.filled.T
    new, dropped = _new_directions(unit - known @ side.questions.filled, side.questions.filled, tolerance)
    side.dropped = max(side.dropped, dropped)
    side.asks += 1
    if len(new):
        side.answers.append(_answers(side, other, new))
        side.questions.append(new)
    return norms * torch.cat([known, unit @ new.T], dim=1)


def _norms(vectors: Tensor) -> Tensor:
    """Computes the norms (m, 1) of rows (m, size), whose squares may overflow."""
    largest = vectors.abs().amax(dim=1, keepdim=True)
    return largest * torch.linalg.vector_norm(
        vectors / torch.where(largest > 0, largest, 1.0), dim=1, keepdim=True
    )


def _new_directions(rest: Tensor, known: Tensor, tolerance: float) -> tuple[Tensor, float]:
    """Finds an orthonormal basis of rows `rest` (m, size), orthogonal to `known`, and what it leaves out.

    The smallest singular values go, as long as their root sum of squares, which no row's loss exceeds, is
    within the tolerance. Rounding turns no direction into its opposite, which would be another question.
    """
    size = float(torch.linalg.matrix_norm(rest)) if rest.numel() else 0.0
    if size <= tolerance:
        return rest[:0], size
    basis, corner = torch.linalg.qr(rest.T)
    turn, values, _ = torch.linalg.svd(corner, full_matrices=False)
    tails = values.square().flip(0).cumsum(0).flip(0).sqrt()
    kept = min(int((tails > tolerance).sum()), known.shape[1] - len(known))
    new = (basis @ turn[:, :kept]).T
    # A small direction holds rounding errors along the known ones; projecting twice is enough (Kahan & Parlett).
    new = new - (new @ known.T) @ known
    new = torch.linalg.qr(new.T)[0].T
    return _signed(new, rest), float(tails[kept]) if kept < len(tails) else 0.0


def _signed(new: Tensor, rest: Tensor) -> Tensor:
    """Turns rows `new` (k, size) so that each is positive along the first row of `rest` (m, size) with much
    of
    it: half as much as any, since the first of two that have as much as each other would be rounding's
    choice."""
    along = rest @ new.T
    much = along.abs() >= along.abs().amax(dim=0) / 2
    first = along.gather(0, much.int().argmax(dim=0, keepdim=True))[0]
    return torch.where(first < 0, -1.0, 1.0)[:, None] * new


def _answers(side: Side, other: Side, new: Tensor) -> Tensor:
    """Draws W applied to rows `new` (m, size), given what is known: (m, other size)."""
    shape = len(new), side.answers.filled.shape[1]
    fresh = torch.from_numpy(side.stream(side.asks).standard_normal(shape))
    across = other.questions.filled
    return fresh + (new @ other.answers.filled.T - fresh @ across.T) @ across
