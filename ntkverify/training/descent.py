"""Gradient descent on a finite network."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ntkverify.arrays import Array, as_given, as_matrix
from ntkverify.empirical import largest_eigenvalue
from ntkverify.errors import InvalidArgument
from ntkverify.lazy import grown, is_lazy
from ntkverify.methods import Method
from ntkverify.predict import batches
from ntkverify.predict.checks import (
    PLAIN,
    check_distributions,
    check_learning_rate,
    check_method,
    check_stable,
    check_steps,
)
from ntkverify.training.losses import CURVATURE, LOSSES, LossName
from ntkverify.training.records import Recorder, Trajectory, outputs, trained

Progress = Callable[[int, float], None]
"""Called before every step with the steps taken so far and the loss."""


def train(
    net: nn.Module,
    x: Array,
    y: Array,
    x_test: Array | None = None,
    *,
    steps: int,
    learning_rate: float,
    method: Method = PLAIN,
    batch_size: int | None = None,
    seed: int = 0,
    loss: LossName = "squared",
    penalty: float = 0.0,
    weight_decay: float = 0.0,
    record_at: Sequence[int] = (),
    stop_at: float = 0.0,
    progress: Progress | None = None,
    allow_unstable: bool = False,
) -> Trajectory:
    """Trains by gradient descent or another method, in place, of the parameters that require gradients.

    x: (n, d), y: (n, outputs), x_test: (m, d); net: (n, d) -> (n, outputs). loss: 1/2 sum (f - y)^2, or
    the summed softmax cross-entropy to rows of y that are distributions. method: GradientDescent(),
    HeavyBall(momentum) or Nesterov(momentum). batch_size: points per step, or
    None for all; the batches are those of `predict.batches` with this seed, and the loss of a step is
    the sum over its batch. penalty: adds penalty / 2 |w - w_0|^2 (Hu et al. 2020);
    weight_decay: adds weight_decay / 2 |w|^2, which lazy layers cannot. record_at: steps,
    0 for the start, at which a `Record` is made. stop_at: ends training where |f - y| has fallen to this
    fraction of its first value; full batch and squared loss only.
    Raises InvalidArgument for bad arrays or settings, and, unless allow_unstable, for a learning
    rate at which `predict.gradient_descent` with the network's present NTK would diverge.
    """
    parameters = trained(net)
    if not parameters:
        raise InvalidArgument("net", "no trainable parameter", "at least one", "Set requires_grad.")
    check_steps(steps)
    check_learning_rate(learning_rate)
    check_method(method)
    _check_settings(
        loss, {"penalty": penalty, "weight_decay": weight_decay}, record_at, stop_at, batch_size, steps
    )
    if weight_decay and is_lazy(net):
        remedy = 'Use penalty, which holds to the first weights, or weights="dense".'
        raise InvalidArgument("weight_decay", repr(weight_decay), "0 for a network with lazy layers", remedy)
    inputs = as_matrix("x", x).to(parameters[0])
    test_inputs = None if x_test is None else as_matrix("x_test", x_test, columns=inputs.shape[1]).to(inputs)
    initial_train = outputs(net, inputs)
    initial_test = None if test_inputs is None else outputs(net, test_inputs)
    targets = as_matrix("y", y, rows=len(inputs), columns=initial_train.shape[-1]).to(inputs)
    if loss == "cross_entropy":
        check_distributions(targets)
    if not allow_unstable:
        steepest = CURVATURE[loss] * largest_eigenvalue(net, inputs) + penalty + weight_decay
        check_stable(learning_rate, steepest, method)
    rows = [slice(None)] * steps if batch_size is None else batches(len(inputs), batch_size, steps, seed)
    optimizer = method.optimizer(parameters, learning_rate, weight_decay)
    optimizer.register_step_pre_hook(_grow_velocities)
    give = as_given(x, y, x_test)
    recorder, losses = Recorder(net, inputs, test_inputs, record_at), []
    recorder(0, give)
    for step, value in enumerate(
        _descend(net, inputs, targets, optimizer, rows, LOSSES[loss], penalty, stop_at)
    ):
        losses.append(value)
        if step:
            recorder(step, give)
        if progress is not None:
            progress(step, value)
    return Trajectory(
        initial_train=give(initial_train),
        train=give(outputs(net, inputs)),
        initial_test=None if initial_test is None else give(initial_test),
        test=None if test_inputs is None else give(outputs(net, test_inputs)),
        losses=tuple(losses),
        records=tuple(recorder.records),
    )


def _descend(
    net: nn.Module,
    x: Tensor,
    y: Tensor,
    optimizer: torch.optim.Optimizer,
    rows: Sequence[slice | np.ndarray],
    loss: Callable[[Tensor, Tensor], Tensor],
    penalty: float,
    stop_at: float,
) -> Iterator[float]:
    """The loss before every step, which is taken when the next one is asked for, and after the last."""
    parameters = trained(net)
    start = [parameter.detach().clone() for parameter in parameters] if penalty else []
    enough = None
    for batch in rows:
        optimizer.zero_grad()
        each = loss(net(x[batch]), y[batch])  # one, or one for each network
        enough = stop_at**2 * each.detach() if enough is None else enough
        yield each.sum().item()
        if not torch.isfinite(each).any() or (stop_at and (each <= enough).all()):
            return
        each.sum().backward()
        for parameter, origin in zip(parameters, start, strict=bool(penalty)):
            if parameter.grad is not None:  # one that the outputs do not depend on stays where it is
                parameter.grad += penalty * (parameter.detach() - grown(origin, parameter.shape))
        optimizer.step()
    yield loss(outputs(net, x), y).sum().item()


def _grow_velocities(optimizer: torch.optim.Optimizer, *_: object) -> None:
    """Lazy layers' weights grow in training."""
    for parameter, state in optimizer.state.items():
        if state.get("momentum_buffer") is not None:
            state["momentum_buffer"] = grown(state["momentum_buffer"], parameter.shape)


def _check_settings(
    loss: str,
    penalties: dict[str, float],
    record_at: Sequence[int],
    stop_at: float,
    batch_size: int | None,
    steps: int,
) -> None:
    if loss not in LOSSES:
        raise InvalidArgument("loss", repr(loss), f"one of {', '.join(LOSSES)}", "Choose one.")
    for name, value in penalties.items():
        if not 0 <= value < float("inf"):
            raise InvalidArgument(name, repr(value), "a finite number >= 0", "0 is none.")
    if any(not 0 <= step <= steps for step in record_at):
        raise InvalidArgument("record_at", repr(record_at), f"steps from 0 to {steps}", "Train for longer.")
    if not 0 <= stop_at < 1:
        raise InvalidArgument("stop_at", repr(stop_at), "a fraction in [0, 1)", "0 takes all steps.")
    if stop_at and (batch_size is not None or loss != "squared"):
        remedy = "Its residual is only known from all points, and only falls to 0 for squared loss."
        raise InvalidArgument("stop_at", repr(stop_at), "0 with batches or cross-entropy", remedy)
