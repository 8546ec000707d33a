"""The recursion over layers: the kernel behind a layer from the kernel before it.

NNGP: Lee et al. 2018, equations 4-5. NTK: Jacot, Gabriel & Hongler 2018, Theorem 1, with a
standard deviation and a rate for every layer's weights and biases. Shares no scaling code with `ntkverify.networks`, on purpose.
"""

import functools
from dataclasses import dataclass, replace
from functools import singledispatch

import torch
from torch import Tensor

from ntkverify.activations import Activation, Layer, SecondMoments, root
from ntkverify.architecture import Architecture, Linear, Sequential
from ntkverify.errors import InvalidArgument

ROWS = 128
"""Inputs that are mapped at a time, so that they stay in the cache."""


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """The kernels between n1 and n2 points at one place in the network.

    moments: second moments of one unit there, over initialisations.
    ntk: (n1, n2), the inner product of its gradients; 0 before the first parameter, None where
    only the NNGP was asked for.
    """

    moments: SecondMoments
    ntk: Tensor | None

    @property
    def nngp(self) -> Tensor:
        """Is the covariance (n1, n2) of one unit over initialisations."""
        return self.moments.covariance


def in_metric(arch: Architecture, x: Tensor) -> Tensor:
    """Maps inputs x (n, d) to ones (n, d) whose plain inner products are those in the architecture's metric."""
    if arch.metric is None:
        return x
    rows = torch.tensor(arch.metric, dtype=x.dtype, device=x.device)
    if len(rows) == 1:
        return x * rows[0].sqrt()
    root = torch.linalg.cholesky(rows)
    return torch.cat([_row_by_row(some, root) for some in x.split(ROWS)])


def _row_by_row(x: Tensor, matrix: Tensor) -> Tensor:
    """Computes x @ matrix, (n, d) @ (d, d), so that equal rows have equal images wherever they stand.

    Libraries' products round a row by its place in the batch: by which angle equal inputs of norm 1e30 are apart that
    are told from one another in their last digits.
    """
    columns = x.split(1, dim=1)
    return functools.reduce(torch.add, (column * row for column, row in zip(columns, matrix, strict=True)))


def input_kernel(x1: Tensor, x2: Tensor) -> Kernel:
    """Computes the kernel of the inputs x1 (n1, d), x2 (n2, d): their covariance (n1, n2) is <x, y> / d."""
    (norm1, unit1), (norm2, unit2) = polar(x1), polar(x2)
    exact = "donot_use_mm_for_euclid_dist"
    one_minus_cosine = torch.cdist(unit1, unit2, compute_mode=exact) ** 2 / 2
    one_plus_cosine = torch.cdist(unit1, -unit2, compute_mode=exact) ** 2 / 2
    kernel = angle_kernel(norm1, norm2, one_minus_cosine, one_plus_cosine, dimension=x1.shape[1])
    # The product is 0 too where a row is, and has the right gradient there.
    covariance = torch.where(kernel.moments.scale > 0, kernel.nngp, x1 @ x2.T / x1.shape[1])
    return replace(kernel, moments=replace(kernel.moments, covariance=covariance))


def angle_kernel(
    norm1: Tensor, norm2: Tensor, one_minus_cosine: Tensor, one_plus_cosine: Tensor, *, dimension: int
) -> Kernel:
    """Computes the kernel of inputs from norms (n1,), (n2,) and what cosines (n1, n2) lack to 1 and -1."""
    scale = norm1[:, None] * norm2[None, :]
    moments = SecondMoments(
        variance1=norm1**2 / dimension,
        variance2=norm2**2 / dimension,
        # On the diagonal exactly the square of the norm.
        covariance=scale * (one_plus_cosine - one_minus_cosine) / 2 / dimension,
        one_minus_cosine=one_minus_cosine,
        one_plus_cosine=one_plus_cosine,
    )
    return Kernel(moments=moments, ntk=torch.zeros_like(one_minus_cosine))


def polar(x: Tensor) -> tuple[Tensor, Tensor]:
    """Splits rows x (n, d) into norms (n,) and unit vectors (n, d + 1).

    Zero rows have the last axis as their direction, at right angles to all others: any axis of x would single out those
    who share it.
    """
    norm = torch.linalg.vector_norm(x, dim=1)
    nonzero = norm[:, None] > 0
    divisor = torch.where(nonzero, norm[:, None], 1)  # never 0: gradients pass through both branches
    return norm, torch.cat([torch.where(nonzero, x / divisor, 0), (~nonzero).to(x.dtype)], dim=1)


@singledispatch
def propagate(layer: Layer, kernel: Kernel) -> Kernel:
    """Computes the kernel behind `layer` from the kernel before it.

    Raises InvalidArgument for a layer of a type that is not registered.
    """
    raise InvalidArgument(
        "layer", repr(layer), "a layer with a known kernel", "Register it with `propagate`."
    )


@propagate.register
def _(layer: Sequential, kernel: Kernel) -> Kernel:
    for part in layer.layers:
        kernel = propagate(part, kernel)
    return kernel


@propagate.register
def _(layer: Activation, kernel: Kernel) -> Kernel:
    moments = layer.dual(kernel.moments)
    if kernel.ntk is None:  # some activations have an NNGP only
        return Kernel(moments=moments, ntk=None)
    return Kernel(moments=moments, ntk=layer.dual_derivative(kernel.moments) * kernel.ntk)


@propagate.register
def _(layer: Linear, kernel: Kernel) -> Kernel:
    weight_variance, bias_variance = layer.weight_std**2, layer.bias_std**2
    moments = _shift(_scale(kernel.moments, weight_variance), bias_variance)
    if kernel.ntk is None:
        return Kernel(moments=moments, ntk=None)
    own = moments.covariance  # what its own parameters add where they move as far as they are spread
    if layer.weight_rate is not None or layer.bias_rate is not None:
        weight_rate, bias_rate = layer.rates
        own = weight_rate * kernel.moments.covariance + bias_rate
    return Kernel(moments=moments, ntk=own + weight_variance * kernel.ntk)


def _scale(moments: SecondMoments, factor: float | Tensor) -> SecondMoments:
    return replace(
        moments,
        variance1=factor * moments.variance1,
        variance2=factor * moments.variance2,
        covariance=factor * moments.covariance,
    )


def _shift(moments: SecondMoments, bias_variance: float | Tensor) -> SecondMoments:
    """Adds the variance of a shared bias to every moment; the angles shrink.

    With s = sqrt(ab) and t = sqrt((a + v)(b + v)): t - s - v = v (sqrt a - sqrt b)^2 / (t + s + v),
    a form without cancellation.
    """
    if bias_variance == 0:
        # A standard deviation of 0 has the gradient 0, which 2 x 0 x anything is, but is part of the graph.
        return replace(moments, covariance=moments.covariance + bias_variance)
    a, b, v = moments.variance1[:, None], moments.variance2[None, :], bias_variance
    before, after = moments.scale, ((a + v) * (b + v)).sqrt()
    spread = v * (root(a) - root(b)) ** 2 / (after + before + v)
    # Where s = 0 so are s - c and s + c; written through c they also have the right gradient.
    below = torch.where(before > 0, before * moments.one_minus_cosine, -moments.covariance)
    above = torch.where(before > 0, before * moments.one_plus_cosine, moments.covariance)
    return replace(
        moments,
        variance1=moments.variance1 + v,
        variance2=moments.variance2 + v,
        covariance=moments.covariance + v,
        one_minus_cosine=(spread + below) / after,
        one_plus_cosine=(2 * v + spread + above) / after,
    )
