"""The empirical NTK without its matrix: v -> J (J^T v) (Novak et al. 2022, section 3.2)."""

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Tensor, nn
from torch.func import jvp, vjp

from ntkverify.empirical.functional import Parameters, as_function


def ntk_operator(net: nn.Module, x: Tensor) -> LinearOperator:
    """The empirical NTK of the batch x (n, d) as an operator on vectors (n * outputs,)."""
    function, trainable = as_function(net)

    def outputs(parameters: Parameters) -> Tensor:
        return function(parameters, x)

    values, pull_back = vjp(outputs, trainable)

    def product(v: np.ndarray) -> np.ndarray:
        (gradient,) = pull_back(torch.as_tensor(v).to(values).reshape(values.shape))
        return jvp(outputs, (trainable,), (gradient,))[1].reshape(-1).cpu().double().numpy()

    size = values.numel()
    return LinearOperator((size, size), matvec=product, dtype=np.float64)


def largest_eigenvalue(net: nn.Module, x: Tensor) -> float:
    """The largest eigenvalue of the empirical NTK of x (n, d), from below, to about 1%.

    A few Lanczos steps from a fixed start: a Rayleigh quotient never exceeds the eigenvalue.
    """
    operator = ntk_operator(net, x)
    size = operator.shape[0]
    if size <= 8:  # Lanczos would take as many products
        return float(np.linalg.eigvalsh(operator @ np.eye(size))[-1])
    start = np.ones(size)
    if not np.any(operator @ start):  # a dead network, or one that Lanczos cannot start on
        return 0.0
    return float(eigsh(operator, k=1, tol=1e-2, ncv=8, v0=start, return_eigenvectors=False)[0])
