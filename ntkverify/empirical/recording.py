"""One forward pass that writes down every call of a layer whose rule is known.

Within such a call the layer's parameters count as constants. So whatever part of the result's graph
still leads to one of them is a use outside its layer, which no rule accounts for.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge

from ntkverify.empirical.chains import leaves
from ntkverify.empirical.layers import RULES, rule_for
from ntkverify.memory import is_out_of_memory
from ntkverify.models import Examples, Function, Model, Parameters


@dataclass(kw_only=True)
class Call:
    """One call of a layer. names: of its trainable parameters, by what the layer calls them."""

    module: nn.Module
    names: dict[str, str]
    inputs: Tensor
    version: int
    shape: torch.Size
    edge: Tensor | GradientEdge

    @property
    def is_by_example(self) -> bool:
        """Whether inputs and outputs are as they were, with the examples on a first axis of their own."""
        apart = RULES[type(self.module)].keeps_examples_apart(self.module, self.inputs)
        return apart and self.inputs._version == self.version


@dataclass(kw_only=True)
class Recording:
    """A forward pass. outside: parameters used other than by the layers' calls."""

    values: Tensor
    calls: list[Call] = field(default_factory=list)
    outside: set[str] = field(default_factory=set)


def record(model: Model, function: Function, parameters: Parameters, x: Examples) -> Recording:
    """Writes down function(parameters, arrays of x); parameters: by name, as the model has them."""
    leaves = {name: value.detach().requires_grad_() for name, value in parameters.items()}
    names = {id(leaf): name for name, leaf in leaves.items()}
    with torch.enable_grad(), _hooks(model.net, names) as calls:
        values = function(leaves, x.with_gradients().leaves)
    return Recording(
        values=values, calls=calls, outside={names[key] for key in _reached(values) & set(names)}
    )


def record_chain(model: Model, x: Examples) -> Recording:
    """Does as `record`, for a plain chain: without hooks, since there is no other use to look out for."""
    names = {id(value): name for name, value in model.own.items()}
    calls: list[Call] = []
    with torch.enable_grad():
        value = x.only.detach().requires_grad_()
        for module in leaves(model.net):
            inputs, value = value, module(value)
            own = {key: names[id(p)] for key, p in module._parameters.items() if id(p) in names}
            if own:
                edge, version = get_gradient_edge(value), inputs._version
                calls.append(
                    Call(
                        module=module,
                        names=own,
                        inputs=inputs.detach(),
                        version=version,
                        shape=value.shape,
                        edge=edge,
                    )
                )
    return Recording(values=value.flatten(1), calls=calls)


@contextlib.contextmanager
def _hooks(net: nn.Module, names: dict[int, str]) -> Iterator[list[Call]]:
    calls: list[Call] = []
    with contextlib.ExitStack() as stack:
        for module in net.modules():
            if rule_for(module):
                listener = _Listener(module, names, calls)
                # Around the layer itself: inside whatever hooks it has of its own.
                stack.callback(module.register_forward_pre_hook(listener.start, with_kwargs=True).remove)
                after = module.register_forward_hook(listener.finish, with_kwargs=True, prepend=True)
                stack.callback(after.remove)
        yield calls


class _Listener:
    def __init__(self, module: nn.Module, names: dict[int, str], calls: list[Call]):
        self.module, self.names, self.calls = module, names, calls
        self.held: dict[str, Tensor] = {}

    def start(self, module: nn.Module, args: tuple, kwargs: dict[str, Any]) -> None:
        (x,) = (*args, *kwargs.values())
        self.held = {}
        if not torch.is_grad_enabled() or torch._C._functorch.is_functorch_wrapped_tensor(x):
            return
        self.held = {
            key: value
            for key, value in module._parameters.items()
            if value is not None and id(value) in self.names
        }
        for value in self.held.values():
            value.requires_grad_(False)

    def finish(self, module: nn.Module, args: tuple, kwargs: dict[str, Any], out: Tensor) -> Tensor | None:
        for value in self.held.values():
            value.requires_grad_(True)
        if not self.held:
            return None
        (x,) = (*args, *kwargs.values())
        own = not out.requires_grad  # nothing before it depends on x or on a parameter
        edge = out.requires_grad_() if own else get_gradient_edge(out)
        self.calls.append(
            Call(
                module=module,
                names={key: self.names[id(value)] for key, value in self.held.items()},
                inputs=x.detach(),
                version=x._version,
                shape=out.shape,
                edge=edge,
            )
        )
        return out.clone() if own else None  # a leaf could not be changed in place


def _reached(values: Tensor) -> set[int]:
    """The ids of the leaves that the graph of `values` leads to."""
    seen, leaves, waiting = set(), set(), [values.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            leaves.add(id(node.variable))
        waiting += [following for following, _ in node.next_functions]
    return leaves


def gradients(recording: Recording, cotangents: Tensor) -> list[Tensor]:
    """Computes the gradients (k, *call.shape) at the outputs of every call, for each of the cotangents (k, n,
    outputs)."""
    edges, values = [call.edge for call in recording.calls], recording.values
    if not edges or not values.requires_grad:
        return [values.new_zeros(len(cotangents), *call.shape) for call in recording.calls]
    found = _backward(values, edges, cotangents)
    return [
        values.new_zeros(len(cotangents), *call.shape) if gradient is None else gradient
        for call, gradient in zip(recording.calls, found, strict=True)
    ]


def _backward(values: Tensor, edges: list, cotangents: Tensor) -> list[Tensor | None]:
    def one(cotangent: Tensor, **options: Any) -> tuple[Tensor | None, ...]:
        return torch.autograd.grad(values, edges, cotangent, retain_graph=True, allow_unused=True, **options)

    if len(cotangents) == 1:
        return [None if gradient is None else gradient[None] for gradient in one(cotangents[0])]
    try:
        return list(one(cotangents, is_grads_batched=True))
    except RuntimeError as error:  # an operation that cannot be batched
        if is_out_of_memory(error):
            raise
        rows = [one(cotangent) for cotangent in cotangents]
        return [None if column[0] is None else torch.stack(column) for column in zip(*rows, strict=True)]
