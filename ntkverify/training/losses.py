"""Losses, summed over points and outputs: (..., n, outputs) twice -> (...)."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

LossName = Literal["squared", "cross_entropy"]


def squared(f: Tensor, y: Tensor) -> Tensor:
    """Returns 1/2 sum (f - y)^2."""
    return ((f - y) ** 2).sum(dim=(-2, -1)) / 2


def cross_entropy(f: Tensor, y: Tensor) -> Tensor:
    """Returns -sum y log softmax f, for rows y that are distributions over classes."""
    return -(y * torch.log_softmax(f, dim=-1)).sum(dim=(-2, -1))


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"squared": squared, "cross_entropy": cross_entropy}

CURVATURE = {"squared": 1.0, "cross_entropy": 0.5}
"""The largest second derivative in f: descent is stable below 2 / (that times lambda_max)."""
