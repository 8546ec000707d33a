"""The empirical NTK without its matrix: v -> J (J^T v) (Novak et al. 2022, section 3.2)."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.func import jvp, vmap

from ntkverify.empirical.functional import (
    Function,
    Parameters,
    forward_mode,
    function_of_parameters,
    pushed_forward,
)
from ntkverify.empirical.jacobian_contraction import jacobian_features


def products_kernel(net: nn.Module, x1: Tensor, x2: Tensor, block: int, *, full: bool) -> Tensor:
    """Computes the kernel (n1, n2, outputs, outputs), or (n1, n2): a column J (J^T e) for each output of each
    of x2.

    Memory: outputs x (parameters + block x activations).
    """
    function, trainable = function_of_parameters(net)
    columns = []
    for example in jacobians(net, x2):
        parts = [_pushed(function, trainable, example, rows) for rows in x1.split(block)]
        column = torch.cat(parts, dim=1)  # (outputs of x2, n1, outputs of x1)
        columns.append(column.permute(1, 2, 0) if full else torch.diagonal(column, 0, 0, 2).mean(dim=1))
    return torch.stack(columns, dim=1)


def jacobians(net: nn.Module, x: Tensor) -> Iterator[Parameters]:
    """Yields the Jacobian of one example after the other, by parameter: (outputs, *shape)."""
    shapes = {name: value.shape for name, value in function_of_parameters(net)[1].items()}
    for example in x.split(1):
        features = jacobian_features(net, example)
        yield {name: features[name].formed()[0].reshape(-1, *shape) for name, shape in shapes.items()}


def _pushed(function: Function, parameters: Parameters, tangents: Parameters, x: Tensor) -> Tensor:
    """J times each of k tangents: (k, n, outputs)."""

    def push(tangent: Parameters) -> Tensor:
        return jvp(lambda values: function(values, x), (parameters,), (tangent,))[1]

    try:
        with forward_mode():
            return vmap(push)(tangents)
    except (
        NotImplementedError,
        RuntimeError,
    ):  # an operation without forward mode, or that vmap cannot batch
        count = len(next(iter(tangents.values())))
        each = ({name: value[index] for name, value in tangents.items()} for index in range(count))
        return torch.stack([pushed_forward(function, parameters, tangent, x) for tangent in each])
