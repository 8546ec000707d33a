"""Where training ends: kernel regression."""

from typing import NamedTuple

import torch

from ntkverify.arrays import Array
from ntkverify.numerics import ROUNDING_CONSTANT, cholesky, eigenvalues, unit_roundoff
from ntkverify.predict.checks import check_at_least_0
from ntkverify.predict.problems import pose


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
    check_at_least_0("ridge", ridge, "It is added to the kernel's diagonal.")
    problem = pose(k_train, y, k_test_train)
    k, cross = problem.kernel, problem.rows_at_test_points()
    regularised = k + ridge * torch.eye(len(k), dtype=k.dtype, device=k.device)
    remedy = "Remove duplicate inputs, or pass a positive ridge."
    factor = cholesky("k_train", regularised, remedy, problem.precision)
    coefficients = torch.cholesky_solve(problem.residual, factor)
    spectrum = eigenvalues(regularised.detach())
    condition = (spectrum[-1] / spectrum[0]).item()
    largest = (
        torch.linalg.vector_norm(cross, dim=1).max() * torch.linalg.vector_norm(coefficients, dim=0).max()
    )
    unit = ROUNDING_CONSTANT * unit_roundoff(problem.precision)
    bound = unit * len(k) * (1 + condition) * largest.item()
    return Regression(problem.restore(cross @ coefficients), condition, bound)
