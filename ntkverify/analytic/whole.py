"""Both kernels of an architecture on whole matrices, and how inputs are read."""

from dataclasses import replace

from torch import Tensor

from ntkverify.analytic.recursion import Kernel, in_metric, input_kernel, propagate
from ntkverify.architecture import Architecture
from ntkverify.arrays import Array, as_matrix
from ntkverify.errors import InvalidArgument


def kernel(arch: Architecture, x1: Array, x2: Array | None = None, *, gradients: bool = True) -> Kernel:
    """Computes both kernels at the output, or without `gradients` the NNGP alone, on whole matrices.

    The kernels are torch tensors (n1, n2), differentiable. Takes what `ntk` does and raises as it, but where kernels
    overflow: there they are not finite.
    """
    return kernel_of_read(arch, *read_inputs(arch, x1, x2), gradients)


def kernel_of_read(arch: Architecture, first: Tensor, second: Tensor | None, gradients: bool) -> Kernel:
    """Computes what `kernel` does of inputs that `read_inputs` returned, x2 None standing for x1."""
    start = input_kernel(first, first if second is None else second)
    return propagate(arch.layers, start if gradients else replace(start, ntk=None))


def read_inputs(
    arch: Architecture, x1: Array, x2: Array | None, name: str = "x1"
) -> tuple[Tensor, Tensor | None]:
    """Returns x1 (n1, inputs) and x2 (n2, inputs), where there is one, as tensors in the architecture's metric.

    Raises InvalidArgument for what is no architecture or no such matrix; `name` is that of x1.
    """
    if not isinstance(arch, Architecture):
        remedy = "Build one with ntkverify.mlp(...)."
        raise InvalidArgument("arch", repr(arch), "an Architecture", remedy)
    first = as_matrix(name, x1, columns=arch.inputs)
    second = None if x2 is None else as_matrix("x2", x2, columns=arch.inputs).to(first.dtype)
    return in_metric(arch, first), None if second is None else in_metric(arch, second)
