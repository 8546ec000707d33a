"""Jacobian contraction: form every example's Jacobian, then contract (Novak et al. 2022, section 3.1)."""

import torch
from torch import Tensor, nn
from torch.func import jacrev, vmap

from ntkverify.empirical.functional import as_function


def jacobian_contraction(net: nn.Module, x1: Tensor, x2: Tensor) -> Tensor:
    """The empirical NTK (n1, n2, outputs, outputs) of x1 (n1, d) against x2 (n2, d).

    Memory: (n1 + n2) x outputs x parameters. Frozen parameters do not count.
    """
    function, trainable = as_function(net)
    jacobian = vmap(jacrev(lambda parameters, x: function(parameters, x[None])[0]), (None, 0))
    first = jacobian(trainable, x1)
    second = first if x2 is x1 else jacobian(trainable, x2)
    terms = (
        torch.einsum("iap,jbp->ijab", first[name].flatten(2), second[name].flatten(2)) for name in trainable
    )
    return sum(terms)
