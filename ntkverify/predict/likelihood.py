"""How probable targets are under the Gaussian process of infinitely wide networks."""

import math

import torch
from torch import Tensor

from ntkverify.arrays import Array, as_given
from ntkverify.numerics import cholesky
from ntkverify.predict.checks import check_at_least_0
from ntkverify.predict.problems import pose


def log_marginal_likelihood(nngp_train: Array, y: Array, noise: float | Tensor = 0.0) -> Array:
    """Computes the log density of targets y under the NNGP, outputs independent: a scalar, summed over them.

    nngp_train: (n, n), y: (n, outputs); noise: variance of the targets' noise. It is
    -1/2 sum_o y_o^T C^-1 y_o - outputs / 2 (log det C + n log 2 pi), for C = nngp_train + noise I (Rasmussen &
    Williams 2006, equation 2.30), and differentiable in all three where they are tensors.
    Raises InvalidArgument for a negative noise or shapes that do not fit, NotPositiveDefinite where C cannot be
    inverted in its precision.
    """
    check_at_least_0("noise", noise, "It is a variance.")
    problem = pose(nngp_train, y, names=("nngp_train", ""))
    k, targets = problem.kernel, problem.residual
    remedy = "Remove duplicate inputs, or pass a positive noise."
    regularised = k + noise * torch.eye(len(k), dtype=k.dtype, device=k.device)
    factor = cholesky("nngp_train", regularised, remedy, problem.precision)
    whitened = torch.linalg.solve_triangular(factor, targets, upper=False)
    volume = 2 * factor.diagonal().log().sum() + len(k) * math.log(2 * math.pi)
    density = -((whitened**2).sum() + targets.shape[1] * volume) / 2
    return as_given(nngp_train, y, noise)(density.to(problem.dtype))[()]
