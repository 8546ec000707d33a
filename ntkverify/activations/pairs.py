"""Expectations over pairs of points: by Hermite expansions, and by integration where those converge too slowly."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ntkverify.activations.base import SecondMoments, root
from ntkverify.activations.hermite import (
    COMPLETE,
    Expansion,
    expand,
    sum_of_products,
    sum_of_square_differences,
)
from ntkverify.activations.quadrature import RULES, Function, mean_over_pairs

TERMS = (64, 256, 1024, 4096)
"""Numbers of terms of an expansion, tried one after the other on the pairs that need more."""

FEWER_TERMS = (64, 256)
"""At kinks more would gain little: the coefficients fall like a power. A few pairs are sooner integrated."""

FEW = 16
"""Pairs."""

AT_ONCE = 2**21
"""Coefficients held in memory at a time."""

NEAREST = 1e-4
"""Square differences below this are integrated to an error relative to this."""

ROUNDING = 1e-14
"""Two integrals of order 1 may differ by this without being wrong."""


@dataclass(frozen=True, kw_only=True)
class Expectations:
    """values: (n1, n2). square1: (n1,), square2: (n2,): E phi^2. error: an estimate of the largest error."""

    values: Tensor
    square1: Tensor
    square2: Tensor
    error: float


def square_differences(
    function: Function, kinks: Sequence[float], moments: SecondMoments, accuracy: float
) -> Expectations:
    """Computes E (phi(u) / |phi(u)| -+ phi(v) / |phi(v)|)^2 / 2 for every pair: - where the angle of u and v
    is acute.

    That is 1 -+ the cosine of phi(u) and phi(v), |phi(u)| being the root of E phi(u)^2, to an absolute error.
    """
    return _expectations(function, kinks, moments, accuracy, differences=True)


def products(
    function: Function, kinks: Sequence[float], moments: SecondMoments, accuracy: float
) -> Expectations:
    """Computes E phi(u) phi(v) for every pair, to an error relative to the root of E phi(u)^2 E phi(v)^2."""
    return _expectations(function, kinks, moments, accuracy, differences=False)


@dataclass(frozen=True, kw_only=True)
class _Pairs:
    """Pairs of points i, j (pairs,) with deviations s (n1,), t (n2,).

    deficit: 1 - |cosine|; sign: that of the cosine, both (pairs,).
    """

    s: Tensor
    t: Tensor
    i: Tensor
    j: Tensor
    deficit: Tensor
    sign: Tensor

    @staticmethod
    def made_from(moments: SecondMoments) -> "_Pairs":
        minus, plus = (
            part.double().flatten() for part in (moments.one_minus_cosine, moments.one_plus_cosine)
        )
        n1, n2 = moments.covariance.shape
        places = torch.arange(n1 * n2, device=minus.device)
        return _Pairs(
            s=root(moments.variance1.double()),
            t=root(moments.variance2.double()),
            i=places // n2,
            j=places % n2,
            deficit=torch.minimum(minus, plus),
            sign=torch.where(minus <= plus, 1.0, -1.0).double(),
        )

    def __len__(self) -> int:
        return len(self.i)

    def __getitem__(self, places: Tensor) -> "_Pairs":
        chosen = {name: getattr(self, name)[places] for name in ("i", "j", "deficit", "sign")}
        return replace(self, **chosen)


def _expectations(
    function: Function, kinks: Sequence[float], moments: SecondMoments, accuracy: float, *, differences: bool
) -> Expectations:
    given, shape = moments.covariance.dtype, moments.covariance.shape
    pairs = _Pairs.made_from(moments)  # in double precision, whatever the inputs
    todo, values = torch.arange(len(pairs), device=pairs.i.device), torch.zeros_like(pairs.deficit)
    errors = [0.0]
    for terms in FEWER_TERMS if kinks or len(pairs) <= FEW else TERMS:
        first = second = expand(function, pairs.s, kinks, terms, accuracy)
        if not torch.equal(pairs.s, pairs.t) or pairs.s.requires_grad:
            second = expand(function, pairs.t, kinks, terms, accuracy)
        errors += [first.error, second.error]
        reached = _reached(pairs[todo], first, second, accuracy, differences)
        for places in todo[reached].split(AT_ONCE // terms):
            found = _summed(pairs[places], first, second, differences)
            values = values.index_put((places,), found)
        todo = todo[~reached]
        if not len(todo) or max(errors) > accuracy:
            break
    else:
        found, error = _integrated(function, kinks, pairs[todo], first, second, accuracy, differences)
        values = values.index_put((todo,), found)
        errors.append(error)
    return Expectations(
        values=values.reshape(shape).to(given),
        square1=first.square.to(given),
        square2=second.square.to(given),
        error=max(errors),
    )


def _reached(
    pairs: _Pairs, first: Expansion, second: Expansion, accuracy: float, differences: bool
) -> Tensor:
    """(pairs,): whether the terms that are left out are too small to matter."""
    tails = torch.stack([first.tail[pairs.i], second.tail[pairs.j]])
    complete = (tails == 0).all(dim=0)  # one tail alone may hide, beside a larger one, what matters
    largest = torch.where(complete, 0, tails.clamp(min=COMPLETE).prod(dim=0).sqrt())
    left = (1 - pairs.deficit.detach()) ** len(first.coefficients) * largest
    # The angle of phi(u), phi(v) is to have as many digits as that of u and v.
    return left <= accuracy * (pairs.deficit.detach() if differences else 1)


def _summed(pairs: _Pairs, first: Expansion, second: Expansion, differences: bool) -> Tensor:
    a, b = first.coefficients[:, pairs.i], second.coefficients[:, pairs.j]
    if not differences:
        size = root(first.square)[pairs.i] * root(second.square)[pairs.j]
        return size * sum_of_products(a, b, pairs.sign * (1 - pairs.deficit))
    odd = torch.arange(len(b), device=b.device)[:, None] % 2 == 1
    turned = torch.where(odd, b, pairs.sign * b)
    tails = (first.tail[pairs.i] + second.tail[pairs.j]) / 2
    return sum_of_square_differences(a, turned, pairs.deficit) + tails


def _integrated(
    function: Function,
    kinks: Sequence[float],
    pairs: _Pairs,
    first: Expansion,
    second: Expansion,
    accuracy: float,
    differences: bool,
) -> tuple[Tensor, float]:
    """The values of the pairs, and the largest error that two resolutions show."""
    sizes = [root(first.square)[pairs.i], root(second.square)[pairs.j] * pairs.sign]
    scales = [torch.where(size != 0, size, 1) if differences else torch.ones_like(size) for size in sizes]
    smaller = 2 * torch.asin(root(pairs.deficit / 2))
    angle = torch.where(pairs.sign > 0, smaller, math.pi - smaller)

    def combine(u: Tensor, v: Tensor) -> Tensor:
        return (u - v) ** 2 / 2 if differences else u * v

    def integrate(rule: int) -> Tensor:
        return mean_over_pairs(
            combine, function, pairs.s[pairs.i], pairs.t[pairs.j], angle, scales, kinks, rule
        )

    coarse = integrate(RULES[0])
    for rule in RULES[1:]:
        fine = integrate(rule)
        unit = fine.detach().clamp(NEAREST) if differences else (sizes[0] * sizes[1]).detach().abs()
        apart = ((fine - coarse).detach().abs() - ROUNDING).clamp(min=0)
        error = (apart / unit).max().item()
        if error <= accuracy:
            break
        coarse = fine
    return fine, error
