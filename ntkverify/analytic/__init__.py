"""The infinite-width kernels of an architecture."""

import math
from typing import Literal

import torch
from torch import Tensor

from ntkverify.analytic.deviations import Deviations, substitute
from ntkverify.analytic.gradients import Tiled, graph_bytes, side_within
from ntkverify.analytic.overflow import check_finite
from ntkverify.analytic.recursion import Kernel, in_metric, input_kernel, propagate
from ntkverify.analytic.tiles import BYTES_PER_PAIR, TILE, evaluate, workers
from ntkverify.analytic.whole import kernel, kernel_of_read, read_inputs
from ntkverify.architecture import Architecture
from ntkverify.arrays import Array, as_given
from ntkverify.errors import InvalidArgument

FEW_PAIRS = 128 * 128
"""Up to so many pairs the whole-matrix recursion is as fast."""

DIAGONAL_BLOCK = 32
"""Points whose kernel with one another is computed for its diagonal: fewer cost more calls, more wasted pairs."""

MEMORY = 2**30
"""Bytes that are used beside inputs and result where nothing else is said."""

Part = Literal["nngp", "ntk"]


def nngp(
    arch: Architecture,
    x1: Array,
    x2: Array | None = None,
    *,
    weight_std: Tensor | float | None = None,
    bias_std: Tensor | float | None = None,
    memory: int = MEMORY,
) -> Array:
    """Computes the covariance (n1, n2) of one output of an infinitely wide network over initialisations.

    x1: (n1, inputs); x2: (n2, inputs), or None for x1. Source: Lee et al. 2018, equation 5.
    weight_std, bias_std: scalars, or one for each Linear layer, that take the place of the architecture's. The
    kernel is differentiable in them and in the inputs.
    memory: bytes that may be used beside the inputs and the result; activations without a closed form take more
    where they are integrated. A kernel whose graph would take more can be differentiated once.
    Raises InvalidArgument for inputs that are empty, not finite or of another shape, too little memory, and where
    the kernel overflows.
    """
    return _part("nngp", arch, x1, x2, {"weight_std": weight_std, "bias_std": bias_std}, memory)


def ntk(
    arch: Architecture,
    x1: Array,
    x2: Array | None = None,
    *,
    weight_std: Tensor | float | None = None,
    bias_std: Tensor | float | None = None,
    memory: int = MEMORY,
) -> Array:
    """Computes the neural tangent kernel (n1, n2) of one output at infinite width, in NTK parameterisation.

    Takes and raises what `nngp` does, and raises InvalidArgument for an activation that has no NTK.
    Source: Jacot et al. 2018, Theorem 1.
    """
    return _part("ntk", arch, x1, x2, {"weight_std": weight_std, "bias_std": bias_std}, memory)


def nngp_diagonal(
    arch: Architecture,
    x: Array,
    x2: Array | None = None,
    *,
    weight_std: Tensor | float | None = None,
    bias_std: Tensor | float | None = None,
) -> Array:
    """Computes the diagonal (n,) of `nngp(arch, x, x2)`, in time and memory that grow like n.

    x: (n, inputs); x2: (n, inputs), or None for x. Takes and raises what `nngp` does, but for the memory.
    """
    return _diagonal("nngp", arch, x, x2, {"weight_std": weight_std, "bias_std": bias_std})


def ntk_diagonal(
    arch: Architecture,
    x: Array,
    x2: Array | None = None,
    *,
    weight_std: Tensor | float | None = None,
    bias_std: Tensor | float | None = None,
) -> Array:
    """Computes the diagonal (n,) of `ntk(arch, x, x2)`, in time and memory that grow like n.

    x: (n, inputs); x2: (n, inputs), or None for x. Takes and raises what `ntk` does, but for the memory.
    """
    return _diagonal("ntk", arch, x, x2, {"weight_std": weight_std, "bias_std": bias_std})


def _whole(part: Part, arch: Architecture, first: Tensor, second: Tensor | None) -> Tensor:
    return getattr(kernel_of_read(arch, first, second, gradients=part == "ntk"), part)


def _part(
    part: Part, arch: Architecture, x1: Array, x2: Array | None, deviations: Deviations, memory: int
) -> Array:
    first, second = read_inputs(arch, x1, x2)
    if isinstance(memory, bool) or not isinstance(memory, int):
        raise InvalidArgument("memory", repr(memory), "an integer, of bytes", "2**30 is a gibibyte.")
    given = {name: value for name, value in deviations.items() if isinstance(value, Tensor)}
    concrete = substitute(arch, deviations)
    leaves = [first, second, *given.values()]
    if torch.is_grad_enabled() and any(x is not None and x.requires_grad for x in leaves):
        result = _differentiable(part, arch, first, second, deviations, given, memory)
    elif len(first) * len(first if second is None else second) <= FEW_PAIRS and memory >= MEMORY:
        result = _whole(part, concrete, first, second)
    else:
        result = evaluate(part, concrete, first, second, _tile_side(memory))
    check_finite(result, part, concrete, first, second)
    return as_given(x1, x2, *given.values())(result)


def _differentiable(
    part: Part,
    arch: Architecture,
    first: Tensor,
    second: Tensor | None,
    deviations: Deviations,
    given: dict[str, Tensor],
    memory: int,
) -> Tensor:
    """Computes the kernel with its graph where `memory` holds that, or else with `Tiled`."""

    def both(rows1: Tensor, rows2: Tensor, *values: Tensor) -> Kernel:
        changed = substitute(arch, {**deviations, **dict(zip(given, values, strict=True))})
        return kernel_of_read(changed, rows1, rows2, gradients=part == "ntk")

    def tile(*differentiated: Tensor) -> Tensor:
        return getattr(both(*differentiated), part)

    other = first if second is None else second
    needed = graph_bytes(both, first, other, *given.values())
    if needed * len(first) * len(other) <= memory:
        return tile(first, other, *given.values())

    def whole() -> Tensor:
        return evaluate(part, substitute(arch, deviations), first, second, _tile_side(memory))

    return Tiled.apply(whole, tile, _side(memory, needed), first, other, *given.values())


def _tile_side(memory: int) -> int:
    return min(TILE, _side(memory, BYTES_PER_PAIR * workers()))


def _side(memory: int, bytes_per_pair: float) -> int:
    side = side_within(memory, bytes_per_pair)
    if side < 1:
        expected = f"at least {math.ceil(bytes_per_pair)} bytes, what one pair of points takes"
        raise InvalidArgument("memory", repr(memory), expected, "2**30 is a gibibyte.")
    return side


def _diagonal(part: Part, arch: Architecture, x: Array, x2: Array | None, deviations: Deviations) -> Array:
    first, second = read_inputs(arch, x, x2, "x")
    if second is not None and len(second) != len(first):
        remedy = "Pass the points in pairs: the first of x with the first of x2."
        raise InvalidArgument("x2", f"{len(second)} rows", f"{len(first)}, as in x", remedy)
    concrete = substitute(arch, deviations)
    blocks = [rows.split(DIAGONAL_BLOCK) for rows in (first, first if second is None else second)]
    result = torch.cat([_whole(part, concrete, *pair).diagonal() for pair in zip(*blocks, strict=True)])
    check_finite(result, part, concrete, first, second, "x")
    return as_given(x, x2, *deviations.values())(result)


__all__ = [
    "Kernel",
    "in_metric",
    "input_kernel",
    "kernel",
    "nngp",
    "nngp_diagonal",
    "ntk",
    "ntk_diagonal",
    "propagate",
]
