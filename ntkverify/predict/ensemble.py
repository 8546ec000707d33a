"""The Gaussian over initialisations that infinitely wide networks draw their outputs from."""

from typing import NamedTuple

import torch
from torch import Tensor

from ntkverify.arrays import Array, as_given, as_matrix
from ntkverify.errors import InvalidArgument
from ntkverify.numerics import cholesky
from ntkverify.predict.checks import as_kernel, kernel_and_targets
from ntkverify.predict.dynamics import flow_filter
from ntkverify.predict.spectral import nonnegative_spectrum


class Gaussian(NamedTuple):
    """mean: (m, outputs), covariance: (m, m) of the test points, the same for every output."""

    mean: Array
    covariance: Array


def ensemble(
    k_train: Array,
    y: Array,
    k_test_train: Array,
    *,
    nngp_train: Array,
    nngp_test_train: Array,
    nngp_test: Array,
    time: float = float("inf"),
) -> Gaussian:
    """Describes the outputs of trained networks over their initialisations, after gradient flow for `time`.

    k_train (n, n), k_test_train (m, n): the NTK; nngp_train (n, n), nngp_test_train (m, n) and nngp_test
    (m, m): the covariance of the initial outputs. With P = k_test_train k_train^-1 (1 - e^(-k_train time))
    the mean is P y and the covariance nngp_test + P nngp_train P^T - (P nngp_test_train^T + transpose)
    (Lee et al. 2019, equations 14-15).
    Raises InvalidArgument for a negative time or shapes that do not fit, NotPositiveDefinite for a kernel
    that is not PSD, or cannot be inverted where the time is infinite.
    """
    if not time >= 0:
        raise InvalidArgument("time", repr(time), "a number >= 0", "Training runs forward.")
    k, targets = kernel_and_targets(k_train, y)
    cross = as_matrix("k_test_train", k_test_train, columns=len(k)).to(k)
    spectrum, basis = nonnegative_spectrum(k, invertible=time == float("inf"))
    smoother = cross @ ((basis * flow_filter(spectrum, time)) @ basis.T)
    start = _covariances(nngp_train, nngp_test_train, nngp_test, rows=len(cross), columns=len(k))
    covariance = _covariance(smoother, *(part.to(k) for part in start))
    give = as_given(k_train, y, k_test_train)
    return Gaussian(give(smoother @ targets), give(covariance))


def nngp_posterior(
    nngp_train: Array, y: Array, nngp_test_train: Array, nngp_test: Array, noise: float = 0.0
) -> Gaussian:
    """Computes the Gaussian process posterior of the NNGP: what an exact Bayesian network predicts (Lee et
    al. 2018, equations 8-9), and where training the last layer alone ends in the mean.

    nngp_train: (n, n), nngp_test_train: (m, n), nngp_test: (m, m); noise: variance of the targets' noise.
    Raises InvalidArgument for a negative noise or shapes that do not fit, NotPositiveDefinite where
    nngp_train + noise I cannot be inverted in its precision.
    """
    if not noise >= 0:
        raise InvalidArgument("noise", repr(noise), "a number >= 0", "It is a variance.")
    k, targets = kernel_and_targets(nngp_train, y)
    start = _covariances(nngp_train, nngp_test_train, nngp_test, rows=len(nngp_test), columns=len(k))
    k, cross, test = (part.to(k) for part in start)
    factor = cholesky("nngp_train", k + noise * torch.eye(len(k), dtype=k.dtype, device=k.device))
    whitened = torch.linalg.solve_triangular(factor, cross.T, upper=False)
    give = as_given(nngp_train, y, nngp_test_train, nngp_test)
    mean = cross @ torch.cholesky_solve(targets, factor)
    return Gaussian(give(mean), give(test - whitened.T @ whitened))


def _covariances(train: Array, cross: Array, test: Array, *, rows: int, columns: int) -> list[Tensor]:
    return [
        as_kernel(train, "nngp_train"),
        as_matrix("nngp_test_train", cross, rows=rows, columns=columns),
        as_matrix("nngp_test", test, rows=rows, columns=rows),
    ]


def _covariance(smoother: Tensor, train: Tensor, cross: Tensor, test: Tensor) -> Tensor:
    """The covariance (m, m) of f_0(test) - smoother f_0(train)."""
    mixed = smoother @ cross.T
    return test + smoother @ train @ smoother.T - mixed - mixed.T
