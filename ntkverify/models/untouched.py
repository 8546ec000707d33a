"""Running a module so that torch can differentiate it in every way, and without leaving a trace in it."""

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

CONTAINERS = (list, dict, set)
"""Plain attributes whose contents a forward pass may change in place."""


@contextlib.contextmanager
def untouched(net: nn.Module) -> Iterator[None]:
    """Gives every module of `net` back the attributes that it had, whatever its forward pass keeps: a tensor that it
    made of parameters and caches would stand for them in the next pass."""
    attributes = [(module, dict(module.__dict__), _contents(module)) for module in net.modules()]
    try:
        yield
    finally:
        for module, before, contents in attributes:
            module.__dict__.clear()
            module.__dict__.update(before)
            for container, content in contents:
                _refill(container, content)


@contextlib.contextmanager
def _buffers_kept(net: nn.Module) -> Iterator[None]:
    buffers = [(buffer, buffer._version, buffer.clone()) for buffer in net.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, version, values in buffers:
                if buffer._version != version:
                    buffer.copy_(values)


@contextlib.contextmanager
def examined(net: nn.Module) -> Iterator[None]:
    """Gives buffers back their values, beside the attributes that each pass of a `Model` gives back; attention is computed in the way that can be differentiated forward and
    batched, what was compiled runs as it was written, and torch does not warn of operations that it batches one by
    one."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    eager = getattr(torch.compiler, "set_stance", lambda _: contextlib.nullcontext())
    try:
        with (
            _buffers_kept(net),
            sdpa_kernel(SDPBackend.MATH),
            eager("force_eager"),
            warnings.catch_warnings(),
        ):
            warnings.filterwarnings(
                "ignore", "There is a performance drop because we have not yet implemented"
            )
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def _contents(module: nn.Module) -> list[tuple[Any, Any]]:
    return [(value, value.copy()) for value in module.__dict__.values() if type(value) in CONTAINERS]


def _refill(container: Any, content: Any) -> None:
    if isinstance(container, list):
        container[:] = content
    else:
        container.clear()
        container.update(content)
