"""Reading what users pass as inputs: numbers stay as they are given, and bad arrays are refused at the door."""

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import keystr, tree_flatten_with_path, tree_leaves

from ntkverify.arrays import Array
from ntkverify.errors import InvalidArgument
from ntkverify.models.examples import Call, Examples, Form


def examples_for(net: nn.Module, argument: str, value: Any) -> Examples:
    """Reads `value` (see `Inputs`) as examples for `net`, on the device of its parameters, numbers as they are.

    Raises InvalidArgument, naming `argument`, where there is no array, where arrays differ in their first axis, and
    for one that is empty, sparse, masked, without values or not finite.
    """
    single = not _is_nest(value)
    paths, spec = tree_flatten_with_path(np.asarray(value) if single and not _is_array(value) else value)
    named = [(keystr(path), leaf) for path, leaf in paths]
    arrays = [_read(f"{argument}{name}", leaf) if _is_array(leaf) else None for name, leaf in named]
    found = [array for array in arrays if array is not None]
    if len({len(array) for array in found}) != 1:
        got = ", ".join(
            f"{name} of {len(array)}"
            for (name, _), array in zip(named, arrays, strict=True)
            if array is not None
        )
        remedy = "Arrays have the examples on their first axis, as many in each."
        raise InvalidArgument(
            argument, got or f"{type(value).__name__} without an array", "arrays (n, ...)", remedy
        )
    device = next(net.parameters()).device
    form = Form(
        spec=spec,
        call="one" if single else _call(net, value),
        names=tuple(name for (name, _), array in zip(named, arrays, strict=True) if array is not None),
        constants=tuple(
            (leaf,) if array is None else None for (_, leaf), array in zip(named, arrays, strict=True)
        ),
    )
    return Examples(tuple(array.to(device).detach() for array in found), form)


def arrays_in(value: Any) -> list[Array]:
    """Lists the arrays in inputs."""
    return [leaf for leaf in tree_leaves(value) if _is_array(leaf)]


def _is_array(value: Any) -> bool:
    return isinstance(value, (np.ndarray, Tensor)) and value.ndim > 0


def _is_nest(value: Any) -> bool:
    if isinstance(value, tuple):
        return any(_is_array(part) or _is_nest(part) for part in value)
    return isinstance(value, Mapping)


def _call(net: nn.Module, value: Any) -> Call:
    try:
        signature = inspect.signature(net.forward)
        if isinstance(value, Mapping):
            signature.bind(**value)
            return "keywords"
        signature.bind(*value)
    except (TypeError, ValueError):
        return "one"
    return "positional"


def _read(argument: str, array: Array) -> Tensor:
    """Returns a tensor (n, ...) of the numbers as they were given."""
    if isinstance(array, np.ma.MaskedArray) and np.ma.is_masked(array):
        raise InvalidArgument(
            argument, "an array with masked entries", "no mask", "Fill or leave out those rows."
        )
    if isinstance(array, np.ndarray):
        if array.dtype.kind not in "fiubc":
            remedy = "Convert it with numpy.asarray(value, dtype=float)."
            raise InvalidArgument(argument, f"an array of dtype {array.dtype}", "numbers", remedy)
        array = torch.from_numpy(np.array(array, dtype=_width(array.dtype)))
    if array.layout is not torch.strided or array.is_nested:
        raise InvalidArgument(
            argument, "a sparse or nested tensor", "a dense one", "Pass x.to_dense(), or pad it."
        )
    if array.is_meta or array.is_quantized:
        remedy = "Pass the values: x.dequantize(), or a tensor on a device."
        raise InvalidArgument(argument, "a tensor without plain values", "numbers", remedy)
    if array.numel() == 0:
        remedy = "Pass at least one example."
        raise InvalidArgument(argument, f"shape {tuple(array.shape)}", "no empty axis", remedy)
    broken = ~torch.isfinite(array.flatten(1) if array.ndim > 1 else array[:, None])
    if broken.any():
        row, column = broken.nonzero()[0].tolist()
        value = array.reshape(len(array), -1)[row, column].item()
        got = f"{value} in example {row}, entry {column} ({int(broken.sum())} such entries)"
        raise InvalidArgument(argument, got, "finite numbers", "Remove or impute those examples first.")
    return array


def _width(dtype: np.dtype) -> np.dtype:
    """Keeps what torch has, and takes the widest of its kind for what it has not (long doubles, unsigned)."""
    widest = {"f": np.float64, "c": np.complex128, "i": np.int64, "u": np.int64, "b": np.bool_}
    known = dtype.kind == "b" or dtype in (np.float16, np.float32, np.float64, np.complex64, np.complex128)
    return (
        dtype.newbyteorder("=")
        if known or dtype in (np.int8, np.int16, np.int32, np.uint8)
        else np.dtype(widest[dtype.kind])
    )
