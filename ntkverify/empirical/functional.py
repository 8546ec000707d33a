"""A module as a function of its trainable parameters, each counted once however often it is used."""

from collections.abc import Callable

from torch import Tensor, nn
from torch.func import functional_call

Parameters = dict[str, Tensor]


def as_function(net: nn.Module) -> tuple[Callable[[Parameters, Tensor], Tensor], Parameters]:
    """(parameters, x) -> net(x), and the present trainable parameters, detached.

    `net` itself stays as it is. A parameter that several modules hold has one entry; torch's own
    tying is left off, because it leaves foreign tensors in a module that is used twice.
    """
    places: dict[int, list[str]] = {}
    seen, values = set(), {}
    for prefix, module in net.named_modules():
        for name, value in module.named_parameters(prefix=prefix, recurse=False):
            if (id(module), name) not in seen:
                seen.add((id(module), name))
                places.setdefault(id(value), []).append(name)
                values[id(value)] = value
    trainable = {places[key][0]: value.detach() for key, value in values.items() if value.requires_grad}
    aliases = {names[0]: names for names in places.values() if names[0] in trainable}

    def function(parameters: Parameters, x: Tensor) -> Tensor:
        state = {alias: parameters[name] for name, names in aliases.items() for alias in names}
        return functional_call(net, state, (x,), tie_weights=False)

    return function, trainable
