"""Where training ends: kernel regression."""

from typing import NamedTuple

import torch

from ntkverify.arrays import Array, as_given, as_matrix
from ntkverify.errors import InvalidArgument
from ntkverify.numerics import ROUNDING_CONSTANT, cholesky, eigenvalues, unit_roundoff
from ntkverify.predict.checks import kernel_and_targets


class Regression(NamedTuple):
    """A kernel regression, and how far its numbers can be trusted.

    test: (m, outputs). condition: largest over smallest eigenvalue of k_train + ridge I.
    error_bound: how far rounding can have moved any entry of `test`, in its units.
    """

    test: Array
    condition: float
    error_bound: float


def kernel_regression(k_train: Array, y: Array, k_test_train: Array, ridge: float = 0.0) -> Regression:
    """Computes k_test_train (k_train + ridge I)^-1 y, by Cholesky.

    k_train: (n, n), y: (n, outputs), k_test_train: (m, n). With y - f0 for y, and f0 at the test points
    added, it is where training with the penalty (ridge / 2) |w - w_0|^2 ends (Hu, Li & Yu 2020, Theorem 5.1).
    Error bound: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., Theorem 10.4.
    Raises InvalidArgument for a negative ridge or shapes that do not fit, NotPositiveDefinite
    where k_train + ridge I cannot be inverted in its precision.
    """
    if not ridge >= 0:
        raise InvalidArgument("ridge", repr(ridge), "a number >= 0", "It is added to the kernel's diagonal.")
    k, targets = kernel_and_targets(k_train, y)
    cross = as_matrix("k_test_train", k_test_train, columns=len(k)).to(k)
    regularised = k + ridge * torch.eye(len(k), dtype=k.dtype, device=k.device)
    coefficients = torch.cholesky_solve(targets, cholesky("k_train", regularised))
    spectrum = eigenvalues(regularised.detach())
    condition = (spectrum[-1] / spectrum[0]).item()
    largest = (
        torch.linalg.vector_norm(cross, dim=1).max() * torch.linalg.vector_norm(coefficients, dim=0).max()
    )
    bound = ROUNDING_CONSTANT * len(k) * unit_roundoff(k.dtype) * (1 + condition) * largest.item()
    return Regression(as_given(k_train, y, k_test_train)(cross @ coefficients), condition, bound)
