"""The empirical NTK without its matrix: v -> J (J^T v) (Novak et al. 2022, section 3.2)."""

import torch
from torch import Tensor, nn
from torch.func import jacrev, jvp, vmap

from ntkverify.empirical.functional import Function, Parameters, as_function


def products_kernel(net: nn.Module, x1: Tensor, x2: Tensor, block: int, *, full: bool) -> Tensor:
    """The kernel (n1, n2, outputs, outputs), or (n1, n2): a column J (J^T e) for each output of each of x2.

    Memory: outputs x (parameters + block x activations).
    """
    function, trainable = as_function(net)
    columns = []
    for example in x2:
        gradients = jacrev(lambda values, row=example[None]: function(values, row)[0])(trainable)
        parts = [_pushed(function, trainable, gradients, rows) for rows in x1.split(block)]
        column = torch.cat(parts, dim=1)  # (outputs of x2, n1, outputs of x1)
        columns.append(column.permute(1, 2, 0) if full else torch.diagonal(column, 0, 0, 2).mean(dim=1))
    return torch.stack(columns, dim=1)


def _pushed(function: Function, parameters: Parameters, tangents: Parameters, x: Tensor) -> Tensor:
    """J times each of k tangents: (k, n, outputs)."""

    def push(tangent: Parameters) -> Tensor:
        return jvp(lambda values: function(values, x), (parameters,), (tangent,))[1]

    return vmap(push)(tangents)
