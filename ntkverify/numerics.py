"""Rounding bounds, one thread so that sums keep their order, and factorisations that raise where they cannot
work: never repaired in silence."""

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor

from ntkverify.errors import NotPositiveDefinite

ROUNDING_CONSTANT = 8.0
"""Stated constant of every rounding bound here. Forming a kernel entry and one backward stable
symmetric factorisation contribute a few units each (Higham, Accuracy and Stability of Numerical
Algorithms, 2nd ed., section 10.1); 8 covers both."""


def unit_roundoff(dtype: torch.dtype) -> float:
    """Returns the largest relative error of one correctly rounded operation: 2^-53 for float64."""
    return torch.finfo(dtype).eps / 2


def spectral_rounding_bound(matrix: Tensor, precision: torch.dtype | None = None) -> float:
    """Bounds how far rounding can move an eigenvalue of the symmetric `matrix` (n, n), in its own units.

    The bound is unit roundoff x n x constant x largest row sum (which bounds the 2-norm from above).
    precision: the dtype that the entries were rounded to, where the matrix has been widened since.
    """
    size = matrix.abs().sum(dim=1).max().item()
    return ROUNDING_CONSTANT * unit_roundoff(precision or matrix.dtype) * len(matrix) * size


def eigenvalues(matrix: Tensor) -> Tensor:
    """Computes the eigenvalues (n,) of the symmetric part of `matrix` (n, n), ascending."""
    return torch.linalg.eigvalsh((matrix + matrix.T) / 2)


def cholesky(argument: str, matrix: Tensor, remedy: str, precision: torch.dtype | None = None) -> Tensor:
    """Computes the lower Cholesky factor (n, n) of a positive definite `matrix` (n, n).

    remedy: what the caller's user can do; precision: as in `spectral_rounding_bound`.
    Raises NotPositiveDefinite, with the smallest eigenvalue and the rounding bound, where the
    factorisation breaks down or the smallest eigenvalue cannot be told from zero.
    """
    factor, info = torch.linalg.cholesky_ex(matrix)
    # Large pivots do not bound the smallest eigenvalue from below, so it is always computed.
    smallest, bound = eigenvalues(matrix.detach())[0].item(), spectral_rounding_bound(matrix, precision)
    if info.item() != 0 or smallest <= bound:
        raise NotPositiveDefinite(argument, smallest, bound, remedy)
    return factor


def largest(values: Tensor) -> float:
    """Returns the largest size of a number, of real or imaginary parts; NaN where any is. One pass, unlike a norm."""
    values = torch.view_as_real(values.resolve_conj()) if values.is_complex() else values
    return max(map(abs, map(float, torch.aminmax(values.detach())))) if values.numel() else 0.0


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Small tensors are faster on one thread, and sums keep their order, so that a replay agrees."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
