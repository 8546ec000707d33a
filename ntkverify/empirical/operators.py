"""Kernels too large to hold: as linear operators, and their extreme eigenvalues."""

from typing import Literal

import numpy as np
import torch
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh
from torch import Tensor, nn

from ntkverify.empirical.blocks import blockwise_kernel
from ntkverify.empirical.checks import check_lazy, check_rows, checked
from ntkverify.empirical.choosing import MEMORY
from ntkverify.empirical.inputs import prepared
from ntkverify.empirical.plain_gradients import pulled_back
from ntkverify.empirical.pushing import Push, choose_push
from ntkverify.empirical.shapes import layout_of
from ntkverify.empirical.structured_derivatives import structured_features
from ntkverify.errors import InvalidArgument, NtkverifyError
from ntkverify.lazy import is_lazy
from ntkverify.models import Chosen, Examples, Inputs, Model, Output, Parameters, examined

DENSE = 64
"""Kernels up to this size are formed: Lanczos would take about as many products."""


def ntk_operator(
    net: nn.Module,
    x1: Inputs,
    x2: Inputs | None = None,
    *,
    output: Output | None = None,
    parameters: Chosen = None,
    memory: int = MEMORY,
) -> LinearOperator:
    """Returns the empirical NTK of x1 (n1, ...) against x2 (n2, ...), or x1, as a SciPy operator.

    It maps vectors (n2 * outputs,) to (n1 * outputs,), examples first, in float64. Each product is
    one backward and one forward-mode pass, over as many examples at a time as fit into `memory` bytes; without
    a forward mode that is right, two backward passes, or one for every output of every example.
    Arguments and errors are those of `empirical_ntk`.
    """
    model, first, second = prepared(net, x1, x2, output, parameters)
    check_lazy(model, "ntk_vector_products")
    with examined(net):
        model = checked(model, first)
        shape, push = layout_of(model, first).shape(frozenset()), choose_push(model, first[:2])
        each = 4 * (shape.activations + shape.outputs) * shape.bytes_per_number
        block = max(1, int((memory - 2 * shape.parameters * shape.bytes_per_number) // each))
        for rows in (*first.split(block), *second.split(block)):
            check_rows(model, rows)

    def product(to: Examples, of: Examples, v: np.ndarray) -> np.ndarray:
        with examined(net):
            gradient = _pulled_back(model, of, v.reshape(len(of), -1), block)
            return torch.cat([_pushed(push, model, gradient, rows) for rows in to.split(block)]).numpy()

    return LinearOperator(
        (len(first) * shape.outputs, len(second) * shape.outputs),
        matvec=lambda v: product(first, second, v),
        rmatvec=lambda v: product(second, first, v),
        dtype=np.float64,
    )


def _pulled_back(model: Model, x: Examples, v: np.ndarray, block: int) -> Parameters:
    """J^T v, the sum over blocks of examples."""
    total: Parameters = {}
    vectors = torch.as_tensor(v).to(model.values(x[:1])).split(block)
    for rows, part in zip(x.split(block), vectors, strict=True):
        gradient = pulled_back(model, rows, part)
        total = {name: total[name] + value for name, value in gradient.items()} if total else gradient
    return total


def _pushed(push: Push, model: Model, gradient: Parameters, x: Examples) -> Tensor:
    product = push(model, {name: value[None] for name, value in gradient.items()}, x)[0]
    return product.detach().flatten().cpu().double()


def largest_eigenvalue(model: Model, x: Examples) -> float:
    """Estimates the largest eigenvalue of the empirical NTK of x, all outputs together, from below, to about 1%.

    A few Lanczos steps from a fixed start: a Rayleigh quotient never exceeds the eigenvalue. Lazy networks, which
    are for few points, have no such steps: the eigenvalue of their kernel, to rounding.
    """
    if is_lazy(model.net):
        check_lazy(model, "structured_derivatives")
        names = frozenset(model.names)
        kernel = blockwise_kernel(
            lambda rows: structured_features(model, rows, names), x, x, len(x), full=True
        )
        return float(torch.linalg.eigvalsh(kernel.transpose(1, 2).flatten(2).flatten(0, 1))[-1])
    with examined(model.net):
        return _largest_by_products(model, x)


def _largest_by_products(model: Model, x: Examples) -> float:
    push, values = choose_push(model, x[:2]), model.values(x)
    size = values.numel()

    def product(v: np.ndarray) -> np.ndarray:
        gradient = pulled_back(model, x, torch.as_tensor(v).to(values).reshape(values.shape))
        return _pushed(push, model, gradient, x).numpy()

    operator = LinearOperator((size, size), matvec=product, dtype=np.float64)
    if size <= 8:  # Lanczos would take as many products
        return float(np.linalg.eigvalsh(operator @ np.eye(size))[-1])
    start = np.ones(size)
    if not np.any(operator @ start):  # a dead network, or one that Lanczos cannot start on
        return 0.0
    return float(eigsh(operator, k=1, tol=1e-2, ncv=8, v0=start, return_eigenvectors=False)[0])


def extreme_eigenvalues(
    net: nn.Module,
    x: Inputs,
    count: int = 1,
    *,
    which: Literal["largest", "smallest"] = "largest",
    tolerance: float = 1e-6,
    output: Output | None = None,
    parameters: Chosen = None,
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
    operator = ntk_operator(net, x, output=output, parameters=parameters, memory=memory)
    size = operator.shape[0]
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= size:
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
