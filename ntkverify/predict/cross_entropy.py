"""Softmax cross-entropy in function space: no closed form, so the differential equation is integrated."""

import numpy as np
import torch
from scipy.integrate import solve_ivp
from scipy.special import softmax
from torch import Tensor

from ntkverify.arrays import Array
from ntkverify.errors import InvalidArgument, NtkverifyError
from ntkverify.predict.checks import check_at_least_0, check_distributions
from ntkverify.predict.problems import Outputs, Problem, pose

ACCURACY = 1e-9
"""Relative error that the integrator keeps within, for each step."""


def cross_entropy_flow(
    k_train: Array,
    y: Array,
    k_test_train: Array | None = None,
    *,
    time: float,
    f0_train: Array | None = None,
    f0_test: Array | None = None,
) -> Outputs:
    """Predicts the outputs after gradient flow for `time` on the sum of softmax cross-entropies, from f0.

    y: (n, classes), each row a distribution over classes, such as one-hot labels. The outputs obey
    df/dt = K (y - softmax f) (Lee et al. 2019, equation S8); integrated by SciPy's LSODA.
    Raises InvalidArgument for rows of y that are no distributions, a time that is negative or infinite, or one after
    which rounding in the kernels leaves nothing known of the test outputs.
    """
    check_at_least_0("time", time, "Without a finite time the outputs grow for ever.")
    problem = pose(k_train, y, k_test_train, f0_train, f0_test)
    shape = (-1, problem.outputs)
    targets = (problem.start + problem.residual).reshape(shape)
    check_distributions(targets)
    parts = (problem.kernel, targets, problem.start.reshape(shape))
    coefficients = _integrate(time, *(part.detach().cpu().numpy() for part in parts))
    moved = torch.from_numpy(coefficients).to(problem.kernel).reshape(problem.residual.shape)
    _check_cancellation(problem, moved, time)
    return problem.outputs_after(moved)


def _integrate(time: float, k: np.ndarray, y: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Returns the coefficients (n, classes) of K that the outputs have moved by: da/dt = y - softmax(f_0 + K a)."""

    def velocity(_: float, flat: np.ndarray) -> np.ndarray:
        moved = (k @ flat.reshape(len(k), -1)).reshape(y.shape)
        return (y - softmax(start + moved, axis=1)).ravel()

    settings = {"method": "LSODA", "rtol": ACCURACY, "atol": ACCURACY * max(time, 1e-12)}
    solution = solve_ivp(velocity, (0.0, time), np.zeros(y.size), **settings)
    if not solution.success:
        raise NtkverifyError(f"the cross-entropy flow could not be integrated: {solution.message}")
    return solution.y[:, -1].reshape(y.shape)


def _check_cancellation(problem: Problem, coefficients: Tensor, time: float) -> None:
    """Raises InvalidArgument where the test outputs are what large terms leave of one another.

    Entries of a kernel row c are known to a relative `unit`, so the row times coefficients a (p, c) to that times
    |c| |a|: nothing is known where that exceeds the largest change of an
    output on the training points that training could make, or has made.
    """
    if problem.cross is None:
        return
    largest = torch.linalg.vector_norm(problem.cross.detach(), dim=1).max()
    unknown = problem.unit * largest * torch.linalg.vector_norm(coefficients.detach(), dim=0).max()
    made = (problem.kernel @ coefficients).detach().abs().max()
    if not unknown <= max(problem.residual.detach().abs().max(), made):
        expected = f"one at which rounding in {problem.precision} kernels leaves test outputs known"
        wider = (
            "Stop earlier."
            if problem.precision == torch.float64
            else "Pass float64 kernels, or stop earlier."
        )
        raise InvalidArgument("time", f"{time:.3g}", expected, wider)
