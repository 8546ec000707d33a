"""The empirical NTK of a finite network: inner products of its gradients at its parameters."""

from typing import Literal

import torch
from torch import Tensor, nn

from ntkverify.arrays import Array, as_given, as_matrix
from ntkverify.empirical.jacobian_contraction import jacobian_contraction
from ntkverify.empirical.structured_derivatives import applies, structured_derivatives
from ntkverify.errors import InvalidArgument

METHODS = {
    "jacobian_contraction": jacobian_contraction,
    "structured_derivatives": structured_derivatives,
}


def empirical_ntk(
    net: nn.Module,
    x1: Array,
    x2: Array | None = None,
    *,
    method: Literal["auto", "jacobian_contraction", "structured_derivatives"] = "auto",
    outputs: Literal["mean", "full"] = "mean",
) -> Array:
    """sum over trainable parameters p of d f(x1)/dp . d f(x2)/dp (Jacot et al. 2018, equation 4).

    x1: (n1, d); x2: (n2, d), or None for x1; net: (n, d) -> (n, outputs), each row on its own.
    method: "auto" takes structured derivatives where the network is a plain chain of layers.
    Returns (n1, n2), the mean over outputs, or (n1, n2, outputs, outputs) with outputs="full".
    Raises InvalidArgument for bad inputs, an unknown method, or a network with nothing to train.
    """
    if method not in ("auto", *METHODS):
        raise InvalidArgument("method", repr(method), f"'auto' or one of {', '.join(METHODS)}", "Choose one.")
    if method == "structured_derivatives" and not applies(net):
        remedy = "Use method='jacobian_contraction'."
        expected = "a plain nn.Sequential of distinct linear layers and activations"
        raise InvalidArgument("net", type(net).__name__, expected, remedy)
    if outputs not in ("mean", "full"):
        raise InvalidArgument("outputs", repr(outputs), "'mean' or 'full'", "Choose one.")
    trainable = [parameter for parameter in net.parameters() if parameter.requires_grad]
    if not trainable:
        remedy = "Set requires_grad on what training would move."
        raise InvalidArgument("net", "no trainable parameter", "at least one", remedy)
    first = as_matrix("x1", x1).to(trainable[0])
    # The same points again need no second pass.
    second = first if x2 is None or x2 is x1 else as_matrix("x2", x2, columns=first.shape[1]).to(trainable[0])
    _check_output(net, first[:1])
    if method == "auto":
        method = "structured_derivatives" if applies(net) else "jacobian_contraction"
    full = METHODS[method](net, first, second)
    return as_given(x1, x2)(full if outputs == "full" else _mean_over_outputs(full))


def _check_output(net: nn.Module, x: Tensor) -> None:
    with torch.no_grad():
        shape = tuple(net(x).shape)
    if len(shape) != 2 or shape[0] != 1:
        got = f"a network with output shape {shape} for one row"
        raise InvalidArgument(
            "net", got, "shape (1, outputs)", "Return (n, outputs): drop a squeeze or a flatten."
        )


def _mean_over_outputs(full: Tensor) -> Tensor:
    return torch.diagonal(full, dim1=2, dim2=3).mean(dim=2)
