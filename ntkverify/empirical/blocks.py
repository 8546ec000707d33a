"""Kernels put together from blocks of examples, so that only two blocks' gradients are held at a time."""

from collections.abc import Callable

import torch
from torch import Tensor

from ntkverify.empirical.contraction import Features, contract
from ntkverify.models import Examples


def blockwise_kernel(
    features: Callable[[Examples], Features], x1: Examples, x2: Examples, block: int, *, full: bool
) -> Tensor:
    """Computes the kernel of n1 examples x1 against n2 examples x2, `block` examples of each at a time.

    Examples of x2 with which x1 starts take no pass of their own; x2 is x1 makes it symmetric.
    """
    if block >= max(len(x1), len(x2)):
        return _at_once(features, x1, x2, full)
    if x2 is x1:
        return _symmetric(features, x1, block, full)
    bands = []
    for rows in x1.split(block):
        held = features(rows)
        bands.append(
            torch.cat([contract(held, features(columns), full=full) for columns in x2.split(block)], 1)
        )
    return torch.cat(bands)


def _at_once(features: Callable[[Examples], Features], x1: Examples, x2: Examples, full: bool) -> Tensor:
    if len(x2) <= len(x1) and (x2 is x1 or x1[: len(x2)].equals(x2)):
        first = features(x1)
        return contract(first, _rows(first, slice(len(x2))), full=full)
    both = features(x1.followed_by(x2))  # one pass over the weights for both
    return contract(_rows(both, slice(len(x1))), _rows(both, slice(len(x1), None)), full=full)


def _rows(features: Features, rows: slice) -> Features:
    return {name: piece[rows] for name, piece in features.items()}


def _symmetric(features: Callable[[Examples], Features], x: Examples, block: int, full: bool) -> Tensor:
    starts = range(0, len(x), block)
    out: Tensor | None = None
    for i in starts:
        rows = features(x[i : i + block])
        for j in range(0, i + 1, block):
            columns = rows if j == i else features(x[j : j + block])
            part = contract(rows, columns, full=full)
            if out is None:
                out = part.new_empty(len(x), len(x), *part.shape[2:])
            out[i : i + block, j : j + block] = part
            out[j : j + block, i : i + block] = part.transpose(0, 1).transpose(-1, -2) if full else part.T
    assert out is not None, "there is no example"
    return out
