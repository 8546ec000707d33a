"""What every activation has: a frozen value, its function, and its duals."""

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

from ntkverify import serialization
from ntkverify.errors import InvalidArgument

StaxLayer = tuple[str, dict[str, Any]]
"""The name of a layer of neural-tangents' stax, and its arguments."""


@dataclass(frozen=True, kw_only=True)
class SecondMoments:
    """Second moments of n1 x n2 pairs (u_i, v_j) of centred random variables.

    variance1: (n1,) E[u_i^2]; variance2: (n2,) E[v_j^2]; covariance: (n1, n2) E[u_i v_j].
    one_minus_cosine, one_plus_cosine: (n1, n2), 1 -+ c / sqrt(a b), kept apart because the
    angle near 0 or pi loses half its digits when it is read off the covariance.
    quadrature_error: the largest estimated error, relative to sqrt(a b), of the numeric integrals that
    entered; 0 where all were closed forms.
    """

    variance1: Tensor
    variance2: Tensor
    covariance: Tensor
    one_minus_cosine: Tensor
    one_plus_cosine: Tensor
    quadrature_error: float = 0.0

    @property
    def scale(self) -> Tensor:
        """Is sqrt(a b), (n1, n2)."""
        return root(self.variance1)[:, None] * root(self.variance2)[None, :]

    @functools.cached_property
    def angles(self) -> tuple[Tensor, Tensor]:
        """Are, (n1, n2) each, the angle in [0, pi] and its supplement, both accurate near 0 and near pi."""
        acute = self.one_minus_cosine <= self.one_plus_cosine
        near, far = (
            torch.where(acute, *pair)
            for pair in (
                (self.one_minus_cosine, self.one_plus_cosine),
                (self.one_plus_cosine, self.one_minus_cosine),
            )
        )
        smaller = 2 * torch.atan2(root(near), far.sqrt())
        larger = math.pi - smaller
        return torch.where(acute, smaller, larger), torch.where(acute, larger, smaller)


@serialization.tagged_family
@dataclass(frozen=True)
class Layer:
    """One step of an architecture: a frozen value that knows no width."""


@dataclass(frozen=True)
class Activation(Layer):
    """An elementwise layer, which tells all that the rest of the package asks about it.

    polynomial: whether it is one.
    """

    polynomial = False

    @property
    def kinked(self) -> bool:
        """Whether its derivative jumps."""
        return False

    @property
    def homogeneous(self) -> int | None:
        """Is the k for which phi(s x) = s^k phi(x), s > 0, or None."""
        return None

    def __call__(self, x: Tensor) -> Tensor:
        """Returns phi(x), elementwise, for x of any shape."""
        raise NotImplementedError

    def dual(self, moments: SecondMoments) -> SecondMoments:
        """Returns the second moments of phi(u), phi(v)."""
        raise NotImplementedError

    def dual_derivative(self, moments: SecondMoments) -> Tensor:
        """Returns E[phi'(u) phi'(v)], (n1, n2)."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Registration:
    """What the rest of the package asks about a kind of activation.

    place: where it is listed; counterexamples are shrunk to the first. drawn: the arguments of those that claims
    draw: none whose outputs leave the range of numbers at some depth. growing: of those that do,
    which claims about kernels draw, too. suspected: of those that a diagnosis tries in place of another activation.
    stax: the same layer of neural-tangents, or None where that has it not in closed form.
    """

    place: float
    drawn: Sequence[tuple[float, ...]] = ()
    growing: Sequence[tuple[float, ...]] = ()
    suspected: Sequence[tuple[float, ...]] = ()
    stax: Callable[[Any], StaxLayer | None] = lambda _: None


Kind = TypeVar("Kind", bound=type[Activation])

REGISTRY: dict[type[Activation], Registration] = {}


def registered(place: float, **facts: Any) -> Callable[[Kind], Kind]:
    """Decorates an activation that is listed, drawn, suspected and translated as its `Registration` says."""

    def register(kind: Kind) -> Kind:
        REGISTRY[kind] = Registration(place=place, **facts)
        return kind

    return register


def root(x: Tensor) -> Tensor:
    """Takes the square root, with gradient 0 at 0: what it is used for has a cusp there, or does not depend
    on it."""
    if not x.requires_grad:
        return x.clamp(min=0).sqrt()
    positive = x > 0
    return torch.where(positive, x, 1).sqrt() * positive


def ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """Returns numerator / denominator, and 0, gradient included, where the denominator is 0."""
    positive = denominator > 0
    return torch.where(positive, numerator, 0) / torch.where(positive, denominator, 1)


def columns(moments: SecondMoments) -> tuple[Tensor, Tensor]:
    """Returns the variances as (n1, 1) and (1, n2), to be broadcast."""
    return moments.variance1[:, None], moments.variance2[None, :]


def squared_distance(moments: SecondMoments, sign: int = 1) -> Tensor:
    """Returns (n1, n2): E (u - sign v)^2 = (sqrt a - sqrt b)^2 + 2 sqrt(ab) (1 - sign cosine), without
    cancellation."""
    a, b = columns(moments)
    deficit = moments.one_minus_cosine if sign > 0 else moments.one_plus_cosine
    apart = (root(a) - root(b)) ** 2 + 2 * moments.scale * deficit
    # Where a or b is 0 nothing cancels, and the covariance has the right gradient there, which roots have not.
    return torch.where(moments.scale > 0, apart, a + b - 2 * sign * moments.covariance)


def positive_number(name: str, value: Any, least: float = 0.0) -> None:
    """Raises InvalidArgument for anything but a finite number above `least`."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least < value < math.inf:
        expected = "a finite number" if least == -math.inf else f"a finite number above {least:g}"
        raise InvalidArgument(name, repr(value), expected, "Pass a Python float.")


def degree(name: str, value: Any, least: int) -> None:
    """Raises InvalidArgument for anything but an integer from `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidArgument(name, repr(value), f"an integer >= {least}", "It is a power of the input.")
