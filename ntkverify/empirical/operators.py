"""Kernels too large to hold: as linear operators, and their extreme eigenvalues."""

from typing import Literal

import numpy as np
import torch
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh
from torch import Tensor, nn

from ntkverify.arrays import Array
from ntkverify.empirical.blocks import blockwise_kernel
from ntkverify.empirical.checks import check_lazy, check_network
from ntkverify.empirical.choosing import MEMORY, shape_of
from ntkverify.empirical.functional import (
    Function,
    Parameters,
    function_of_parameters,
    pulled_back,
    pushed_forward,
)
from ntkverify.empirical.inputs import inputs
from ntkverify.empirical.structured_derivatives import structured_features
from ntkverify.errors import InvalidArgument, NtkverifyError
from ntkverify.lazy import is_lazy

DENSE = 64
"""Kernels up to this size are formed: Lanczos would take about as many products."""


def ntk_operator(
    net: nn.Module, x1: Array, x2: Array | None = None, *, memory: int = MEMORY
) -> LinearOperator:
    """Returns the empirical NTK of x1 (n1, ...) against x2 (n2, ...), or x1, as a SciPy operator.

    It maps vectors (n2 * outputs,) to (n1 * outputs,), examples first, in float64. Each product is
    one backward and one forward-mode pass, over as many examples at a time as fit into `memory` bytes.
    Raises InvalidArgument as `empirical_ntk` does.
    """
    first, second = inputs(net, x1, x2)
    check_lazy(net, "ntk_vector_products")
    check_network(net, first)
    function, trainable = function_of_parameters(net)
    shape = shape_of(net, first)
    each = 4 * (shape.activations + shape.outputs) * shape.bytes_per_number
    block = max(1, int((memory - 2 * shape.parameters * shape.bytes_per_number) // each))

    def product(to: Tensor, of: Tensor, v: np.ndarray) -> np.ndarray:
        vector = torch.as_tensor(v).to(of).reshape(len(of), -1)
        gradient = _pulled_back(function, trainable, of, vector, block)
        parts = [pushed_forward(function, trainable, gradient, rows) for rows in to.split(block)]
        return torch.cat(parts).flatten().cpu().double().numpy()

    return LinearOperator(
        (len(first) * shape.outputs, len(second) * shape.outputs),
        matvec=lambda v: product(first, second, v),
        rmatvec=lambda v: product(second, first, v),
        dtype=np.float64,
    )


def _pulled_back(function: Function, parameters: Parameters, x: Tensor, v: Tensor, block: int) -> Parameters:
    """J^T v, the sum over blocks of examples."""
    total: Parameters = {}
    for rows, part in zip(x.split(block), v.split(block), strict=True):
        gradient = pulled_back(function, parameters, rows, part)
        total = {name: total[name] + value for name, value in gradient.items()} if total else gradient
    return total


def largest_eigenvalue(net: nn.Module, x: Tensor) -> float:
    """Estimates the largest eigenvalue of the empirical NTK of x (n, d), from below, to about 1%; outputs of
    any shape.

    A few Lanczos steps from a fixed start: a Rayleigh quotient never exceeds the eigenvalue. Lazy networks, which
    are for few points, have no such steps: the eigenvalue of their kernel, to rounding.
    """
    if is_lazy(net):
        check_lazy(net, "structured_derivatives")
        kernel = blockwise_kernel(lambda rows: structured_features(net, rows), x, x, len(x), full=True)
        return float(torch.linalg.eigvalsh(kernel.transpose(1, 2).flatten(2).flatten(0, 1))[-1])
    function, trainable = function_of_parameters(net)
    with torch.no_grad():
        shape = net(x).shape

    def product(v: np.ndarray) -> np.ndarray:
        gradient = pulled_back(function, trainable, x, torch.as_tensor(v).to(x).reshape(shape))
        return pushed_forward(function, trainable, gradient, x).flatten().cpu().double().numpy()

    size = shape.numel()
    operator = LinearOperator((size, size), matvec=product, dtype=np.float64)
    if size <= 8:  # Lanczos would take as many products
        return float(np.linalg.eigvalsh(operator @ np.eye(size))[-1])
    start = np.ones(size)
    if not np.any(operator @ start):  # a dead network, or one that Lanczos cannot start on
        return 0.0
    return float(eigsh(operator, k=1, tol=1e-2, ncv=8, v0=start, return_eigenvectors=False)[0])


def extreme_eigenvalues(
    net: nn.Module,
    x: Array,
    count: int = 1,
    *,
    which: Literal["largest", "smallest"] = "largest",
    tolerance: float = 1e-6,
    memory: int = MEMORY,
) -> np.ndarray:
    """Computes the `count` largest or smallest eigenvalues (count,) of the empirical NTK of x (n, ...),
    ascending.

    By Lanczos on products, without the matrix (`scipy.sparse.linalg.eigsh`), to `tolerance` relative
    to the eigenvalue. Smallest ones that are below rounding (size x unit roundoff x the largest)
    cannot be told from 0.
    Raises InvalidArgument for a bad count or name, NtkverifyError where Lanczos does not converge.
    """
    if which not in ("largest", "smallest"):
        raise InvalidArgument("which", repr(which), "'largest' or 'smallest'", "Choose one.")
    operator = ntk_operator(net, x, memory=memory)
    size = operator.shape[0]
    if not 1 <= count <= size:
        raise InvalidArgument("count", repr(count), f"1 to {size}, the size of the kernel", "Ask for fewer.")
    if size <= max(DENSE, 4 * count):
        values = np.linalg.eigvalsh(operator @ np.eye(size))
        return values[-count:] if which == "largest" else values[:count]
    start = np.random.default_rng(0).standard_normal(size)
    try:
        found = eigsh(
            operator,
            k=count,
            which="LA" if which == "largest" else "SA",
            tol=tolerance,
            v0=start,
            ncv=min(size - 1, max(2 * count + 1, 20 if which == "largest" else 60)),
            return_eigenvectors=False,
        )
    except ArpackNoConvergence as error:
        remedy = "Remedy: a larger tolerance, or fewer eigenvalues."
        raise NtkverifyError(
            f"Lanczos did not converge to the {which} eigenvalues: {error}. {remedy}"
        ) from error
    return np.sort(found)
