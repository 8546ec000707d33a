"""A module as a function of the parameters that move, each counted once however often it is used."""

import math
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ntkverify.errors import InvalidArgument
from ntkverify.memory import is_out_of_memory
from ntkverify.models.examples import Examples, Form, Leaves
from ntkverify.models.outputs import Output, tensor_of
from ntkverify.numerics import largest

Parameters = dict[str, Tensor]
Chosen = str | Collection[str] | None
"""Names or patterns ("0.*", "*.bias") of parameters; None for all."""

Function = Callable[[Parameters, Leaves], Tensor]


@dataclass(frozen=True, eq=False)
class Model:
    """A module, how its outputs are read, and the names of the parameters that move."""

    net: nn.Module
    output: Output | None
    names: tuple[str, ...]

    def __call__(self, x: Examples) -> Tensor:
        """Returns the outputs (n, o), in the graph of the module's own parameters where gradients are on."""
        return self._returned(x).reshape(len(x), -1)

    def values(self, x: Examples) -> Tensor:
        """Returns the outputs (n, o) without a graph."""
        return _without_graph(self, x)

    def values_and_shape(self, x: Examples) -> tuple[Tensor, tuple[int, ...]]:
        """Returns the outputs (n, o) without a graph, and in which shape the network gives those of an example.

        Raises InvalidArgument where the network cannot be called with x.
        """
        with told_of_calls(x):
            returned = _without_graph(self._returned, x)
        return returned.reshape(len(x), -1), tuple(returned.shape[1:])

    def _returned(self, x: Examples) -> Tensor:
        return tensor_of(x.form.run(self.net, x.leaves), self.output, len(x))

    @cached_property
    def own(self) -> dict[str, nn.Parameter]:
        """Holds the module's own parameters that move, by name."""
        parameters = dict(self.net.named_parameters())
        return {name: parameters[name] for name in self.names}

    @cached_property
    def coarsest(self) -> torch.dtype:
        """Is the dtype of fewest digits among all parameters."""
        reals = (p.dtype.to_real() for p in self.net.parameters() if p.is_floating_point() or p.is_complex())
        return max(reals, key=lambda dtype: torch.finfo(dtype).eps)

    @property
    def detached(self) -> Parameters:
        """Holds the present values of the parameters that move."""
        return {name: value.detach() for name, value in self.own.items()}

    def function(self, form: Form) -> Function:
        """Returns (parameters, arrays of that form) -> outputs (n, o); the module stays as it is.

        torch's own tying is left off, because it leaves foreign tensors in a module that is used twice.
        """
        aliases = self.aliases

        def function(parameters: Parameters, leaves: Leaves) -> Tensor:
            state = {alias: value for name, value in parameters.items() for alias in aliases[name]}
            args, kwargs = form.arguments(leaves)
            returned = functional_call(self.net, state, args, kwargs, tie_weights=False)
            count = len(leaves[0])
            return tensor_of(returned, self.output, count).reshape(count, -1)

        return function

    @cached_property
    def aliases(self) -> dict[str, tuple[str, ...]]:
        """Holds all names of every parameter and buffer, by the first of them."""
        found: dict[int, list[str]] = {}
        for prefix, module in self.net.named_modules():
            for name, value in (*module._parameters.items(), *module._buffers.items()):
                if value is not None:
                    found.setdefault(id(value), []).append(f"{prefix}.{name}" if prefix else name)
        return {names[0]: tuple(names) for names in found.values()}


@contextmanager
def told_of_calls(x: Examples) -> Iterator[None]:
    """Raises InvalidArgument, saying what was tried, for what a network raises when it is called with x."""
    try:
        yield
    except InvalidArgument:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        got = f"{type(error).__name__} ({error}) when called with {x}"
        remedy = (
            "Pass examples as the network takes them; a tuple for several arguments, a dict for keywords."
        )
        raise InvalidArgument("net", got, "outputs", remedy) from error


def _without_graph(outputs: Callable[[Examples], Tensor], x: Examples) -> Tensor:
    """Returns outputs(x), detached; gradients are on only for a network that differentiates within."""
    try:
        with torch.no_grad():
            return outputs(x)
    except RuntimeError:
        with torch.enable_grad():
            return outputs(x).detach()


def model_of(net: Any, output: Output | None = None, parameters: Chosen = None) -> Model:
    """Returns `net` as a model whose trainable parameters of those names or patterns move.

    Raises InvalidArgument for what is no module, or none whose parameters can be told apart, for parameters without
    values, for a name or pattern that fits none, and where nothing is left to train.
    """
    _check_module(net)
    if output is not None and not callable(output):
        raise InvalidArgument("output", repr(output), "a function", "It takes what the network returns.")
    trainable = [name for name, value in net.named_parameters() if value.requires_grad]
    if not trainable:
        remedy = "Set requires_grad on what training would move."
        raise InvalidArgument("net", "no trainable parameter", "at least one", remedy)
    return Model(net, output, tuple(_chosen(trainable, parameters)))


def _chosen(trainable: list[str], parameters: Chosen) -> list[str]:
    if parameters is None:
        return trainable
    patterns = [parameters] if isinstance(parameters, str) else parameters
    several = isinstance(patterns, Collection) and len(patterns) > 0
    if not several or not all(isinstance(pattern, str) for pattern in patterns):
        remedy = "Names are those of net.named_parameters(); None takes all."
        raise InvalidArgument(
            "parameters", " ".join(repr(parameters)[:60].split()), "names or patterns", remedy
        )
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in trainable):
            expected = (
                f"a name or a pattern of {', '.join(trainable[:6])}{', ...' if len(trainable) > 6 else ''}"
            )
            raise InvalidArgument(
                "parameters", repr(pattern), expected, 'Patterns are those of fnmatch: "0.*".'
            )
    return [name for name in trainable if any(fnmatchcase(name, pattern) for pattern in patterns)]


def _check_module(net: Any) -> None:
    if not isinstance(net, nn.Module):
        got = f"the class {net.__name__}" if isinstance(net, type) else f"{type(net).__name__} {net!r}"[:80]
        remedy = "Make it: net = network(arch, width, seed) for an Architecture, Net() for a class."
        raise InvalidArgument("net", got, "a torch.nn.Module", remedy)
    if isinstance(net, torch.jit.ScriptModule):
        remedy = "Pass the module that it was made from."
        raise InvalidArgument("net", f"a {type(net).__name__}", "a module in Python", remedy)
    if isinstance(net, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        raise InvalidArgument("net", f"a {type(net).__name__}", "the module itself", "Pass net.module.")
    for name, value in net.named_parameters():
        if isinstance(value, nn.parameter.UninitializedParameter) or value.is_meta:
            remedy = "Run it once on an example, or load its weights (net.to_empty(device=...) first)."
            raise InvalidArgument("net", f"parameter {name!r} without values", "numbers", remedy)
        if not math.isfinite(largest(value)):
            remedy = "Training may have diverged; start from finite weights."
            raise InvalidArgument("net", f"parameter {name!r} that is not finite", "finite values", remedy)
