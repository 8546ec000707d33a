"""Inner products of inputs in a metric of their own: x^T M y for a positive definite matrix M."""

from typing import Any

import numpy as np

from ntkverify.errors import InvalidArgument

Rows = tuple[tuple[float, ...], ...]
"""One row, the diagonal (d,) of M, or all of its d rows."""


def as_rows(metric: Any, inputs: int) -> Rows:
    """Returns a diagonal (inputs,) or (1, inputs), or a matrix (inputs, inputs), as rows.

    Raises InvalidArgument for another shape, and for a matrix that is not symmetric and positive definite.
    """
    try:
        array = np.atleast_2d(np.asarray(metric, dtype=float))
    except (TypeError, ValueError):
        array = np.empty((0, 0))
    if array.shape not in ((1, inputs), (inputs, inputs)) or not np.isfinite(array).all():
        expected = f"finite numbers, a diagonal ({inputs},) or a matrix ({inputs}, {inputs})"
        raise InvalidArgument("metric", repr(metric), expected, "There is one row for each feature.")
    matrix = full(array)
    if not np.array_equal(matrix, matrix.T):
        remedy = "Take (M + M.T) / 2, which has the same x^T M x."
        raise InvalidArgument("metric", "a matrix that is not symmetric", "a symmetric one", remedy)
    smallest = np.linalg.eigvalsh(matrix)[0]
    if not smallest > 0:
        remedy = "Leave out features that do not matter, or add a little to the diagonal."
        got = f"one whose smallest eigenvalue is {smallest:.3g}"
        raise InvalidArgument("metric", got, "a positive definite matrix", remedy)
    return tuple(tuple(map(float, row)) for row in array)


def full(rows: Any) -> np.ndarray:
    """Returns the matrix M (d, d) of rows, (1, d) of a diagonal or (d, d)."""
    array = np.asarray(rows, dtype=float)
    return array if len(array) == array.shape[1] else np.diag(array[0])
