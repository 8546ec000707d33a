"""The infinite-width kernels of an architecture."""

from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from ntkverify.analytic.recursion import Kernel, input_kernel, propagate
from ntkverify.analytic.tiles import evaluate
from ntkverify.architecture import Architecture
from ntkverify.arrays import Array, as_given, as_matrix
from ntkverify.errors import InvalidArgument

FEW_PAIRS = 128 * 128
"""Up to so many pairs the whole-matrix recursion is as fast."""


def nngp(arch: Architecture, x1: Array, x2: Array | None = None) -> Array:
    """Computes the covariance (n1, n2) of one output of an infinitely wide network over initialisations.

    x1: (n1, inputs); x2: (n2, inputs), or None for x1. Source: Lee et al. 2018, equation 5.
    Raises InvalidArgument for inputs that are empty, not finite or of another shape.
    """
    return _part("nngp", arch, x1, x2)


def ntk(arch: Architecture, x1: Array, x2: Array | None = None) -> Array:
    """Computes the neural tangent kernel (n1, n2) of one output at infinite width, in NTK parameterisation.

    x1: (n1, inputs); x2: (n2, inputs), or None for x1. Source: Jacot et al. 2018, Theorem 1.
    Raises InvalidArgument for inputs that are empty, not finite or of another shape, and for an
    activation that has no NTK.
    """
    return _part("ntk", arch, x1, x2)


def kernel(arch: Architecture, x1: Array, x2: Array | None = None, *, gradients: bool = True) -> Kernel:
    """Computes both kernels at the output, or without `gradients` the NNGP alone, on whole matrices.

    The kernels are torch tensors (n1, n2), differentiable. Takes and raises what `ntk` does.
    """
    first, second = _inputs(arch, x1, x2)
    start = input_kernel(first, first if second is None else second)
    return propagate(arch.layers, start if gradients else replace(start, ntk=None))


def _part(part: Literal["nngp", "ntk"], arch: Architecture, x1: Array, x2: Array | None) -> Array:
    first, second = _inputs(arch, x1, x2)
    pairs = len(first) * len(first if second is None else second)
    differentiated = torch.is_grad_enabled() and any(
        x is not None and x.requires_grad for x in (first, second)
    )
    give = as_given(x1, x2)
    if differentiated or pairs <= FEW_PAIRS:
        return give(getattr(kernel(arch, first, second, gradients=part == "ntk"), part))
    return give(evaluate(part, arch, first, second))


def _inputs(arch: Architecture, x1: Array, x2: Array | None) -> tuple[Tensor, Tensor | None]:
    if not isinstance(arch, Architecture):
        remedy = "Build one with ntkverify.mlp(...)."
        raise InvalidArgument("arch", repr(arch), "an Architecture", remedy)
    first = as_matrix("x1", x1, columns=arch.inputs)
    return first, None if x2 is None else as_matrix("x2", x2, columns=arch.inputs).to(first.dtype)


__all__ = ["Kernel", "input_kernel", "kernel", "nngp", "ntk", "propagate"]
