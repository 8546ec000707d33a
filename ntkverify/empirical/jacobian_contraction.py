"""Jacobian contraction: form every example's Jacobian, then contract (Novak et al. 2022, section 3.1)."""

from collections.abc import Collection

import torch
from torch import Tensor, nn
from torch.func import jacrev, vmap

from ntkverify.empirical.contraction import Features, Rows
from ntkverify.empirical.functional import Function, Parameters, function_of_parameters
from ntkverify.memory import is_out_of_memory


def jacobian_features(net: nn.Module, x: Tensor, names: Collection[str] | None = None) -> Features:
    """Forms the Jacobians at x (n, ...) of the named trainable parameters, or of all.

    Memory: n x outputs x parameters. Frozen parameters do not count.
    """
    function, trainable = function_of_parameters(net)
    chosen = {name: value for name, value in trainable.items() if names is None or name in names}
    try:
        jacobian = vmap(jacrev(lambda parameters, x: function(parameters, x[None])[0]), (None, 0))(chosen, x)
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise
        # An operation that vmap cannot batch; if it is another error, it comes again.
        jacobian = _one_by_one(function, chosen, x)
    return {name: Rows(values=rows.flatten(2)) for name, rows in jacobian.items()}


def _one_by_one(function: Function, parameters: Parameters, x: Tensor) -> Parameters:
    """Makes the same Jacobians, (n, outputs, *shape) each, by a backward pass for every output of every example."""
    leaves = {name: value.requires_grad_() for name, value in parameters.items()}
    rows = []
    for example in x:
        with torch.enable_grad():
            values = function(leaves, example[None].clone())[0]
        rows += [
            torch.autograd.grad(
                value, list(leaves.values()), retain_graph=True, allow_unused=True, materialize_grads=True
            )
            for value in values
        ]
    columns = zip(*rows, strict=True)
    return {
        name: torch.stack(column).unflatten(0, (len(x), -1))
        for name, column in zip(leaves, columns, strict=True)
    }
