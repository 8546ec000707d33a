"""A kernel as it was seen, what was fitted to it, and how long that may take."""

import time
from dataclasses import dataclass

import numpy as np

from ntkverify.diagnosis.structures import Numbers, Structure


class Deadline:
    """A time after which nothing new is begun."""

    def __init__(self, seconds: float):
        self._end = time.monotonic() + seconds

    @property
    def over(self) -> bool:
        """Tells whether it has passed."""
        return time.monotonic() > self._end


@dataclass(frozen=True, kw_only=True)
class Data:
    """A kernel as it was seen. name: "NTK" or "NNGP"; x: (n, d); got: (n, n), where `known`; scale: (n,), the roots of
    the right kernel's diagonal, to which errors are relative."""

    name: str
    x: np.ndarray
    got: np.ndarray
    known: np.ndarray
    scale: np.ndarray

    def error(self, matrix: np.ndarray) -> float:
        """Returns max |got - matrix| / sqrt(k(x, x) k(y, y)) over what is known."""
        relative = np.abs(self.got - matrix) / np.outer(self.scale, self.scale)
        return float(np.where(np.isfinite(relative), relative, np.inf)[self.known].max())


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A structure with its numbers. numbers: of the Linear layers but for the last; coefficients: of the terms of
    `Structure.basis`; left: the largest relative error that remains; free: how many numbers were searched for."""

    structure: Structure
    numbers: tuple[Numbers, ...]
    coefficients: tuple[float, ...]
    left: float
    free: int

    def kernel(self, name: str, x: np.ndarray) -> np.ndarray:
        """Computes the kernel (n, n) of points x (n, d)."""
        return np.tensordot(self.coefficients, self.structure.basis(name, x, list(self.numbers)), 1)
