"""Softmax cross-entropy in function space: no closed form, so the differential equation is integrated."""

import numpy as np
import torch
from scipy.integrate import solve_ivp
from scipy.special import softmax

from ntkverify.arrays import Array, as_given, as_matrix
from ntkverify.errors import InvalidArgument, NtkverifyError
from ntkverify.predict.checks import check_distributions, kernel_and_targets
from ntkverify.predict.spectral import Outputs, initial

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
    Raises InvalidArgument for rows of y that are no distributions or a time that is negative or infinite.
    """
    if not 0 <= time < float("inf"):
        remedy = "Without a finite time the outputs grow for ever."
        raise InvalidArgument("time", repr(time), "a finite number >= 0", remedy)
    k, targets = kernel_and_targets(k_train, y)
    check_distributions(targets)
    start = torch.zeros_like(targets) if f0_train is None else initial("f0_train", f0_train, targets, len(k))
    arrays = (part.detach().cpu().double().numpy() for part in (k, targets, start))
    coefficients = _integrate(time, *arrays)
    moved = torch.from_numpy(coefficients).to(k)
    give = as_given(k_train, y, k_test_train, f0_train, f0_test)
    if k_test_train is None:
        return Outputs(give(start + k @ moved), None)
    cross = as_matrix("k_test_train", k_test_train, columns=len(k)).to(k)
    offset = 0.0 if f0_test is None else initial("f0_test", f0_test, targets, len(cross))
    return Outputs(give(start + k @ moved), give(offset + cross @ moved))


def _integrate(time: float, k: np.ndarray, y: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The coefficients (n, classes) of K that the outputs have moved by: da/dt = y - softmax(f_0 + K a)."""

    def velocity(_: float, flat: np.ndarray) -> np.ndarray:
        return (y - softmax(start + k @ flat.reshape(y.shape), axis=1)).ravel()

    settings = {"method": "LSODA", "rtol": ACCURACY, "atol": ACCURACY * max(time, 1e-12)}
    solution = solve_ivp(velocity, (0.0, time), np.zeros(y.size), **settings)
    if not solution.success:
        raise NtkverifyError(f"the cross-entropy flow could not be integrated: {solution.message}")
    return solution.y[:, -1].reshape(y.shape)
