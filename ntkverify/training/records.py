"""What a training run leaves behind."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor, nn

from ntkverify.arrays import Array
from ntkverify.empirical import empirical_ntk
from ntkverify.lazy import grown
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

    def __init__(self, net: nn.Module, x: Tensor, x_test: Tensor | None, steps: Sequence[int]):
        self._net, self._x, self._x_test, self._steps = net, x, x_test, frozenset(steps)
        self.records: list[Record] = []
        if self._steps:
            self._kernel = _kernel(net, x)
            self._start = [parameter.detach().clone() for parameter in trained(net)]

    def __call__(self, step: int, give: Callable[[Tensor], Array]) -> None:
        """Adds the record of that step, if it was asked for."""
        if step not in self._steps:
            return
        moved = torch.linalg.matrix_norm(_kernel(self._net, self._x) - self._kernel)
        distances = zip(trained(self._net), self._start, strict=True)
        lead = 1 if isinstance(self._net, Stacked) else 0
        moves = ((p.detach() - grown(q, p.shape)).flatten(lead) for p, q in distances)
        squares = reduce(torch.add, ((move**2).sum(dim=-1) for move in moves))
        self.records.append(
            Record(
                step=step,
                train=give(outputs(self._net, self._x)),
                test=None if self._x_test is None else give(outputs(self._net, self._x_test)),
                kernel_drift=give(moved / torch.linalg.matrix_norm(self._kernel)),
                parameter_distance=give(squares.sqrt()),
            )
        )


def trained(net: nn.Module) -> list[nn.Parameter]:
    """Returns the parameters that training moves."""
    return [parameter for parameter in net.parameters() if parameter.requires_grad]


def outputs(net: nn.Module, x: Tensor) -> Tensor:
    """Returns what `net` says of x, without a graph."""
    with torch.no_grad():
        return net(x)


def _kernel(net: nn.Module, x: Tensor) -> Tensor:
    return net.ntk(x) if isinstance(net, Stacked) else torch.as_tensor(empirical_ntk(net, x))
