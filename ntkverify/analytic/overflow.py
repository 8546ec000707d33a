"""Kernels beyond the range of numbers: refused, with what overflowed."""

from dataclasses import replace

import torch
from torch import Tensor

from ntkverify.analytic.recursion import input_kernel, propagate
from ntkverify.architecture import Architecture
from ntkverify.errors import InvalidArgument


def check_finite(
    values: Tensor, part: str, arch: Architecture, x1: Tensor, x2: Tensor | None, name: str = "x1"
) -> None:
    """Raises InvalidArgument for kernel values that are not finite, naming the inputs or the architecture.

    The inputs' squares are the first thing that can overflow; what grows after them grows from layer to layer.
    """
    if all(
        torch.isfinite(end) for end in torch.aminmax(values.detach())
    ):  # which takes no memory, and keeps NaN
        return
    for argument, x in ((name, x1), ("x2", x2)):
        if x is not None and not torch.isfinite(torch.linalg.vector_norm(x.detach(), dim=1) ** 2).all():
            largest = x.detach().abs().max().item()
            expected = f"points of which the squared norms are {x.dtype} numbers"
            remedy = "Scale the inputs down" + (
                "." if x.dtype == torch.float64 else ", or pass float64 ones."
            )
            raise InvalidArgument(argument, f"entries up to {largest:.3g}", expected, remedy)
    row, column = (~torch.isfinite(values.detach())).nonzero()[0][[0, -1]].tolist()
    pair = x1[[row]], (x1 if x2 is None else x2)[[column]]
    remedy = "Lower weight_std, the depth, or the inputs' norm" + (
        "." if x1.dtype == torch.float64 else ", or pass float64 inputs."
    )
    got = f"one that overflows at layer {_where(part, arch, *pair)} for rows {row} and {column}"
    raise InvalidArgument("arch", got, f"an {part.upper()} of {x1.dtype} numbers", remedy)


def _where(part: str, arch: Architecture, x1: Tensor, x2: Tensor) -> str:
    """Says at which of the layers the kernel of two points (1, d) is not finite for the first time."""
    kernel, layers = input_kernel(x1.detach(), x2.detach()), arch.walk()
    if part == "nngp":
        kernel = replace(kernel, ntk=None)
    for place, layer in enumerate(layers, start=1):
        kernel = propagate(layer, kernel)
        if not torch.isfinite(getattr(kernel, part)).all():
            return f"{place} of {len(layers)}, {layer!r},"
    return f"{len(layers)} of {len(layers)}, {layers[-1]!r},"
