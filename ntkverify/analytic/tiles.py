"""Large kernel matrices, tile by tile: in the processor's cache, one half only where they are symmetric.

Cosines come from matrix products; where a product would lose digits, near parallel and antiparallel
pairs, from differences of unit vectors. Works in double precision whatever the inputs.
"""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from ntkverify.analytic.angular import TileKernel, angular_kernel
from ntkverify.analytic.recursion import angle_kernel, polar, propagate
from ntkverify.architecture import Architecture
from ntkverify.numerics import one_thread

TILE = 256
"""Rows and columns: a dozen such matrices of doubles fit into a usual second-level cache."""

BYTES_PER_PAIR = 32 * 8
"""Of memory that a tile takes beside the result: two dozen doubles at most where all duals have closed forms."""

NEAR = 2.0**-8
"""Where 1 - |cosine| is below, it is taken from differences: a product of unit vectors errs by about
sqrt(d) roundoffs, which is 1e-12 of NEAR for d up to a million."""

DIFFERENCES_AT_ONCE = 2**20


def workers() -> int:
    """Returns how many tiles are computed at a time."""
    return torch.get_num_threads()


def evaluate(part: str, arch: Architecture, x1: Tensor, x2: Tensor | None, side: int = TILE) -> Tensor:
    """Computes the "nngp" or "ntk" (n1, n2), in x1's dtype, of x1 (n1, d) and x2 (n2, d), by default x1.

    side: rows and columns of a tile.
    """
    first = polar(x1.detach().double())
    second = first if x2 is None else polar(x2.detach().double())
    tile_kernel = angular_kernel(part, arch, first[0], second[0]) or _recursion(part, arch)
    out = torch.empty(len(x1), len(first[0] if x2 is None else x2), dtype=x1.dtype, device=x1.device)
    corners = [
        (i, j)
        for i in range(0, out.shape[0], side)
        for j in range(i if x2 is None else 0, out.shape[1], side)
    ]

    @torch.no_grad()
    def fill(corner: tuple[int, int]) -> None:
        i, j = corner
        rows, columns = slice(i, i + side), slice(j, j + side)
        (norm1, unit1), (norm2, unit2) = (
            (norm[at], unit[at]) for (norm, unit), at in ((first, rows), (second, columns))
        )
        tile = tile_kernel(norm1, norm2, *_deficits(unit1, unit2)).to(out.dtype)
        out[rows, columns] = tile.triu() + tile.triu(1).T if x2 is None and i == j else tile
        if x2 is None and i != j:
            out[columns, rows] = tile.T

    with one_thread_each() as pool:
        list(pool.map(fill, corners))
    return out


@contextlib.contextmanager
def one_thread_each() -> Iterator[ThreadPoolExecutor]:
    """Yields as many workers as torch has threads, and lets each use one: tiles are too small to share."""
    threads = workers()
    with one_thread(), ThreadPoolExecutor(threads) as pool:
        yield pool


def _recursion(part: str, arch: Architecture) -> TileKernel:
    def tile_kernel(norm1: Tensor, norm2: Tensor, one_minus: Tensor, one_plus: Tensor) -> Tensor:
        kernel = angle_kernel(norm1, norm2, one_minus, one_plus, dimension=arch.inputs)
        if part == "nngp":
            kernel = type(kernel)(moments=kernel.moments, ntk=None)
        return getattr(propagate(arch.layers, kernel), part)

    return tile_kernel


def _deficits(unit1: Tensor, unit2: Tensor) -> tuple[Tensor, Tensor]:
    """Computes 1 - cosine and 1 + cosine, (n1, n2) each, between unit vectors (n1, d) and (n2, d)."""
    cosine = unit1 @ unit2.T
    one_minus, one_plus = 1 - cosine, 1 + cosine
    for deficit, sign in ((one_minus, 1), (one_plus, -1)):
        near = deficit < NEAR
        if near.any():
            i, j = near.nonzero(as_tuple=True)
            exact = [
                ((unit1[a] - sign * unit2[b]) ** 2).sum(dim=1) / 2
                for a, b in zip(
                    *(torch.split(k, max(1, DIFFERENCES_AT_ONCE // unit1.shape[1])) for k in (i, j)),
                    strict=True,
                )
            ]
            deficit[i, j] = torch.cat(exact)
    return one_minus, one_plus
