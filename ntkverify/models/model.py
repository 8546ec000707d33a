"""A module as a function of the parameters that move, each counted once however often it is used."""

import contextlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.func import functional_call

from ntkverify.errors import InvalidArgument
from ntkverify.memory import is_out_of_memory
from ntkverify.models.examples import Examples, Form, Leaves
from ntkverify.models.outputs import Output, tensor_of
from ntkverify.models.untouched import untouched

Parameters = dict[str, Tensor]
Function = Callable[[Parameters, Leaves], Tensor]


@dataclass(frozen=True, eq=False)
class Model:
    """A module, how its outputs are read, the names of the parameters that move, and the dtype of fewest digits among
    all numbers that are known to have a part in it."""

    net: nn.Module
    output: Output | None
    names: tuple[str, ...]
    coarsest: torch.dtype

    def __call__(self, x: Examples) -> Tensor:
        """Returns the outputs (n, o), in the graph of the module's own parameters where gradients are on."""
        return self._returned(x).reshape(len(x), -1)

    def examined(self, x: Examples) -> Tensor:
        """Does as a call; the module keeps nothing of it."""
        with untouched(self.net):
            return self(x)

    def for_gradients(self, x: Examples) -> Tensor:
        """Does as `examined`, for gradients: a single example is run twice, see `Examples.not_alone`."""
        return self.examined(x.not_alone)[: len(x)]

    def with_digits_of(self, x: Examples) -> "Model":
        """Returns the model that knows in which dtypes it computes, told from what it keeps for a backward pass of x."""
        seen = [self.coarsest]

        def look(value: Tensor) -> Tensor:
            if value.is_floating_point():
                seen.append(value.dtype)
            return value

        # torch.func within a network has no such hooks.
        suppressed, hooks = contextlib.suppress(RuntimeError), saved_tensors_hooks(look, lambda value: value)
        with suppressed, hooks, torch.enable_grad():
            self.examined(x)
        return replace(self, coarsest=coarsest(seen))

    def values(self, x: Examples) -> Tensor:
        """Returns the outputs (n, o) without a graph."""
        return _without_graph(self.examined, x)

    def values_and_shape(self, x: Examples) -> tuple[Tensor, tuple[int, ...]]:
        """Returns the outputs (n, o) without a graph, and in which shape the network gives those of an example.

        Raises InvalidArgument where the network cannot be called with x.
        """
        with told_of_calls(x), untouched(self.net):
            returned = _without_graph(self._returned, x)
        return returned.reshape(len(x), -1), tuple(returned.shape[1:])

    def _returned(self, x: Examples) -> Tensor:
        return tensor_of(x.form.run(self.net, x.leaves), self.output, len(x))

    @cached_property
    def own(self) -> dict[str, nn.Parameter]:
        """Holds the module's own parameters that move, by name."""
        parameters = dict(self.net.named_parameters())
        return {name: parameters[name] for name in self.names}

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
            with untouched(self.net):
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


def coarsest(dtypes: Collection[torch.dtype]) -> torch.dtype:
    """Returns the floating-point dtype of fewest digits."""
    return max(dtypes, key=lambda dtype: torch.finfo(dtype).eps)


@contextlib.contextmanager
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
