"""Networks whose empirical NTK is no kernel: those that draw random numbers, or whose examples see one another.

Every refusal names the module. Known layers are refused by type; any other network is tried on a few
examples, together and alone.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ntkverify.empirical.chains import is_plain_chain, steps
from ntkverify.empirical.functional import run_with_own_buffers
from ntkverify.errors import InvalidArgument
from ntkverify.lazy import is_lazy
from ntkverify.memory import is_out_of_memory

EVALUATE = "Call net.eval(), or take the layer out."


def tolerance(dtype: torch.dtype) -> float:
    """Returns by how much two ways to compute one number may differ, relative to the largest of its kind:
    half of the digits."""
    return torch.finfo(dtype).eps ** 0.5


def random_signs(like: Tensor) -> Tensor:
    """Draws numbers of size 1 to 2, of the shape of `like`, without touching torch's global state."""
    stream = torch.Generator().manual_seed(0)
    draws = 1 + torch.rand(like.shape, generator=stream)
    signs = 1 - 2 * torch.randint(2, like.shape, generator=stream)
    return (draws * signs).to(like)


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


def check_lazy(net: nn.Module, method: str) -> None:
    """Raises InvalidArgument where lazy layers are asked for a derivative that they do not have."""
    if is_lazy(net) and (method not in ("auto", "structured_derivatives") or not is_plain_chain(net)):
        got = f"lazy layers, for {method!r}" if is_plain_chain(net) else "lazy layers within another module"
        expected = "a plain chain, and structured derivatives, the only ones that lazy layers have"
        raise InvalidArgument("net", got, expected, 'Build it with weights="dense" for this.')


def check_network(net: nn.Module, x: Tensor) -> None:
    """Tries a few of the examples x (n, ...), together and alone.

    Raises InvalidArgument, naming the module, where the two differ, where random numbers are drawn
    or where buffers change; and where net(x) is no row of outputs for each example.
    """
    refuse_known(net)
    if is_plain_chain(net):
        _check_shape(steps(net, x[:1].shape)[-1][1], 1)
        return
    few = torch.stack([x[0], x[-1]]) if len(x) > 1 else torch.stack([x[0], 0.5 * x[0] + 0.1])
    with torch.no_grad(), _kept_random_state(few):
        values, changed = run_with_own_buffers(net, few.clone())
        if changed:
            raise InvalidArgument(
                "net", f"a module that changes its buffer {changed[0]!r}", "one that stays as it is", EVALUATE
            )
        _check_shape(tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__, 2)
        _refuse_random(net, few)
        for rows in (slice(0, 1), slice(1, 2)):
            if not _same(values[rows], _alone(net, few[rows])):
                raise _mixes(_culprit(net, few, rows))


def _check_shape(shape: tuple[int, ...] | str, count: int) -> None:
    if isinstance(shape, str) or len(shape) != 2 or shape[0] != count:
        rows = "one row" if count == 1 else f"{count} rows"
        raise InvalidArgument(
            "net",
            f"a network with output shape {shape} for {rows}",
            f"shape ({count}, outputs)",
            "Return (n, outputs): drop a squeeze or a flatten.",
        )


def _alone(net: nn.Module, x: Tensor) -> Tensor | None:
    try:
        return net(x.clone())
    except (RuntimeError, ValueError) as error:  # statistics of a single example
        if is_out_of_memory(error):
            raise
        return None


def _kept_random_state(x: Tensor) -> Any:
    return torch.random.fork_rng(devices=[x.device] if x.is_cuda else [])


def _same(first: Tensor, second: Tensor | None) -> bool:
    if second is None or first.shape != second.shape:
        return False
    size = float(first.abs().max()) if first.numel() else 0.0
    return torch.allclose(first, second, rtol=0, atol=tolerance(first.dtype) * size, equal_nan=True)


def _refuse_random(net: nn.Module, few: Tensor) -> None:
    def state() -> Tensor:
        return torch.cuda.get_rng_state(few.device) if few.is_cuda else torch.get_rng_state()

    before = state()
    first, again = net(few.clone()), net(few.clone())
    if not torch.equal(before, state()) or not _same(first, again):
        raise _random(_culprit(net, few, slice(None)))


Event = tuple[str, str, Tensor]
"""A module's name, "in" or "out", and the tensor."""


def _culprit(net: nn.Module, x: Tensor, rows: slice) -> str:
    """The innermost module behind which the rows differ between two runs: on x, and on those rows alone."""
    first, second = _events(net, x), _events(net, x[rows])
    running = [""]
    for (name, kind, a), (_, _, b) in zip(first, second, strict=False):
        differ = len(a) == len(x) and not _same(a[rows], b)
        if kind == "in":
            if differ:
                break  # in the code of the module around it
            running.append(name)
        else:
            running.pop()
            if differ:
                running.append(name)
                break
    name = type(net.get_submodule(running[-1])).__name__
    return f"{name} {running[-1]!r}" if running[-1] else f"{name}'s own code"


def _events(net: nn.Module, x: Tensor) -> list[Event]:
    events: list[Event] = []
    handles = []

    def listen(name: str, kind: str) -> Callable:
        def hook(module: nn.Module, args: tuple, out: Any = None) -> None:
            values = out if kind == "out" else next(iter(args), None)
            events.append(
                (name, kind, values.clone() if isinstance(values, Tensor) and values.ndim else x[:0])
            )

        return hook

    for name, module in net.named_modules():
        if name:
            handles.append(module.register_forward_pre_hook(listen(name, "in")))
            handles.append(module.register_forward_hook(listen(name, "out")))
    try:
        _alone(net, x)
    finally:
        for handle in handles:
            handle.remove()
    return events
