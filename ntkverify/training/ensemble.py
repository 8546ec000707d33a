"""Several networks of one shape, trained together where that is faster."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ntkverify.arrays import Array, as_given
from ntkverify.errors import InvalidArgument
from ntkverify.training.descent import train
from ntkverify.training.records import Record, Trajectory
from ntkverify.training.stacked import Stacked

CACHED_PARAMETERS = 2**17
"""Networks are trained together up to this many parameters: beyond, the batch falls out of the cache."""


def train_ensemble(
    nets: Sequence[nn.Module], x: Array, y: Array, x_test: Array | None = None, **settings
) -> Trajectory:
    """As `train`, for networks of one shape at once; outputs get a leading axis (networks, n, outputs).

    Small networks are trained together, as batched matrix products; the networks given stay as
    they are. The losses are sums over all networks. Raises as `train` does, and InvalidArgument for
    stop_at: networks would stop at different steps.
    """
    if settings.get("stop_at"):
        raise InvalidArgument("stop_at", repr(settings["stop_at"]), "0", "Train the networks one by one.")
    together = max(1, CACHED_PARAMETERS // sum(parameter.numel() for parameter in nets[0].parameters()))
    runs = []
    for start in range(0, len(nets), together):
        stacked = Stacked(nets[start : start + together])
        runs.append(train(stacked, x, y, x_test, **settings))
    give = as_given(x, y, x_test)
    outputs = ("initial_train", "train", "initial_test", "test")
    return Trajectory(
        **_joined(runs, outputs, give),
        losses=tuple(map(sum, zip(*(run.losses for run in runs), strict=False))),
        records=tuple(
            Record(step=together[0].step, **_joined(together, RECORDED, give))
            for together in zip(*(run.records for run in runs), strict=False)
        ),
    )


RECORDED = ("train", "test", "kernel_drift", "parameter_distance")


def _joined(parts: Sequence[object], names: Sequence[str], give: Callable[[Tensor], Array]) -> dict:
    """Each named array of all parts, joined along the networks; None where there is none."""
    columns = {name: [getattr(part, name) for part in parts] for name in names}
    return {
        name: None if column[0] is None else give(torch.cat([torch.as_tensor(part) for part in column]))
        for name, column in columns.items()
    }
