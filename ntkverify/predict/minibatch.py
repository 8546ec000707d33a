"""Stochastic gradient descent in function space: exact for a given order of the batches."""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from ntkverify.arrays import Array
from ntkverify.errors import InvalidArgument
from ntkverify.predict.checks import check_learning_rate, check_steps
from ntkverify.predict.problems import Outputs, pose
from ntkverify.seeds import derive

Batches = Sequence[np.ndarray]
"""The rows of the training set in each step's batch."""


def batches(count: int, batch_size: int, steps: int, seed: int) -> list[np.ndarray]:
    """Draws `steps` batches of `batch_size` of `count` rows, without replacement: each epoch is a fresh
    permutation.

    The last batch of an epoch is shorter where batch_size does not divide count.
    Raises InvalidArgument for a batch size that is not an integer from 1 to count.
    """
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise InvalidArgument("count", repr(count), "an integer >= 1", "It counts training points.")
    check_steps(steps)
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or not 1 <= batch_size <= count:
        expected = f"an integer from 1 to the {count} training points"
        raise InvalidArgument("batch_size", repr(batch_size), expected, "None takes them all.")

    def forever() -> Iterator[np.ndarray]:
        for epoch in itertools.count():
            order = derive(seed, "batches", epoch).permutation(count)
            yield from (order[start : start + batch_size] for start in range(0, count, batch_size))

    return list(itertools.islice(forever(), steps))


def minibatch_gradient_descent(
    k_train: Array,
    y: Array,
    k_test_train: Array | None = None,
    *,
    batches: Batches,
    learning_rate: float,
    f0_train: Array | None = None,
    f0_test: Array | None = None,
) -> Outputs:
    """Predicts the outputs after one step of gradient descent on 1/2 sum (f - y)^2 over each of `batches`,
    from f0.

    A step moves every output by -learning_rate K(., batch) (f - y)(batch): Lee et al. 2019, equation 8,
    with the batch for the training set.
    Raises InvalidArgument for shapes that do not fit, a learning rate that is not positive, or batches that
    are no rows of the training set.
    """
    check_learning_rate(learning_rate)
    problem = pose(k_train, y, k_test_train, f0_train, f0_test)
    count = problem.residual.numel() // problem.outputs
    # For a full kernel a point has a row for each of its outputs.
    rows_of = torch.arange(len(problem.kernel), device=problem.kernel.device).reshape(count, -1)
    residual, coefficients = problem.residual, torch.zeros_like(problem.residual)
    for index, batch in enumerate(batches):
        rows = rows_of[_rows(f"batches[{index}]", batch, count)].flatten()
        change = learning_rate * residual[rows]
        coefficients = coefficients.index_add(0, rows, change)
        residual = residual - problem.kernel[:, rows] @ change
    return problem.outputs_after(coefficients, problem.residual - residual)


def _rows(argument: str, batch: np.ndarray, count: int) -> np.ndarray:
    """Returns the rows of one batch; raises InvalidArgument for what are no rows of `count` points."""
    rows = np.asarray(batch)
    if (
        rows.ndim != 1
        or rows.size == 0
        or rows.dtype.kind not in "iu"
        or rows.min() < 0
        or rows.max() >= count
    ):
        expected = f"rows of the {count} training points, integers from 0 to {count - 1}, at least one"
        raise InvalidArgument(argument, repr(batch), expected, "`predict.batches` draws such.")
    return rows
