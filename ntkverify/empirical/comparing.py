"""How two ways to compute the same numbers are held against each other."""

import torch
from torch import Tensor

from ntkverify.numerics import largest


def tolerance(dtype: torch.dtype) -> float:
    """Returns by how much two ways to compute one number may differ, relative to the largest of its kind:
    half of the digits."""
    return torch.finfo(dtype).eps ** 0.5


def agree(got: Tensor, right: Tensor, dtype: torch.dtype) -> bool:
    """Tells whether two tensors of one shape agree to half of the digits of `dtype`, relative to the largest number."""
    if got.shape != right.shape:
        return False
    got, right = got.detach(), right.detach()
    allowed = tolerance(dtype) * largest(right)
    return largest(got - right) <= allowed or torch.allclose(got, right, rtol=0, atol=0, equal_nan=True)


def random_signs(like: Tensor, seed: int = 0) -> Tensor:
    """Draws numbers of size 1 to 2, of the shape of `like`, without touching torch's global state."""
    stream = torch.Generator().manual_seed(seed)
    draws = 1 + torch.rand(like.shape, generator=stream)
    signs = 1 - 2 * torch.randint(2, like.shape, generator=stream)
    return (draws * signs).to(like)
