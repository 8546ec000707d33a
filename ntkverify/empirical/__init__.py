"""The empirical NTK of a finite network: inner products of its gradients at its parameters."""

from typing import Literal

import torch
from torch import Tensor, nn

from ntkverify.arrays import Array, as_given
from ntkverify.empirical.blocks import blockwise_kernel
from ntkverify.empirical.chains import is_plain_chain
from ntkverify.empirical.checks import check_lazy, checked
from ntkverify.empirical.choosing import MEMORY, Choice
from ntkverify.empirical.inputs import prepared
from ntkverify.empirical.ntk_vector_products import products_kernel
from ntkverify.empirical.operators import extreme_eigenvalues, largest_eigenvalue, ntk_operator
from ntkverify.empirical.plain_gradients import check_finite
from ntkverify.empirical.plan import PROBES, Gradients
from ntkverify.empirical.question import METHODS, Question
from ntkverify.errors import InvalidArgument
from ntkverify.memory import check_memory, clear_when_full
from ntkverify.models import Chosen, Examples, Inputs, Model, Output, arrays_in, examined

Method = Literal["auto", "jacobian_contraction", "ntk_vector_products", "structured_derivatives"]
Outputs = Literal["mean", "full"]


def empirical_ntk(
    net: nn.Module,
    x1: Inputs,
    x2: Inputs | None = None,
    *,
    method: Method = "auto",
    outputs: Outputs = "mean",
    output: Output | None = None,
    parameters: Chosen = None,
    memory: int = MEMORY,
    return_choice: bool = False,
) -> Array | tuple[Array, Choice]:
    """Sums d f(x1)/dp . d f(x2)/dp over trainable parameters p (Jacot et al. 2018, equation 4).

    x1: (n1, ...), or a tuple or a dict of such arrays for a network of several arguments; x2: (n2, ...) likewise,
    or None for x1. net: whatever takes them and gives each example a row of numbers on its own; axes after the
    first count as outputs. method: one of Novak et al. 2022, or "auto" for the one of fewest estimated flops; see
    `choose`. output: a function that picks the tensor (n, ...) of what the network returns, where it returns
    several. parameters: names or patterns ("0.*", ["*.bias"]) of those that count; kernels of parts add up to the
    whole. memory: bytes that may be used beside the network and the result: examples are taken in blocks.
    Returns (n1, n2), the mean over outputs, or (n1, n2, outputs, outputs) with outputs="full"; and the
    Choice beside it with return_choice=True. The network is left as it was.
    Gradients are held against plain ones of the network itself, at two examples; where they differ, plain ones
    are taken, which the Choice says.
    Raises InvalidArgument for bad inputs or options, too little memory, a network with nothing to
    train, one whose examples see one another, one that draws random numbers, or gradients that are not finite,
    naming the module or the parameter; OutOfMemory where the result does not fit.
    """
    model, first, second = _prepared(net, x1, x2, method, outputs, output, parameters, memory)
    kernel, choice = kernel_of(model, first, second, method=method, full=outputs == "full", memory=memory)
    given = as_given(*arrays_in(x1), *arrays_in(x2))(kernel)
    return (given, choice) if return_choice else given


def kernel_of(
    model: Model,
    x1: Examples,
    x2: Examples,
    *,
    method: Method = "auto",
    full: bool = False,
    memory: int = MEMORY,
) -> tuple[Tensor, Choice]:
    """Does as `empirical_ntk`, for a model and examples that are ready."""
    with examined(model.net), clear_when_full("Ask for fewer examples, outputs='mean', or an ntk_operator."):
        model = checked(model, x1)

        def compute(gradients: Gradients, choice: Choice) -> Tensor:
            if choice.method == "ntk_vector_products":
                return products_kernel(model, x1, x2, choice.block, gradients, full=full)
            return blockwise_kernel(gradients, x1, x2, choice.block, full=full)

        kernel, choice = Question(model, x1, x2, method, full, memory).answer(compute)
        if not torch.isfinite(kernel).all():
            check_finite(model, x1)
            check_finite(model, x2)
    return kernel, choice


def choose(
    net: nn.Module,
    x1: Inputs,
    x2: Inputs | None = None,
    *,
    method: Method = "auto",
    outputs: Outputs = "mean",
    output: Output | None = None,
    parameters: Chosen = None,
    memory: int = MEMORY,
) -> Choice:
    """Says how `empirical_ntk` would compute the same kernel, and why. Raises as it does."""
    model, first, second = _prepared(net, x1, x2, method, outputs, output, parameters, memory)
    with examined(net):
        model = checked(model, first)
        question = Question(model, first, second, method, outputs == "full", memory)
        if is_plain_chain(model):  # nothing is to be tried, and lazy layers remember what they were asked
            return question.planned()[1]
        return question.answer(lambda gradients, _: gradients(first[:PROBES]))[1]


def _prepared(
    net: nn.Module,
    x1: Inputs,
    x2: Inputs | None,
    method: str,
    outputs: str,
    output: Output | None,
    parameters: Chosen,
    memory: int,
) -> tuple[Model, Examples, Examples]:
    if method not in ("auto", *METHODS):
        raise InvalidArgument("method", repr(method), f"'auto' or one of {', '.join(METHODS)}", "Choose one.")
    if outputs not in ("mean", "full"):
        raise InvalidArgument("outputs", repr(outputs), "'mean' or 'full'", "Choose one.")
    check_memory(memory)
    model, first, second = prepared(net, x1, x2, output, parameters)
    check_lazy(model, method)
    return model, first, second


__all__ = [
    "METHODS",
    "Choice",
    "choose",
    "empirical_ntk",
    "extreme_eigenvalues",
    "kernel_of",
    "largest_eigenvalue",
    "ntk_operator",
]
