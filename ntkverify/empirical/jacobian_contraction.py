"""Jacobian contraction: form every example's Jacobian, then contract (Novak et al. 2022, section 3.1)."""

from collections.abc import Collection

from torch import Tensor
from torch.func import jacrev, vmap

from ntkverify.empirical.contraction import Features, Rows
from ntkverify.empirical.plain_gradients import as_rows, plain_features
from ntkverify.memory import is_out_of_memory
from ntkverify.models import Examples, Leaves, Model, Parameters


def jacobian_features(model: Model, x: Examples, names: Collection[str]) -> Features:
    """Forms the Jacobians of the named parameters at x, all examples at once where torch can.

    Memory: n x outputs x parameters.
    """
    function = model.function(x.form)
    chosen = {name: value for name, value in model.detached.items() if name in names}

    def single(parameters: Parameters, leaves: Leaves) -> Tensor:
        return function(parameters, tuple(leaf[None] for leaf in leaves))[0]

    try:
        jacobian = vmap(jacrev(single), (None, 0))(chosen, x.leaves)
    except Exception as error:
        if is_out_of_memory(error):
            raise
        # An operation that cannot be batched; if it is another error, it comes again.
        return plain_features(model, x, names)
    return {name: Rows(values=as_rows(rows)) for name, rows in jacobian.items()}
