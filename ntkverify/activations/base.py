"""What every activation has: a frozen value, its function, and its duals."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ntkverify import serialization


@dataclass(frozen=True, kw_only=True)
class SecondMoments:
    """Second moments of n1 x n2 pairs (u_i, v_j) of centred random variables.

    variance1: (n1,) E[u_i^2]; variance2: (n2,) E[v_j^2]; covariance: (n1, n2) E[u_i v_j].
    one_minus_cosine, one_plus_cosine: (n1, n2), 1 -+ c / sqrt(a b), kept apart because the
    angle near 0 or pi loses half its digits when it is read off the covariance.
    """

    variance1: Tensor
    variance2: Tensor
    covariance: Tensor
    one_minus_cosine: Tensor
    one_plus_cosine: Tensor

    @property
    def scale(self) -> Tensor:
        """(n1, n2): sqrt(a b)."""
        return root(self.variance1)[:, None] * root(self.variance2)[None, :]


def root(x: Tensor) -> Tensor:
    """sqrt, with gradient 0 at 0: what it is used for has a cusp there, or does not depend on it."""
    positive = x > 0
    return torch.where(positive, x, 1).sqrt() * positive


@serialization.tagged_family
@dataclass(frozen=True)
class Layer:
    """One step of an architecture: a frozen value that knows no width."""


@dataclass(frozen=True)
class Activation(Layer):
    """An elementwise layer. `kinked`: its derivative jumps; `polynomial`: it is a polynomial;
    `homogeneous`: the k for which phi(s x) = s^k phi(x), s > 0, or None."""

    kinked = False
    polynomial = False
    homogeneous: ClassVar[int | None] = None

    def __call__(self, x: Tensor) -> Tensor:
        """phi(x), elementwise, any shape."""
        raise NotImplementedError

    def dual(self, moments: SecondMoments) -> SecondMoments:
        """Second moments of phi(u), phi(v)."""
        raise NotImplementedError

    def dual_derivative(self, moments: SecondMoments) -> Tensor:
        """(n1, n2): E[phi'(u) phi'(v)]."""
        raise NotImplementedError
