"""Eigenvalues of kernel matrices, and how far errors of their entries move them.

All matrices are scaled to a unit diagonal first: that keeps signs and ranks, and makes the smallest
eigenvalue a property of the angles, not of the largest input.
"""

import math

import numpy as np
import torch

from ntkverify.architecture import Architecture
from ntkverify.claims.kernel.accuracy import rounding_bound
from ntkverify.numerics import spectral_rounding_bound
from ntkverify.subjects import Subject
from ntkverify.witness import Witness

SHOWN = 3
"""Points of a matrix that is shown."""


def scaled(gram: np.ndarray, diagonal: np.ndarray) -> np.ndarray:
    """gram / sqrt(diagonal diagonal^T), without the rows of points whose kernel is 0: (m, m)."""
    alive = diagonal != 0
    root = np.sqrt(np.abs(diagonal[alive]))
    return gram[np.ix_(alive, alive)] / root[:, None] / root[None, :]


def spectrum_and_bound(
    subject: Subject, arch: Architecture | None, x: np.ndarray, matrix: np.ndarray
) -> tuple[np.ndarray, float]:
    """Eigenvalues (m,), ascending, of a scaled matrix, and how far errors of its entries move them."""
    if not matrix.size:
        return np.zeros(1), 0.0
    # Entries that err by e of a unit diagonal move an eigenvalue by at most m e.
    entries = len(matrix) * rounding_bound(subject, arch, x)
    if not np.isfinite(matrix).all():
        return np.full(1, -math.inf), 0.0
    return np.linalg.eigvalsh((matrix + matrix.T) / 2), entries + spectral_rounding_bound(
        torch.from_numpy(matrix)
    )


def small_matrix(gram: np.ndarray, x: np.ndarray) -> Witness:
    """The part of a matrix (n, n) of points x (n, d) that shows best that it is not positive: SHOWN points at most."""
    bad = np.argwhere(~np.isfinite(gram))
    if len(bad):
        chosen = np.unique(bad[0])
    else:
        root = np.sqrt(np.where(np.diag(gram) == 0, 1, np.abs(np.diag(gram))))
        vector = np.linalg.eigh((gram + gram.T) / 2 / np.outer(root, root))[1][:, 0]
        chosen = np.sort(np.argsort(-np.abs(vector))[:SHOWN])
    rows = tuple(tuple(point) for point in x[chosen].tolist())
    matrix = tuple(tuple(row) for row in gram[np.ix_(chosen, chosen)].tolist())
    return Witness(rows=rows, columns=rows, got=matrix)


def spectrum_columns(spectrum: np.ndarray, bound: float) -> dict[str, tuple[float, ...]]:
    """Returns a measurement's series for a picture of the eigenvalues (m,) and of what rounding explains."""
    return {"eigenvalue": tuple(spectrum.tolist()), "rounding bound": (bound,) * len(spectrum)}
