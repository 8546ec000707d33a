"""Training of finite networks on 1/2 sum (f - y)^2."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from ntkverify.arrays import Array, as_given, as_matrix
from ntkverify.empirical import largest_eigenvalue
from ntkverify.errors import InvalidArgument
from ntkverify.predict import batches
from ntkverify.predict.checks import check_learning_rate, check_momentum, check_stable, check_steps

CACHED_PARAMETERS = 2**17
"""Networks are trained together up to this many parameters: beyond, the batch falls out of the cache."""


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """What one training run did.

    initial_train, train: (n, outputs), before and after; initial_test, test: (m, outputs) or None.
    losses: the loss (of the step's batch) before every step, and the whole after the last; shorter than steps + 1 where the
    loss stopped being finite, at which point training stopped too.
    """

    initial_train: Array
    train: Array
    initial_test: Array | None
    test: Array | None
    losses: tuple[float, ...]


def train(
    net: nn.Module,
    x: Array,
    y: Array,
    x_test: Array | None = None,
    *,
    steps: int,
    learning_rate: float,
    momentum: float = 0.0,
    nesterov: bool = False,
    batch_size: int | None = None,
    seed: int = 0,
    allow_unstable: bool = False,
) -> Trajectory:
    """Gradient descent on 1/2 sum (f - y)^2, with heavy-ball or Nesterov momentum, in place.

    x: (n, d), y: (n, outputs), x_test: (m, d); net: (n, d) -> (n, outputs). batch_size: points per
    step, or None for all; the batches are those of `predict.batches` with this seed, and the loss
    of a step is the sum over its batch.
    Raises InvalidArgument for bad arrays or settings, and, unless allow_unstable, for a learning
    rate at which `predict.gradient_descent` with the network's present NTK would diverge.
    """
    parameters = [parameter for parameter in net.parameters() if parameter.requires_grad]
    if not parameters:
        raise InvalidArgument("net", "no trainable parameter", "at least one", "Set requires_grad.")
    check_steps(steps)
    check_learning_rate(learning_rate)
    check_momentum(momentum)
    inputs = as_matrix("x", x).to(parameters[0])
    test_inputs = None if x_test is None else as_matrix("x_test", x_test, columns=inputs.shape[1]).to(inputs)
    initial_train, initial_test = _outputs(net, inputs), _outputs(net, test_inputs)
    targets = as_matrix("y", y, rows=len(inputs), columns=initial_train.shape[-1]).to(inputs)
    if not allow_unstable:
        check_stable(learning_rate, largest_eigenvalue(net, inputs), momentum, nesterov)
    rows = [slice(None)] * steps if batch_size is None else batches(len(inputs), batch_size, steps, seed)
    optimizer = torch.optim.SGD(parameters, learning_rate, momentum, nesterov=nesterov and momentum > 0)
    losses = _descend(net, inputs, targets, optimizer, rows)
    give = as_given(x, y, x_test)
    return Trajectory(
        initial_train=give(initial_train),
        train=give(_outputs(net, inputs)),
        initial_test=None if initial_test is None else give(initial_test),
        test=None if test_inputs is None else give(_outputs(net, test_inputs)),
        losses=losses,
    )


def train_ensemble(nets: Sequence[nn.Module], x: Array, y: Array, x_test: Array, **settings) -> Trajectory:
    """As `train`, for networks of one shape at once; outputs get a leading axis (networks, n, outputs).

    Small networks are trained together, as batched matrix products; the networks given stay as
    they are. The losses are sums over all networks. Raises as `train` does.
    """
    together = max(1, CACHED_PARAMETERS // sum(parameter.numel() for parameter in nets[0].parameters()))
    runs = []
    for start in range(0, len(nets), together):
        stacked = Stacked(nets[start : start + together])
        runs.append(train(stacked, x, y, x_test, **settings))
    give = as_given(x, y, x_test)
    joined = {
        name: give(torch.cat([torch.as_tensor(getattr(run, name)) for run in runs]))
        for name in ("initial_train", "train", "initial_test", "test")
    }
    return Trajectory(**joined, losses=tuple(map(sum, zip(*(run.losses for run in runs), strict=False))))


class Stacked(nn.Module):
    """Networks of one shape as one module: (n, d) -> (networks, n, outputs)."""

    def __init__(self, nets: Sequence[nn.Module]):
        super().__init__()
        parameters, self._state = stack_module_state(list(nets))
        self._names = list(parameters)
        frozen_stay = (nn.Parameter(p.detach(), requires_grad=p.requires_grad) for p in parameters.values())
        self.stacked = nn.ParameterList(frozen_stay)
        # Without values, and hidden from this module's own parameters.
        self._shape = [copy.deepcopy(nets[0]).to("meta")]

    def forward(self, x: Tensor) -> Tensor:
        state = dict(zip(self._names, self.stacked, strict=True)) | self._state
        return vmap(lambda one: functional_call(self._shape[0], one, (x,)))(state)


def _descend(
    net: nn.Module, x: Tensor, y: Tensor, optimizer: torch.optim.Optimizer, rows: Sequence[slice | np.ndarray]
) -> tuple[float, ...]:
    losses = []
    for batch in rows:
        optimizer.zero_grad()
        each = ((net(x[batch]) - y[batch]) ** 2).sum(dim=(-2, -1)) / 2  # one loss, or one for each network
        losses.append(each.sum().item())
        if not torch.isfinite(each).any():
            return tuple(losses)
        each.sum().backward()
        optimizer.step()
    with torch.no_grad():
        losses.append(((net(x) - y) ** 2).sum().item() / 2)
    return tuple(losses)


def _outputs(net: nn.Module, x: Tensor | None) -> Tensor | None:
    if x is None:
        return None
    with torch.no_grad():
        return net(x)
