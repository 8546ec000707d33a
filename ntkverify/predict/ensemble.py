"""The Gaussian over initialisations that infinitely wide networks draw their outputs from."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from ntkverify.arrays import Array, as_given, as_matrix
from ntkverify.errors import InvalidArgument
from ntkverify.numerics import cholesky, spectral_rounding_bound
from ntkverify.predict.checks import as_kernel, check_at_least_0, check_time
from ntkverify.predict.problems import Problem, pose
from ntkverify.predict.spectral import decompose, flow_filter, row_rounding, slowest_filter


class Gaussian(NamedTuple):
    """mean: (m, outputs), covariance: (m, m) of the test points, the same for every output.

    error_bound: how far rounding can have moved any entry of the covariance, in its units. Variances that came out
    negative, by no more than that, are 0.
    """

    mean: Array
    covariance: Array
    error_bound: float


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
    Raises InvalidArgument for a negative time, shapes that do not fit, full kernels, or a time after which rounding
    in the kernels leaves nothing known of the outputs; NotPositiveDefinite for a kernel that is not PSD, or cannot
    be inverted where the time is infinite.
    """
    check_time(time)
    problem = _same_for_every_output(pose(k_train, y, k_test_train), "k_train")
    cross = problem.rows_at_test_points()
    spectrum, basis = decompose(problem, time)
    filters = flow_filter(spectrum, time)
    weights = cross @ basis
    smoother = (weights * filters) @ basis.T
    train, mixed, test = _initial(problem, nngp_train, nngp_test_train, nngp_test)
    along = smoother @ mixed.T
    covariance = test + smoother @ train @ smoother.T - along - along.T
    # How far rounding of the NTK moves a row of the smoother: as in `decompose`, for any targets of norm 1.
    slow = slowest_filter(problem, spectrum.detach(), time)
    moved = slow.max() * row_rounding(problem, weights.detach(), slow).max()
    left = norms(smoother @ train - mixed).max() + moved * train.abs().sum(dim=1).max()
    terms = (smoother.abs() @ train.abs() + 2 * mixed.abs()) @ smoother.abs().T
    bound = 2 * moved * left + problem.unit * (test.abs().max() + terms.max())
    give = as_given(k_train, y, k_test_train, nngp_train, nngp_test_train, nngp_test)
    return _gaussian(problem, smoother @ problem.residual, covariance, bound, give)


def nngp_posterior(
    nngp_train: Array, y: Array, nngp_test_train: Array, nngp_test: Array, noise: float = 0.0
) -> Gaussian:
    """Computes the Gaussian process posterior of the NNGP: what an exact Bayesian network predicts (Lee et
    al. 2018, equations 8-9), and where training the last layer alone ends in the mean.

    nngp_train: (n, n), nngp_test_train: (m, n), nngp_test: (m, m); noise: variance of the targets' noise.
    Raises InvalidArgument for a negative noise, shapes that do not fit or full kernels, NotPositiveDefinite where
    nngp_train + noise I cannot be inverted in its precision.
    """
    check_at_least_0("noise", noise, "It is a variance.")
    problem = pose(nngp_train, y, nngp_test_train, names=("nngp_train", "nngp_test_train"))
    problem = _same_for_every_output(problem, "nngp_train")
    k, cross, test = _initial(problem, nngp_train, nngp_test_train, nngp_test)
    k = k + noise * torch.eye(len(k), dtype=k.dtype, device=k.device)
    remedy = "Remove duplicate inputs, or pass a positive noise."
    factor = cholesky("nngp_train", k, remedy, problem.precision)
    whitened = torch.linalg.solve_triangular(factor, cross.T, upper=False)
    covariance = test - whitened.T @ whitened
    # Rounding moves C = nngp_train + noise I by E: the covariance, by w^T E w for w = C^-1 nngp_test_train^T.
    weights = norms(torch.cholesky_solve(cross.T, factor).T)
    moved = spectral_rounding_bound(k, problem.precision) * weights.max() ** 2
    bound = moved + problem.unit * (test.abs().max() + 2 * (weights * norms(cross)).max())
    give = as_given(nngp_train, y, nngp_test_train, nngp_test)
    mean = cross @ torch.cholesky_solve(problem.residual, factor)
    return _gaussian(problem, mean, covariance, bound, give)


def norms(rows: Tensor) -> Tensor:
    """Returns the Euclidean norms of rows (n, d)."""
    return torch.linalg.vector_norm(rows, dim=1)


def _same_for_every_output(problem: Problem, argument: str) -> Problem:
    if problem.residual.shape[1] != problem.outputs:
        expected = "a kernel (n, n), the same for every output, as infinitely wide networks have it"
        remedy = "Pass nv.ntk or nv.nngp, or the mean over outputs of an empirical kernel."
        raise InvalidArgument(argument, f"one with {problem.outputs} outputs", expected, remedy)
    return problem


def _initial(problem: Problem, train: Array, cross: Array, test: Array) -> list[Tensor]:
    """Returns the covariances of the initial outputs in float64: (n, n), (m, n) and (m, m)."""
    rows, columns = problem.rows_at_test_points().shape
    parts = (
        as_kernel(train, "nngp_train"),
        as_matrix("nngp_test_train", cross, rows=rows, columns=columns),
        as_matrix("nngp_test", test, rows=rows, columns=rows),
    )
    return [part.to(problem.kernel) for part in parts]


def _gaussian(
    problem: Problem, mean: Tensor, covariance: Tensor, bound: Tensor, give: Callable[[Tensor], Array]
) -> Gaussian:
    smallest, unknown = covariance.diagonal().min().item(), bound.item()
    if smallest < -unknown:
        got = f"covariances that leave a test point the variance {smallest:.6g}"
        expected = f"those of one Gaussian (rounding explains {unknown:.3g})"
        raise InvalidArgument("nngp_test", got, expected, "Compute all three by nngp of one architecture.")
    negative = torch.eye(len(covariance), dtype=torch.bool, device=covariance.device) & (covariance < 0)
    kept = torch.where(negative, 0, covariance).to(problem.dtype)
    return Gaussian(give(mean.to(problem.dtype)), give(kept), unknown)
