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
    batch, NaN or infinite entries, and what `as_tensor` refuses.
    """
    tensor = as_tensor(argument, value)
    if tensor.dtype not in (torch.float32, torch.float64):
        tensor = tensor.to(torch.float64)
    expected = f"shape ({rows or 'n'}, {columns or 'd'}) with at least one row and one column"
    wrong_rows, wrong_columns = (
        tensor.ndim == 2 and wanted is not None and tensor.shape[axis] != wanted
        for axis, wanted in enumerate((rows, columns))
    )
    if tensor.ndim != 2 or tensor.numel() == 0 or wrong_rows or wrong_columns:
        more = tensor.ndim > 2
        which = (
            "flatten images: x.reshape(len(x), -1)" if more else "a single feature is a column: x[:, None]"
        )
        remedy = f"Pass one row per point; {which}."
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
    tensor = as_tensor(argument, value)
    if tensor.ndim < 2 or (shape is not None and tensor.shape[1:] != shape):
        each = "..." if shape is None else ", ".join(map(str, shape))
        remedy = "Pass one example per entry of the first axis; a single feature is a column: x[:, None]."
        raise InvalidArgument(argument, f"shape {tuple(tensor.shape)}", f"shape (n, {each})", remedy)
    return as_matrix(argument, tensor.flatten(1)).reshape(tensor.shape)


def as_tensor(argument: str, value: Any) -> Tensor:
    """Reads real numbers of any shape as an ordinary tensor, of their own dtype.

    Raises InvalidArgument, naming `argument`, for what would lose something on the way: complex numbers, masked
    entries, sparse, quantized and meta tensors, and what holds no numbers.
    """
    return _plain(argument, value) if isinstance(value, Tensor) else _from_numpy(argument, value)


def _plain(argument: str, tensor: Tensor) -> Tensor:
    """Returns the tensor; raises InvalidArgument for one whose entries cannot be read as real numbers."""
    expected = "a dense tensor of real numbers"
    if tensor.is_complex():
        raise InvalidArgument(argument, f"a tensor of dtype {tensor.dtype}", expected, COMPLEX)
    for kind, is_such, remedy in (
        ("meta", tensor.is_meta, "It holds no numbers: make it on a device."),
        ("quantized", tensor.is_quantized, "Call .dequantize() on it."),
        ("nested", tensor.is_nested, "Pass one example after the other, or pad them."),
        ("sparse", tensor.layout != torch.strided, "Call .to_dense() on it."),
    ):
        if is_such:
            raise InvalidArgument(argument, f"a {kind} tensor", expected, remedy)
    return tensor


def _from_numpy(argument: str, value: Any) -> Tensor:
    if hasattr(value, "toarray"):  # SciPy's
        got = f"a sparse {type(value).__name__}"
        raise InvalidArgument(argument, got, "a dense array of real numbers", "Call .toarray() on it.")
    _refuse_masks(argument, value)
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:  # ragged lists, lists of tensors that torch keeps
        got = f"{type(value).__name__} that numpy cannot read ({error})"
        raise InvalidArgument(argument, got, "an array of real numbers", "Pass one array.") from error
    if array.dtype.kind not in "fiub":
        complexes = array.dtype.kind == "c"
        remedy = COMPLEX if complexes else "Convert it with numpy.asarray(value, dtype=float)."
        got = f"{type(value).__name__} of dtype {array.dtype}"
        raise InvalidArgument(argument, got, "real numbers", remedy)
    kind = KEPT.get(array.dtype.str[1:], np.int64 if array.dtype.kind in "iu" else np.float64)
    # A copy: torch cannot hold negative strides, read-only memory, or another byte order.
    return torch.from_numpy(np.array(array, dtype=np.float64 if array.dtype.str[1:] == "u8" else kind))


def _refuse_masks(argument: str, value: Any) -> None:
    """Raises InvalidArgument for a masked array, or a sequence of them, with any entry masked."""
    parts = value if isinstance(value, (list, tuple)) else [value]
    masked = sum(int(np.ma.count_masked(part)) for part in parts if isinstance(part, np.ma.MaskedArray))
    if masked:
        remedy = "Remove or impute those entries first: value.filled(...), or numpy.ma.compress_rows(value)."
        raise InvalidArgument(argument, f"an array with {masked} masked entries", "none masked", remedy)


KEPT = {"b1": np.bool_, "u1": np.uint8, "f2": np.float16, "f4": np.float32}
"""NumPy's dtypes that torch has too, beside int64 and float64, which the others become."""

COMPLEX = "Pass real and imaginary parts as features of their own, or .real where there is no imaginary part."


def as_given(*arguments: Any) -> Callable[[Tensor], Array]:
    """Returns how to hand a tensor back: as it is if any argument is a tensor, else as a NumPy array."""
    if any(isinstance(argument, Tensor) for argument in arguments):
        return lambda tensor: tensor
    return as_numpy


def as_numpy(tensor: Tensor) -> np.ndarray:
    """Returns the numbers as a NumPy array, which knows no bfloat16: that becomes float32."""
    tensor = tensor.detach().cpu()
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
