"""The empirical NTK without its matrix: v -> J (J^T v) (Novak et al. 2022, section 3.2)."""

import torch
from torch import Tensor

from ntkverify.empirical.checks import check_rows
from ntkverify.empirical.plain_gradients import as_parameter
from ntkverify.empirical.plan import Gradients
from ntkverify.empirical.pushing import choose_push
from ntkverify.models import Examples, Model


def products_kernel(
    model: Model, x1: Examples, x2: Examples, block: int, gradients: Gradients, *, full: bool
) -> Tensor:
    """Computes the kernel (n1, n2, outputs, outputs), or (n1, n2): a column J (J^T e) for each output of each
    of x2.

    Memory: outputs x (parameters + block x activations).
    """
    push = choose_push(model, x1[:2])
    for rows in x1.split(block):
        check_rows(model, rows)
    columns = []
    for example in x2.split(1):
        jacobian = gradients(example)
        tangents = {
            name: as_parameter(jacobian[name].formed()[0], value) for name, value in model.own.items()
        }
        column = torch.cat([push(model, tangents, rows) for rows in x1.split(block)], dim=1)  # (o2, n1, o1)
        columns.append(column.permute(1, 2, 0) if full else torch.diagonal(column, 0, 0, 2).mean(dim=1))
    return torch.stack(columns, dim=1)
