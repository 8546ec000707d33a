"""Reading what users pass as inputs: numbers stay as they are given, and bad arrays are refused at the door."""

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import keystr, tree_flatten_with_path, tree_leaves

from ntkverify.arrays import Array, as_tensor
from ntkverify.errors import InvalidArgument
from ntkverify.models.examples import Call, Examples, Form


def examples_for(net: nn.Module, argument: str, value: Any) -> Examples:
    """Reads `value` (see `Inputs`) as examples for `net`, on the device of its parameters, numbers as they are.

    Raises InvalidArgument, naming `argument`, where there is no array, where arrays differ in their first axis, and
    for one that is empty, sparse, masked, without values or not finite.
    """
    single = not _is_nest(value)
    paths, spec = tree_flatten_with_path(as_tensor(argument, value) if single else value)
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
    if single and found[0].ndim == 1 and found[0].is_floating_point():
        remedy = "Pass one example per entry of the first axis; a single feature is a column: x[:, None]."
        raise InvalidArgument(argument, f"shape {tuple(found[0].shape)}", "shape (n, ...)", remedy)
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
    tensor = as_tensor(argument, array)
    if tensor.numel() == 0:
        remedy = "Pass at least one example."
        raise InvalidArgument(argument, f"shape {tuple(tensor.shape)}", "no empty axis", remedy)
    rows = tensor.reshape(len(tensor), -1)
    broken = ~torch.isfinite(rows)
    if broken.any():
        row, column = broken.nonzero()[0].tolist()
        got = (
            f"{rows[row, column].item()} in example {row}, entry {column} ({int(broken.sum())} such entries)"
        )
        raise InvalidArgument(argument, got, "finite numbers", "Remove or impute those examples first.")
    return tensor
