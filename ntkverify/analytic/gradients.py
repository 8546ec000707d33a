"""Kernels whose graph would fill the memory: computed without one, and tile by tile again for their gradients."""

import functools
import itertools
import math
from collections.abc import Callable, Hashable, Iterator
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ntkverify.analytic.recursion import Kernel

PROBED = 8
"""Rows and columns of the block whose graph is measured."""

OVERHEAD = 1.25
"""Bytes in use while a graph is made and gone through, over those that it keeps: at most 1.01 for four activations at
depths 1 to 10, where PROBED rows were measured; a test measures some of them again."""

Tile = Callable[..., Tensor]
"""Rows of x1, rows of x2, then anything else that is differentiated -> the kernel between the rows."""


def graph_bytes(both: Callable[..., Kernel], x1: Tensor, x2: Tensor, *rest: Tensor) -> float:
    """Estimates the bytes for each pair of points that the graph of a kernel takes, from a small block of it."""
    rows1, rows2 = x1[:PROBED], x2[:PROBED]
    with torch.enable_grad():
        block = both(rows1, rows2, *rest)
    # All that was computed with the kernel has a graph while it is made, whether the kernel depends on it or not.
    parts = (block.ntk, *(getattr(block.moments, field.name) for field in fields(block.moments)))
    # Not by hooks on what is saved: activations that differentiate inside (`torch.func.grad`) refuse those.
    storages = [
        kept.untyped_storage() for kept in _saved([part for part in parts if isinstance(part, Tensor)])
    ]
    sizes = {storage.data_ptr(): storage.nbytes() for storage in storages}
    return OVERHEAD * sum(sizes.values()) / (len(rows1) * len(rows2))


def _saved(results: list[Tensor]) -> Iterator[Tensor]:
    """Yields the tensors that the graphs behind results keep for their backward passes."""
    open_nodes: list[Any] = [result.grad_fn for result in results if result.grad_fn is not None]
    seen = set(open_nodes)
    while open_nodes:
        node = open_nodes.pop()
        for name in _slots(node.__class__):
            value = getattr(node, name)
            several = value if isinstance(value, tuple) else (value,)
            yield from (part for part in several if isinstance(part, Tensor))
        new = {following for following, _ in node.next_functions if following is not None} - seen
        seen |= new
        open_nodes += new


@functools.cache
def _slots(kind: Hashable) -> tuple[str, ...]:
    return tuple(name for name in dir(kind) if name == "saved_tensors" or name.startswith("_saved_"))


class Tiled(torch.autograd.Function):
    """The kernel (n1, n2) that `whole` computes without a graph; its gradients by `tile`, `side` rows and columns
    at a time. They cannot be differentiated again."""

    @staticmethod
    def forward(
        ctx: Any, whole: Callable[[], Tensor], tile: Tile, side: int, *differentiated: Tensor
    ) -> Tensor:
        """Takes x1, x2 and what else is differentiated last."""
        ctx.tile, ctx.side = tile, side
        ctx.save_for_backward(*differentiated)
        return whole()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Sums the gradients of all tiles."""
        inputs = ctx.saved_tensors
        sums = [torch.zeros_like(part) for part in inputs]
        corners = itertools.product(*(range(0, extent, ctx.side) for extent in gradient.shape))
        for i, j in corners:
            rows, columns = slice(i, i + ctx.side), slice(j, j + ctx.side)
            places: list[Any] = [rows, columns, *[...] * (len(inputs) - 2)]
            parts = [part.detach()[at].requires_grad_() for part, at in zip(inputs, places, strict=True)]
            with torch.enable_grad():
                block = ctx.tile(*parts)
            found = torch.autograd.grad(block, parts, gradient[rows, columns], allow_unused=True)
            for total, at, one in zip(sums, places, found, strict=True):
                if one is not None:
                    total[at] += one
        return None, None, None, *sums


def side_within(memory: float, bytes_per_pair: float) -> int:
    """Returns the rows and columns of the largest square tile that `memory` holds; 0 where it holds none."""
    return math.isqrt(int(memory // bytes_per_pair)) if memory > 0 else 0
