"""What a network returns, as one tensor with the examples on its first axis."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor

from ntkverify.errors import InvalidArgument

Output = Callable[[Any], Tensor]
"""Takes what a network returns, and returns a tensor (n, ...) of it."""

USUAL = "logits"
"""The tensor that is meant where a network returns several, by its usual name."""


def tensor_of(returned: Any, output: Output | None, count: int) -> Tensor:
    """Returns the outputs (count, ...) in what a network returned for `count` examples.

    output: picks a tensor; None takes the only one of a tuple, mapping or dataclass, or the one called "logits".
    Raises InvalidArgument for what holds no such tensor, for complex numbers, and for a first axis that is not
    that of the examples.
    """
    values = _only(returned) if output is None else output(returned)
    if not isinstance(values, Tensor):
        got = f"output= that returns {type(values).__name__}"
        raise InvalidArgument(
            "output", got, "a tensor (n, ...)", "Return one tensor of what the network returns."
        )
    if not values.is_floating_point():
        remedy = "Return real numbers that can be differentiated, such as output=torch.view_as_real for complex ones."
        raise InvalidArgument(
            "net", f"a network with {values.dtype} outputs", "floating-point outputs", remedy
        )
    if count == 1 and values.ndim == 0:
        return values.reshape(1)  # a squeeze of a single example
    if values.ndim == 0 or values.shape[0] != count or values.numel() == 0:
        raise _misshapen(tuple(values.shape), count)
    return values


def _misshapen(shape: tuple[int, ...], count: int) -> InvalidArgument:
    return InvalidArgument(
        "net",
        f"a network with output shape {shape} for {count} example{'s' if count > 1 else ''}",
        f"shape ({count}, ...)",
        "Return one row for each example: drop a squeeze, a flatten or a mean, or undo it with output=.",
    )


def _only(returned: Any) -> Tensor:
    found = dict(_tensors(returned))
    if USUAL in found:
        return found[USUAL]
    if len(found) == 1:
        return next(iter(found.values()))
    got = f"a network that returns {type(returned).__name__} with {len(found)} tensors"
    if found:
        got += f" ({', '.join(found)})"
    raise InvalidArgument(
        "net", got, "one tensor", "Pass output=, a function that returns the one that you mean."
    )


def _tensors(returned: Any) -> Iterator[tuple[str, Tensor]]:
    """Yields the floating-point or complex tensors in what a network returned, with their names."""
    if isinstance(returned, Tensor):
        yield "", returned
        return
    if dataclasses.is_dataclass(returned) and not isinstance(returned, type):
        parts: list[tuple[str, Any]] = [
            (f.name, getattr(returned, f.name)) for f in dataclasses.fields(returned)
        ]
    elif isinstance(returned, Mapping):
        parts = [(str(name), value) for name, value in returned.items()]
    elif isinstance(returned, (tuple, list)):
        names = getattr(returned, "_fields", None) or map(str, range(len(returned)))
        parts = list(zip(names, returned, strict=True))
    else:
        parts = []
    for name, value in parts:
        for below, tensor in _tensors(value):
            if tensor.is_floating_point() or tensor.is_complex():
                yield f"{name}.{below}" if below else name, tensor
