"""The infinite-width kernels of an architecture, by recursion over its layers.

NNGP: Lee et al. 2018, equations 4-5. NTK: Jacot, Gabriel & Hongler 2018, Theorem 1, with a
standard deviation for every layer. Shares no scaling code with `ntkverify.networks`, on purpose.
"""

from dataclasses import dataclass, replace
from functools import singledispatch

import torch
from torch import Tensor

from ntkverify.activations import Activation, Layer, SecondMoments, root
from ntkverify.architecture import Architecture, Linear, Sequential
from ntkverify.arrays import Array, as_given, as_matrix
from ntkverify.errors import InvalidArgument


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
        """(n1, n2): the covariance of one unit over initialisations."""
        return self.moments.covariance


def nngp(arch: Architecture, x1: Array, x2: Array | None = None) -> Array:
    """Covariance (n1, n2) of one output of an infinitely wide network over initialisations.

    x1: (n1, inputs); x2: (n2, inputs), or None for x1. Source: Lee et al. 2018, equation 5.
    Raises InvalidArgument for inputs that are empty, not finite or of another shape.
    """
    return as_given(x1, x2)(kernel(arch, x1, x2, gradients=False).nngp)


def ntk(arch: Architecture, x1: Array, x2: Array | None = None) -> Array:
    """Neural tangent kernel (n1, n2) of one output at infinite width, in NTK parameterisation.

    x1: (n1, inputs); x2: (n2, inputs), or None for x1. Source: Jacot et al. 2018, Theorem 1.
    Raises InvalidArgument for inputs that are empty, not finite or of another shape.
    """
    return as_given(x1, x2)(kernel(arch, x1, x2).ntk)


def kernel(arch: Architecture, x1: Array, x2: Array | None = None, *, gradients: bool = True) -> Kernel:
    """Both kernels at the output, or without `gradients` the NNGP alone, as torch tensors; arguments as in `ntk`."""
    if not isinstance(arch, Architecture):
        remedy = "Build one with ntkverify.mlp(...)."
        raise InvalidArgument("arch", repr(arch), "an Architecture", remedy)
    first = as_matrix("x1", x1, columns=arch.inputs)
    second = first if x2 is None else as_matrix("x2", x2, columns=arch.inputs).to(first.dtype)
    start = of_inputs(first, second)
    return propagate(arch.layers, start if gradients else replace(start, ntk=None))


def of_inputs(x1: Tensor, x2: Tensor) -> Kernel:
    """The kernel of the inputs themselves: x1 (n1, d), x2 (n2, d), covariance <x, y> / d."""
    (norm1, unit1), (norm2, unit2) = _polar(x1), _polar(x2)
    exact = "donot_use_mm_for_euclid_dist"
    one_minus_cosine = torch.cdist(unit1, unit2, compute_mode=exact) ** 2 / 2
    one_plus_cosine = torch.cdist(unit1, -unit2, compute_mode=exact) ** 2 / 2
    dimension, scale = x1.shape[1], norm1[:, None] * norm2[None, :]
    angular = scale * (one_plus_cosine - one_minus_cosine) / 2  # on the diagonal exactly the square
    moments = SecondMoments(
        variance1=norm1**2 / dimension,
        variance2=norm2**2 / dimension,
        # The product is 0 too where a row is, and has the right gradient there.
        covariance=torch.where(scale > 0, angular, x1 @ x2.T) / dimension,
        one_minus_cosine=one_minus_cosine,
        one_plus_cosine=one_plus_cosine,
    )
    return Kernel(moments=moments, ntk=torch.zeros_like(one_minus_cosine))


def _polar(x: Tensor) -> tuple[Tensor, Tensor]:
    """Norms (n,) and unit vectors (n, d); a zero row gets an arbitrary direction, times norm 0."""
    norm = torch.linalg.vector_norm(x, dim=1)
    nonzero = norm[:, None] > 0
    divisor = torch.where(nonzero, norm[:, None], 1)  # never 0: gradients pass through both branches
    first_axis = torch.eye(1, x.shape[1], dtype=x.dtype, device=x.device)
    return norm, torch.where(nonzero, x / divisor, first_axis)


@singledispatch
def propagate(layer: Layer, kernel: Kernel) -> Kernel:
    """The kernel behind `layer`, from the kernel before it."""
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
    # The first term is the layer's own parameters, the second everything before it.
    return Kernel(moments=moments, ntk=moments.covariance + weight_variance * kernel.ntk)


def _scale(moments: SecondMoments, factor: float) -> SecondMoments:
    return replace(
        moments,
        variance1=factor * moments.variance1,
        variance2=factor * moments.variance2,
        covariance=factor * moments.covariance,
    )


def _shift(moments: SecondMoments, bias_variance: float) -> SecondMoments:
    """Adds the variance of a shared bias to every moment; the angles shrink.

    With s = sqrt(ab) and t = sqrt((a + v)(b + v)): t - s - v = v (sqrt a - sqrt b)^2 / (t + s + v),
    a form without cancellation.
    """
    if bias_variance == 0:
        return moments
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
