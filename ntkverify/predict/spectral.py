"""Training in function space through one eigendecomposition of the kernel.

Each eigendirection of eigenvalue l moves by l s(l) of its initial error, and a test point by what its
kernel row makes of s(l) times that error, where the filter s depends on the method and on the time alone.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from ntkverify.arrays import Array, as_given, as_matrix
from ntkverify.errors import NotPositiveDefinite
from ntkverify.numerics import spectral_rounding_bound
from ntkverify.predict.checks import kernel_and_targets

Filter = Callable[[Tensor], Tensor]
"""Eigenvalues (n,), none negative -> the filter s at every time asked for (times, n)."""


class Outputs(NamedTuple):
    """Predictions on the training points (n, outputs) and on the test points (m, outputs).

    Both have a leading axis (times, ...) where several times were asked for.
    """

    train: Array
    test: Array | None


def function_space_outputs(
    k_train: Array,
    y: Array,
    k_test_train: Array | None,
    f0_train: Array | None,
    f0_test: Array | None,
    filters: Filter,
    *,
    single: bool,
    forever: bool = False,
) -> Outputs:
    """Moves f0 as `filters` says. single: whether to drop the axis of times; forever: whether one of
    them is infinite, so that the kernel must be invertible."""
    k, targets = kernel_and_targets(k_train, y)
    spectrum, basis = nonnegative_spectrum(k, invertible=forever)
    start = torch.zeros_like(targets) if f0_train is None else initial("f0_train", f0_train, targets, len(k))
    error = basis.T @ (targets - start)
    coefficients = filters(spectrum)[:, :, None] * error  # (times, n, outputs)
    give = as_given(k_train, y, k_test_train, f0_train, f0_test)

    def moved(offset: Tensor | float, change: Tensor) -> Array:
        value = offset + change
        return give(value[0] if single else value)

    train = moved(start, basis @ (spectrum[:, None] * coefficients))
    if k_test_train is None:
        return Outputs(train, None)
    cross = as_matrix("k_test_train", k_test_train, columns=len(k)).to(k)
    offset = 0.0 if f0_test is None else initial("f0_test", f0_test, targets, len(cross))
    return Outputs(train, moved(offset, cross @ (basis @ coefficients)))


def nonnegative_spectrum(k: Tensor, *, invertible: bool = False) -> tuple[Tensor, Tensor]:
    """Computes eigenvalues (n,), ascending, and eigenvectors (n, n) of a kernel.

    Raises NotPositiveDefinite where an eigenvalue is negative beyond rounding, or, where the kernel must be
    invertible, cannot be told from zero.
    """
    spectrum, basis = torch.linalg.eigh((k + k.T) / 2)
    bound = spectral_rounding_bound(k)
    if invertible and spectrum[0] <= bound:
        remedy = "Remove duplicate inputs, or pass a finite time."
        raise NotPositiveDefinite("k_train", spectrum[0].item(), bound, remedy)
    if spectrum[0] < -bound:
        remedy = "No network has this kernel: residuals would grow in training."
        raise NotPositiveDefinite("k_train", spectrum[0].item(), bound, remedy)
    return spectrum.clamp(min=0), basis  # negative ones are rounding


def initial(argument: str, f0: Array, targets: Tensor, rows: int) -> Tensor:
    """Returns initial outputs (rows, outputs), of the dtype of `targets`."""
    return as_matrix(argument, f0, rows=rows, columns=targets.shape[1]).to(targets)
