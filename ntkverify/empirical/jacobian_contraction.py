"""Jacobian contraction: form every example's Jacobian, then contract (Novak et al. 2022, section 3.1)."""

import torch
from torch import Tensor, nn
from torch.func import functional_call, jacrev, vmap


def jacobian_contraction(net: nn.Module, x1: Tensor, x2: Tensor) -> Tensor:
    """The empirical NTK (n1, n2, outputs, outputs) of x1 (n1, d) against x2 (n2, d).

    Memory: (n1 + n2) x outputs x parameters. Frozen parameters do not count.
    """
    trainable = {name: p.detach() for name, p in net.named_parameters() if p.requires_grad}
    fixed = {name: p.detach() for name, p in net.named_parameters() if not p.requires_grad}
    state = {**fixed, **dict(net.named_buffers())}

    def output(parameters: dict[str, Tensor], x: Tensor) -> Tensor:
        return functional_call(net, (parameters, state), (x[None],))[0]

    jacobian = vmap(jacrev(output), (None, 0))
    first = jacobian(trainable, x1)
    second = first if x2 is x1 else jacobian(trainable, x2)
    terms = (
        torch.einsum("iap,jbp->ijab", first[name].flatten(2), second[name].flatten(2)) for name in trainable
    )
    return sum(terms)
