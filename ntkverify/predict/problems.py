"""A training problem in function space: matrices in double precision, whatever kernels and dtypes it came in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ntkverify.arrays import Array, as_given, as_matrix
from ntkverify.errors import InvalidArgument
from ntkverify.numerics import ROUNDING_CONSTANT, unit_roundoff
from ntkverify.predict.checks import as_targets, check_symmetric, flat


class Outputs(NamedTuple):
    """Predictions on the training points (n, outputs) and on the test points (m, outputs).

    Both have a leading axis (times, ...) where several times were asked for.
    """

    train: Array
    test: Array | None


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is learned, and how far apart it is from where training starts, all in float64.

    kernel: (p, p), cross: (q, p) or None, residual: targets less initial outputs (p, c), start: (p, c),
    start_test: (q, c) or 0. A kernel that is the same for every output has p = n points and c = outputs columns;
    a full one has a row for each output of each point, p = n outputs, and c = 1.
    outputs: their number. dtype: that of the results. precision: the coarser dtype of the two kernels' entries.
    give: hands a tensor back as the arguments came.
    """

    kernel: Tensor
    cross: Tensor | None
    residual: Tensor
    start: Tensor
    start_test: Tensor | float
    outputs: int
    dtype: torch.dtype
    precision: torch.dtype
    give: Callable[[Tensor], Array]

    @property
    def unit(self) -> float:
        """Is the relative error of a kernel's entry, and of a product with the kernel in float64."""
        arithmetic = len(self.kernel) * unit_roundoff(torch.float64)
        return ROUNDING_CONSTANT * max(unit_roundoff(self.precision), arithmetic)

    def rows_at_test_points(self) -> Tensor:
        """Returns the kernel (q, p) between test and training points; raises InvalidArgument where it is None."""
        if self.cross is None:
            remedy = "Pass the kernel of the test points with the training points."
            raise InvalidArgument("k_test_train", "None", "a kernel", remedy)
        return self.cross

    def restore(self, values: Tensor) -> Array:
        """Returns values (..., p, c) or (..., q, c) as (..., points, outputs), as the arguments came."""
        return self.give(values.reshape(*values.shape[:-2], -1, self.outputs).to(self.dtype))

    def outputs_after(self, coefficients: Tensor, train: Tensor | None = None) -> Outputs:
        """Returns the outputs that kernel rows times `coefficients` (..., p, c) move.

        train: (..., p, c), the change on the training points where it is known more exactly.
        """
        moved = self.restore(self.start + (self.kernel @ coefficients if train is None else train))
        if self.cross is None:
            return Outputs(moved, None)
        return Outputs(moved, self.restore(self.start_test + self.cross @ coefficients))


def pose(
    k_train: Array,
    y: Array,
    k_test_train: Array | None = None,
    f0_train: Array | None = None,
    f0_test: Array | None = None,
    *,
    names: tuple[str, str] = ("k_train", "k_test_train"),
) -> Problem:
    """Brings a problem into the form of `Problem`. names: of the kernels, in messages.

    Raises InvalidArgument for arrays that are no kernels, do not fit one another, or initial outputs on the
    training points without those on the test points, or the reverse.
    """
    kernel, full = flat(names[0], k_train)
    check_symmetric(names[0], kernel)
    points = len(kernel) // (full or 1)
    targets = as_targets(y, points, full)
    cross = None
    if k_test_train is not None:
        cross, cross_full = flat(names[1], k_test_train, columns=points, outputs=full)
        if cross_full != full:
            got, expected = np.shape(k_test_train), f"as many axes as {names[0]} has"
            raise InvalidArgument(names[1], f"shape {tuple(got)}", expected, "Compute both alike.")
    columns = targets.shape[1]
    start = None if f0_train is None else as_matrix("f0_train", f0_train, rows=points, columns=columns)
    start_test = _initial_test(f0_train, f0_test, cross, full or 1, columns)
    parts = [kernel] if cross is None else [kernel, cross]

    def column(part: Tensor, rows: int) -> Tensor:
        return part.to(kernel.device, torch.float64).reshape(rows, -1)

    wanted = column(targets, len(kernel))
    begin = torch.zeros_like(wanted) if start is None else column(start, len(kernel))
    return Problem(
        kernel=kernel.double(),
        cross=None if cross is None else cross.to(kernel.device, torch.float64),
        residual=wanted - begin,
        start=begin,
        start_test=0.0 if start_test is None or cross is None else column(start_test, len(cross)),
        outputs=columns,
        dtype=kernel.dtype,
        precision=min((part.dtype for part in parts), key=lambda dtype: torch.finfo(dtype).bits),
        give=as_given(k_train, y, k_test_train, f0_train, f0_test),
    )


def _initial_test(
    f0_train: Any, f0_test: Any, cross: Tensor | None, rows_each: int, columns: int
) -> Tensor | None:
    remedy = "A network starts somewhere on both: pass both, zeros where it starts at 0, or neither."
    if f0_test is not None and (f0_train is None or cross is None):
        missing = "f0_train" if f0_train is None else "k_test_train"
        raise InvalidArgument("f0_test", f"it without {missing}", "both or neither", remedy)
    if f0_train is not None and cross is not None and f0_test is None:
        raise InvalidArgument("f0_test", "None", "the initial outputs on the test points", remedy)
    if f0_test is None or cross is None:
        return None
    return as_matrix("f0_test", f0_test, rows=len(cross) // rows_each, columns=columns)
