"""A module as a function of its trainable parameters, each counted once however often it is used."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import reduce

import torch
from torch import Tensor, nn
from torch.func import functional_call, jvp
from torch.nn.attention import SDPBackend, sdpa_kernel

Parameters = dict[str, Tensor]
Function = Callable[[Parameters, Tensor], Tensor]


def function_of_parameters(net: nn.Module) -> tuple[Function, Parameters]:
    """Returns (parameters, x) -> net(x), and the present trainable parameters, detached.

    `net` itself stays as it is. A parameter that several modules hold has one entry; torch's own
    tying is left off, because it leaves foreign tensors in a module that is used twice.
    """
    values = _values(net, buffers=False)
    trainable = {names[0]: value.detach() for value, names in values if value.requires_grad}
    aliases = {names[0]: names for _, names in values if names[0] in trainable}

    def function(parameters: Parameters, x: Tensor) -> Tensor:
        state = {alias: value for name, value in parameters.items() for alias in aliases[name]}
        return functional_call(net, state, (x,), tie_weights=False)

    return function, trainable


def meta_function(net: nn.Module) -> tuple[Function, Parameters]:
    """Does as `function_of_parameters`, with shapes for values: it costs no work, and the function takes such
    an x."""
    values = [
        (torch.empty_like(value, device="meta"), value, names) for value, names in _values(net, buffers=True)
    ]
    trainable = {names[0]: meta for meta, value, names in values if value.requires_grad}
    aliases = {names[0]: names for _, _, names in values}
    fixed = {name: meta for meta, value, names in values if not value.requires_grad for name in names}

    def function(parameters: Parameters, x: Tensor) -> Tensor:
        state = {alias: value for name, value in parameters.items() for alias in aliases[name]}
        return functional_call(net, fixed | state, (x,), tie_weights=False)

    return function, trainable


def run_with_own_buffers(net: nn.Module, x: Tensor) -> tuple[Tensor, list[str]]:
    """Returns net(x) with copies of its buffers in place of them, and the names of those that it changed."""
    copies = {
        name: buffer.clone()
        for name, buffer in net.named_buffers(remove_duplicate=False)
        if buffer is not None
    }
    values = functional_call(net, copies, (x,), tie_weights=False)
    return values, [name for name, copy in copies.items() if copy._version]


def _values(net: nn.Module, *, buffers: bool) -> list[tuple[Tensor, list[str]]]:
    """Every parameter (and buffer) with all the names that it goes by."""
    found: dict[int, tuple[Tensor, list[str]]] = {}
    for prefix, module in net.named_modules():
        own = [*module._parameters.items(), *(module._buffers.items() if buffers else ())]
        for name, value in own:
            if value is not None:
                found.setdefault(id(value), (value, []))[1].append(f"{prefix}.{name}" if prefix else name)
    return list(found.values())


def forward_mode() -> AbstractContextManager:
    """Returns a context within which attention is computed in the way that can be differentiated forward."""
    return sdpa_kernel(SDPBackend.MATH)


def pushed_forward(function: Function, parameters: Parameters, tangent: Parameters, x: Tensor) -> Tensor:
    """Computes J u, (n, outputs): in forward mode, or through two backward passes for what has no forward
    mode."""
    try:
        with forward_mode():
            return jvp(lambda values: function(values, x), (parameters,), (tangent,))[1]
    except (NotImplementedError, RuntimeError):
        return _pushed_by_two_backward_passes(function, parameters, tangent, x)


def _pushed_by_two_backward_passes(
    function: Function, parameters: Parameters, tangent: Parameters, x: Tensor
) -> Tensor:
    leaves = {name: value.detach().requires_grad_() for name, value in parameters.items()}
    with torch.enable_grad():
        values = function(leaves, x)
        weights = torch.zeros_like(values, requires_grad=True)
        pulled = torch.autograd.grad(
            values,
            list(leaves.values()),
            weights,
            create_graph=True,
            allow_unused=True,
            materialize_grads=True,
        )
        terms = ((gradient * tangent[name]).sum() for name, gradient in zip(leaves, pulled, strict=True))
        product = reduce(torch.add, terms)
    return torch.autograd.grad(product, weights, materialize_grads=True)[0]


def pulled_back(function: Function, parameters: Parameters, x: Tensor, v: Tensor) -> Parameters:
    """Computes J^T v, by parameter, for v (n, outputs)."""
    leaves = {name: value.detach().requires_grad_() for name, value in parameters.items()}
    with torch.enable_grad():
        values = function(leaves, x)
    found = torch.autograd.grad(values, list(leaves.values()), v, allow_unused=True, materialize_grads=True)
    return dict(zip(leaves, found, strict=True))
