"""Stochastic gradient descent in function space: exact for a given order of the batches."""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from ntkverify.arrays import Array, as_given, as_matrix
from ntkverify.errors import InvalidArgument
from ntkverify.predict.checks import check_learning_rate, kernel_and_targets
from ntkverify.predict.spectral import Outputs, initial
from ntkverify.seeds import derive

Batches = Sequence[np.ndarray]
"""The rows of the training set in each step's batch."""


def batches(count: int, batch_size: int, steps: int, seed: int) -> list[np.ndarray]:
    """Draws `steps` batches of `batch_size` of `count` rows, without replacement: each epoch is a fresh
    permutation.

    The last batch of an epoch is shorter where batch_size does not divide count.
    Raises InvalidArgument for a batch size that is not an integer from 1 to count.
    """
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
    Raises InvalidArgument for shapes that do not fit or a learning rate that is not positive.
    """
    check_learning_rate(learning_rate)
    k, targets = kernel_and_targets(k_train, y)
    train = torch.zeros_like(targets) if f0_train is None else initial("f0_train", f0_train, targets, len(k))
    coefficients = torch.zeros_like(targets)
    for batch in batches:
        rows = torch.as_tensor(np.asarray(batch), device=k.device)
        change = -learning_rate * (train[rows] - targets[rows])
        coefficients = coefficients.index_add(0, rows, change)
        train = train + k[:, rows] @ change
    give = as_given(k_train, y, k_test_train, f0_train, f0_test)
    if k_test_train is None:
        return Outputs(give(train), None)
    cross = as_matrix("k_test_train", k_test_train, columns=len(k)).to(k)
    offset = 0.0 if f0_test is None else initial("f0_test", f0_test, targets, len(cross))
    return Outputs(give(train), give(offset + cross @ coefficients))
