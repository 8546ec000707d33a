"""The empirical NTK by its definition, and how far rounding lets two computations of it differ."""

import copy

import numpy as np
import torch
from torch import nn

from ntkverify.claims.kernel.accuracy import STEP, accuracy, relative_difference
from ntkverify.numerics import ROUNDING_CONSTANT, unit_roundoff
from ntkverify.subjects import Subject


def kernel_by_definition(net: nn.Module, x: np.ndarray) -> np.ndarray:
    """(n outputs, n outputs), examples first: one backward pass for each output of each example (n, d)."""
    parameters = [parameter for parameter in net.parameters() if parameter.requires_grad]
    rows = []
    for example in torch.from_numpy(x).to(parameters[0]):
        for value in net(example[None])[0]:
            found = torch.autograd.grad(
                value, parameters, retain_graph=True, allow_unused=True, materialize_grads=True
            )
            rows.append(torch.cat([gradient.flatten() for gradient in found]).double())
    jacobian = torch.stack(rows).numpy()
    return jacobian @ jacobian.T


def mean_over_outputs(matrix: np.ndarray, outputs: int) -> np.ndarray:
    """(n outputs, n outputs) -> (n, n)."""
    n = len(matrix) // outputs
    return np.einsum("iajb,ab->ij", matrix.reshape(n, outputs, n, outputs), np.eye(outputs)) / outputs


def rounding_bound(subject: Subject, net: nn.Module, x: np.ndarray) -> float:
    """How far two right answers may differ, relative to sqrt(k(x, x) k(y, y)).

    Unit roundoff x operations (one for each parameter in an inner product of gradients, and those
    of the layers' own inner products) x condition; or the subject's own accuracy where it is coarser.
    """
    parameters = list(net.parameters())
    operations = sum(p.numel() + sum(p.shape) for p in parameters) + x.shape[1]
    unit = unit_roundoff(parameters[0].dtype)
    return max(accuracy(subject), ROUNDING_CONSTANT * unit * operations * _condition(net, x))


def _condition(net: nn.Module, x: np.ndarray) -> float:
    """Largest relative change of an entry for each relative change of parameters and inputs, at least 1."""
    stream = np.random.default_rng(0)
    exact = copy.deepcopy(net).double()
    before = kernel_by_definition(exact, x)
    with torch.no_grad():
        for parameter in exact.parameters():
            parameter.mul_(1 + STEP * torch.from_numpy(stream.choice([-1.0, 1.0], tuple(parameter.shape))))
    after = kernel_by_definition(exact, x * (1 + STEP * stream.choice([-1.0, 1.0], x.shape)))
    diagonal = np.diag(before)
    return max(1.0, relative_difference(after, before, diagonal, diagonal) / STEP)
