"""What a training run leaves behind."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from ntkverify.arrays import Array
from ntkverify.empirical import kernel_of
from ntkverify.lazy import grown
from ntkverify.models import Examples, Model
from ntkverify.training.stacked import Stacked


@dataclass(frozen=True, kw_only=True)
class Record:
    """A network after `step` steps; of an ensemble, every array has a leading axis (networks, ...).

    train: (n, outputs), test: (m, outputs) or None. kernel_drift: |Theta_t - Theta_0| / |Theta_0|, Frobenius
    norms of the NTK of the training points. parameter_distance: |w_t - w_0|, of the trained parameters.
    """

    step: int
    train: Array
    test: Array | None
    kernel_drift: Array
    parameter_distance: Array


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """What one training run did.

    initial_train, train: (n, outputs), before and after; initial_test, test: (m, outputs) or None.
    losses: the loss (of the step's batch, without a penalty) before every step, and the whole after the
    last; shorter than steps + 1 where the wanted residual was reached, or where the loss stopped being finite.
    records: at the steps that were asked for and reached.
    """

    initial_train: Array
    train: Array
    initial_test: Array | None
    test: Array | None
    losses: tuple[float, ...]
    records: tuple[Record, ...] = ()


class Recorder:
    """Makes the records of a run that is under way."""

    def __init__(self, model: Model, x: Examples, x_test: Examples | None, steps: Sequence[int]):
        self._model, self._x, self._x_test, self._steps = model, x, x_test, frozenset(steps)
        self.records: list[Record] = []
        if self._steps:
            self._kernel = _kernel(model, x)
            self._start = [parameter.detach().clone() for parameter in model.own.values()]

    def __call__(self, step: int, give: Callable[[Tensor], Array]) -> None:
        """Adds the record of that step, if it was asked for."""
        if step not in self._steps:
            return
        moved = torch.linalg.matrix_norm(_kernel(self._model, self._x) - self._kernel)
        distances = zip(self._model.own.values(), self._start, strict=True)
        lead = 1 if isinstance(self._model.net, Stacked) else 0
        moves = ((p.detach() - grown(q, p.shape)).reshape(*p.shape[:lead], -1) for p, q in distances)
        squares = reduce(torch.add, ((move.abs() ** 2).sum(dim=-1) for move in moves))
        self.records.append(
            Record(
                step=step,
                train=give(self._model.values(self._x)),
                test=None if self._x_test is None else give(self._model.values(self._x_test)),
                kernel_drift=give(moved / torch.linalg.matrix_norm(self._kernel)),
                parameter_distance=give(squares.sqrt()),
            )
        )


def _kernel(model: Model, x: Examples) -> Tensor:
    return model.net.ntk(x.only) if isinstance(model.net, Stacked) else kernel_of(model, x, x)[0]
