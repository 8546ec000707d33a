"""The empirical NTK of a finite network: inner products of its gradients at its parameters."""

from typing import Literal

from torch import Tensor, nn

from ntkverify.arrays import Array, as_given
from ntkverify.empirical.blocks import blockwise_kernel
from ntkverify.empirical.checks import check_lazy, check_network
from ntkverify.empirical.choosing import COSTS, MEMORY, Choice, choose_among, shape_of
from ntkverify.empirical.inputs import inputs
from ntkverify.empirical.jacobian_contraction import jacobian_features
from ntkverify.empirical.ntk_vector_products import products_kernel
from ntkverify.empirical.operators import extreme_eigenvalues, largest_eigenvalue, ntk_operator
from ntkverify.empirical.structured_derivatives import NotByLayerError, structured_features, unaccounted
from ntkverify.errors import InvalidArgument
from ntkverify.lazy import is_lazy

METHODS = tuple(COSTS)

Method = Literal["auto", "jacobian_contraction", "ntk_vector_products", "structured_derivatives"]
Outputs = Literal["mean", "full"]

PROBES = 4
"""Examples on which the layers' rules are held against torch's own backward pass."""


def empirical_ntk(
    net: nn.Module,
    x1: Array,
    x2: Array | None = None,
    *,
    method: Method = "auto",
    outputs: Outputs = "mean",
    memory: int = MEMORY,
    return_choice: bool = False,
) -> Array | tuple[Array, Choice]:
    """Sums d f(x1)/dp . d f(x2)/dp over trainable parameters p (Jacot et al. 2018, equation 4).

    x1: (n1, ...); x2: (n2, ...), or None for x1; net: (n, ...) -> (n, outputs), each row on its own.
    method: one of Novak et al. 2022, or "auto" for the one of fewest estimated flops; see `choose`.
    memory: bytes that may be used beside the network and the result: examples are taken in blocks.
    Returns (n1, n2), the mean over outputs, or (n1, n2, outputs, outputs) with outputs="full"; and the
    Choice beside it with return_choice=True.
    Raises InvalidArgument for bad inputs or options, too little memory, a network with nothing to
    train, one whose examples see one another, or one that draws random numbers, naming the module.
    """
    first, second = _checked(net, x1, x2, method, outputs, memory)
    rest = unaccounted(net, _probes(first)) if method in ("auto", "structured_derivatives") else frozenset()
    full = outputs == "full"
    while True:
        choice = _choice(net, first, second, method, full, memory, rest)
        try:
            kernel = _kernel(net, first, second, choice, full, rest)
            break
        except NotByLayerError as found:  # on an example that was not among the probes
            rest |= found.names
    given = as_given(x1, x2)(kernel)
    return (given, choice) if return_choice else given


def choose(
    net: nn.Module,
    x1: Array,
    x2: Array | None = None,
    *,
    method: Method = "auto",
    outputs: Outputs = "mean",
    memory: int = MEMORY,
) -> Choice:
    """Says how `empirical_ntk` would compute the same kernel, and why. Raises as it does."""
    first, second = _checked(net, x1, x2, method, outputs, memory)
    rest = unaccounted(net, _probes(first))
    return _choice(net, first, second, method, outputs == "full", memory, rest)


def _checked(
    net: nn.Module, x1: Array, x2: Array | None, method: str, outputs: str, memory: int
) -> tuple[Tensor, Tensor]:
    if method not in ("auto", *METHODS):
        raise InvalidArgument("method", repr(method), f"'auto' or one of {', '.join(METHODS)}", "Choose one.")
    if outputs not in ("mean", "full"):
        raise InvalidArgument("outputs", repr(outputs), "'mean' or 'full'", "Choose one.")
    if not memory > 0:
        raise InvalidArgument("memory", repr(memory), "a number of bytes above 0", "2**30 is a gibibyte.")
    check_lazy(net, method)
    first, second = inputs(net, x1, x2)
    check_network(net, first)
    return first, second


def _probes(x: Tensor) -> Tensor:
    return x[:PROBES]


def _choice(
    net: nn.Module, x1: Tensor, x2: Tensor, method: str, full: bool, memory: int, rest: frozenset[str]
) -> Choice:
    # A set against itself takes one pass.
    shape = shape_of(net, x1, rest)
    methods = ("structured_derivatives",) if is_lazy(net) else METHODS if method == "auto" else (method,)
    return choose_among(methods, shape, len(x1), len(x2), full=full, memory=memory)


def _kernel(
    net: nn.Module, x1: Tensor, x2: Tensor, choice: Choice, full: bool, rest: frozenset[str]
) -> Tensor:
    if choice.method == "ntk_vector_products":
        return products_kernel(net, x1, x2, choice.block, full=full)
    if choice.method == "jacobian_contraction":
        return blockwise_kernel(lambda x: jacobian_features(net, x), x1, x2, choice.block, full=full)
    return blockwise_kernel(lambda x: structured_features(net, x, rest), x1, x2, choice.block, full=full)


__all__ = [
    "METHODS",
    "Choice",
    "check_network",
    "choose",
    "empirical_ntk",
    "extreme_eigenvalues",
    "largest_eigenvalue",
    "ntk_operator",
]
