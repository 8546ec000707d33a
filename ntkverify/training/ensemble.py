"""Several networks of one shape, trained together where that is faster."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from ntkverify.arrays import Array, as_given
from ntkverify.errors import InvalidArgument
from ntkverify.lazy import is_lazy
from ntkverify.training.descent import train
from ntkverify.training.records import Record, Trajectory
from ntkverify.training.stacked import Stacked
from ntkverify.training.stepping import Stepping, can_step

LARGEST = 2**18
"""Parameters beyond which a network is faster alone: its products are large enough by themselves."""

TOGETHER = 2**21
"""Parameters of the networks trained at once: more save no time, and take memory."""

FEWEST_TOGETHER = 4
"""Fewer are faster one by one: batched products have a cost of their own, measured as about twice."""

IN_CACHE = 2**20
"""Parameters of networks trained at once where each layer steps by itself."""

Part = TypeVar("Part", Trajectory, Record)

OUTPUTS = ("initial_train", "train", "initial_test", "test")
RECORDED = ("train", "test", "kernel_drift", "parameter_distance")


def train_ensemble(
    nets: Sequence[nn.Module], x: Array, y: Array, x_test: Array | None = None, **settings: Any
) -> Trajectory:
    """Does as `train`, for networks of one shape at once; outputs get a leading axis (networks, n, outputs).

    Small networks are trained together, as batched matrix products; the networks given stay as
    they are. The losses are sums over all networks. Raises as `train` does, and InvalidArgument for
    stop_at: networks would stop at different steps.
    """
    if settings.get("stop_at"):
        raise InvalidArgument("stop_at", repr(settings["stop_at"]), "0", "Train the networks one by one.")
    size = sum(parameter.numel() for parameter in nets[0].parameters())
    if not is_lazy(nets[0]) and can_step(nets):
        batches = _batches(nets, max(1, IN_CACHE // size))
        runs = [train(Stepping(batch), x, y, x_test, **settings) for batch in batches]
    elif size > LARGEST or len(nets) < FEWEST_TOGETHER or is_lazy(nets[0]):
        runs = [_alone(train(copy.deepcopy(net), x, y, x_test, **settings)) for net in nets]
    else:
        runs = [train(Stacked(batch), x, y, x_test, **settings) for batch in _batches(nets, TOGETHER // size)]
    give = as_given(x, y, x_test)
    return Trajectory(
        **_joined(runs, OUTPUTS, give),
        losses=tuple(map(sum, zip(*(run.losses for run in runs), strict=False))),
        records=tuple(
            Record(step=same[0].step, **_joined(same, RECORDED, give))
            for same in zip(*(run.records for run in runs), strict=False)
        ),
    )


def _batches(nets: Sequence[nn.Module], together: int) -> list[Sequence[nn.Module]]:
    return [nets[start : start + together] for start in range(0, len(nets), together)]


def _alone(run: Trajectory) -> Trajectory:
    """The run of one network as that of an ensemble of one."""

    def lift(part: Part, names: Sequence[str]) -> Part:
        arrays = {name: getattr(part, name) for name in names}
        lifted: dict[str, Any] = {name: None if a is None else a[None] for name, a in arrays.items()}
        return replace(part, **lifted)

    return replace(lift(run, OUTPUTS), records=tuple(lift(record, RECORDED) for record in run.records))


def _joined(parts: Sequence[object], names: Sequence[str], give: Callable[[Tensor], Array]) -> dict[str, Any]:
    """Each named array of all parts, joined along the networks; None where there is none."""
    columns = {name: [getattr(part, name) for part in parts] for name in names}
    return {
        name: None if column[0] is None else give(torch.cat([torch.as_tensor(part) for part in column]))
        for name, column in columns.items()
    }
