"""NumPy in gives NumPy out, torch in gives torch out; bad arrays are refused at the door."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ntkverify.errors import InvalidArgument

Array = np.ndarray | Tensor


def as_matrix(argument: str, value: Any, *, rows: int | None = None, columns: int | None = None) -> Tensor:
    """Converts `value` to a finite float tensor of shape (rows, columns); integers become float64.

    Raises InvalidArgument, naming `argument`, for anything else: another shape, an empty
    batch, NaN or infinite entries, complex numbers.
    """
    tensor = value if isinstance(value, Tensor) else _from_numpy(argument, value)
    if tensor.dtype not in (torch.float32, torch.float64):
        tensor = tensor.to(torch.float64)
    expected = f"shape ({rows or 'n'}, {columns or 'd'}) with at least one row and one column"
    wrong_rows, wrong_columns = (
        tensor.ndim == 2 and wanted is not None and tensor.shape[axis] != wanted
        for axis, wanted in enumerate((rows, columns))
    )
    if tensor.ndim != 2 or tensor.numel() == 0 or wrong_rows or wrong_columns:
        remedy = "Pass one row per point; a single feature is a column: x[:, None]."
        raise InvalidArgument(argument, f"shape {tuple(tensor.shape)}", expected, remedy)
    bad = (~torch.isfinite(tensor)).nonzero()
    if len(bad):
        row, column = bad[0].tolist()
        raise InvalidArgument(
            argument,
            f"{tensor[row, column].item()} at row {row}, column {column} ({len(bad)} such entries)",
            "finite numbers",
            "Remove or impute those rows first.",
        )
    return tensor


def as_batch(argument: str, value: Any, *, shape: tuple[int, ...] | None = None) -> Tensor:
    """Converts `value` to a finite float tensor (n, ...) of at least two axes, each example of that `shape`.

    Raises InvalidArgument, naming `argument`, as `as_matrix` does.
    """
    tensor = value if isinstance(value, Tensor) else _from_numpy(argument, value)
    if tensor.ndim < 2 or (shape is not None and tensor.shape[1:] != shape):
        each = "..." if shape is None else ", ".join(map(str, shape))
        remedy = "Pass one example per entry of the first axis; a single feature is a column: x[:, None]."
        raise InvalidArgument(argument, f"shape {tuple(tensor.shape)}", f"shape (n, {each})", remedy)
    return as_matrix(argument, tensor.flatten(1)).reshape(tensor.shape)


def _from_numpy(argument: str, value: Any) -> Tensor:
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        remedy = "Convert it with numpy.asarray(value, dtype=float)."
        raise InvalidArgument(
            argument, f"{type(value).__name__} of dtype {array.dtype}", "real numbers", remedy
        )
    # A copy: torch cannot hold negative strides or read-only memory.
    return torch.from_numpy(np.array(array, dtype=np.float32 if array.dtype == np.float32 else np.float64))


def as_given(*arguments: Any) -> Callable[[Tensor], Array]:
    """Returns how to hand a tensor back: as it is if any argument is a tensor, else as a NumPy array."""
    if any(isinstance(argument, Tensor) for argument in arguments):
        return lambda tensor: tensor
    return _as_numpy


def _as_numpy(tensor: Tensor) -> np.ndarray:
    tensor = tensor.detach().cpu()
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
