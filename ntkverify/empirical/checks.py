"""Networks whose empirical NTK is no kernel: those that draw random numbers, or whose examples see one another.

Every refusal names the module. Known layers are refused by type; any other network is tried on a few
examples, together and alone.
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from ntkverify.empirical.chains import is_plain_chain, steps
from ntkverify.empirical.comparing import agree
from ntkverify.errors import InvalidArgument
from ntkverify.lazy import is_lazy
from ntkverify.memory import is_out_of_memory
from ntkverify.models import Examples, Model, told_of_calls

EVALUATE = "Call net.eval(), or take the layer out."

MOST_TRIED = 64
"""Examples of a block that are tried again in other company, evenly spread over it."""


def refuse_known(net: nn.Module) -> None:
    """Raises InvalidArgument for layers that are known to draw random numbers, or to mix examples."""
    for name, module in net.named_modules():
        where = f"{type(module).__name__} {name!r} in training mode"
        is_batch_norm = isinstance(module, nn.modules.batchnorm._BatchNorm)
        if is_batch_norm and module.training:
            raise _mixes(where)
        if is_batch_norm and module.running_mean is None:
            raise _mixes(f"{type(module).__name__} {name!r} without statistics")
        random = getattr(module, "p", 0) if isinstance(module, nn.modules.dropout._DropoutNd) else 0
        if module.training and (random or isinstance(module, nn.RReLU)):
            raise _random(where)


def _mixes(where: str) -> InvalidArgument:
    return InvalidArgument(
        "net", f"{where}, which mixes the examples of a batch", "each row on its own", EVALUATE
    )


def _random(where: str) -> InvalidArgument:
    return InvalidArgument(
        "net", f"{where}, which draws random numbers", "the same output every time", EVALUATE
    )


def check_lazy(model: Model, method: str) -> None:
    """Raises InvalidArgument where lazy layers are asked for a derivative that they do not have."""
    if is_lazy(model.net) and (method not in ("auto", "structured_derivatives") or not is_plain_chain(model)):
        chain = is_plain_chain(model)
        got = f"lazy layers, for {method!r}" if chain else "lazy layers within another module"
        expected = "a plain chain, and structured derivatives, the only ones that lazy layers have"
        raise InvalidArgument("net", got, expected, 'Build it with weights="dense" for this.')


def checked(model: Model, x: Examples) -> Model:
    """Tries a few of the examples x, together and alone, and returns the model, which knows its digits then.

    Raises InvalidArgument, naming the module, where the two differ, where random numbers are drawn
    or where buffers change; and where the network takes no such examples or returns no row for each.
    """
    refuse_known(model.net)
    if is_plain_chain(model):
        steps(model.net, tuple(x.only.shape))
        return model
    few = _pair(x)
    with _kept_random_state(few):
        before = _random_state(few)
        values = _tried(model, few)
        model = model.with_digits_of(few)
        if not torch.equal(before, _random_state(few)) or not _same(model, values, model.values(few)):
            raise _random(_culprit(model, few, slice(None)))
        for rows in (slice(0, 1), slice(1, 2)):
            if not _same(model, values[rows], _alone(model, few[rows])):
                raise _mixes(_culprit(model, few, rows))
    return model


def check_rows(model: Model, x: Examples, values: Tensor | None = None) -> None:
    """Raises InvalidArgument, naming the module, where examples x in other company and places than these get other
    outputs than `values`, (n, outputs), which are computed where they are not known."""
    if is_plain_chain(model) or len(x) == 1:
        return
    together = model.values(x) if values is None else values
    tried = np.linspace(0, len(x) - 1, min(len(x), MOST_TRIED), dtype=int)
    for rows in (tried[::-2].tolist(), tried[-2::-2].tolist()):
        if not _same(model, together[rows], _alone(model, x[rows])):
            raise _mixes(_culprit(model, x, rows))


def _pair(x: Examples) -> Examples:
    """The first and the last example, or one and another like it."""
    if len(x) > 1:
        return x[[0, -1]]
    return x.of(
        torch.cat([leaf, 0.5 * leaf + 0.1 if leaf.is_floating_point() else leaf]) for leaf in x.leaves
    )


def _tried(model: Model, few: Examples) -> Tensor:
    """The outputs, of a network that leaves its buffers as they are."""
    versions = {name: buffer._version for name, buffer in model.net.named_buffers()}
    with told_of_calls(few):
        values = model.values(few)
    for name, buffer in model.net.named_buffers():
        if buffer._version != versions[name]:
            got = f"a module that changes its buffer {name!r}"
            raise InvalidArgument("net", got, "one that stays as it is", EVALUATE)
    return values


def _alone(model: Model, x: Examples) -> Tensor | None:
    try:
        return model.values(x)
    except Exception as error:  # statistics of a single example
        if is_out_of_memory(error):
            raise
        return None


def _kept_random_state(x: Examples) -> Any:
    device = x.leaves[0].device
    return torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])


def _same(model: Model, first: Tensor, second: Tensor | None) -> bool:
    return second is not None and agree(second, first, model.coarsest)


def _random_state(x: Examples) -> Tensor:
    device = x.leaves[0].device
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


Event = tuple[str, str, Tensor]
"""A module's name, "in" or "out", and the tensor."""


def _culprit(model: Model, x: Examples, rows: slice | list[int]) -> str:
    """The innermost module behind which the rows differ between two runs: on x, and on those rows alone."""
    first, second = _events(model, x), _events(model, x[rows])
    running = [""]
    for (name, kind, a), (_, _, b) in zip(first, second, strict=False):
        differ = len(a) == len(x) and not _same(model, a[rows], b)
        if kind == "in":
            if differ:
                break  # in the code of the module around it
            running.append(name)
        else:
            running.pop()
            if differ:
                running.append(name)
                break
    name = type(model.net.get_submodule(running[-1])).__name__
    return f"{name} {running[-1]!r}" if running[-1] else f"{name}'s own code"


def _events(model: Model, x: Examples) -> list[Event]:
    events: list[Event] = []
    handles = []

    def listen(name: str, kind: str) -> Callable:
        def hook(module: nn.Module, args: tuple, out: Any = None) -> None:
            values = out if kind == "out" else next(iter(args), None)
            told = isinstance(values, Tensor) and values.ndim > 0 and values.is_floating_point()
            events.append((name, kind, cast(Tensor, values).detach().clone() if told else torch.empty(0)))

        return hook

    for name, module in model.net.named_modules():
        if name:
            handles.append(module.register_forward_pre_hook(listen(name, "in")))
            handles.append(module.register_forward_hook(listen(name, "out")))
    try:
        _alone(model, x)
    finally:
        for handle in handles:
            handle.remove()
    return events
