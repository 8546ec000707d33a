"""Gradient descent on a finite network."""

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ntkverify.arrays import Array, as_batch, as_given, as_tensor
from ntkverify.empirical import largest_eigenvalue
from ntkverify.empirical.inputs import prepared
from ntkverify.errors import InvalidArgument
from ntkverify.lazy import grown, is_lazy
from ntkverify.methods import Method
from ntkverify.models import Examples, Inputs, Model, Output, arrays_in
from ntkverify.predict import batches
from ntkverify.predict.checks import (
    PLAIN,
    as_targets,
    check_distributions,
    check_learning_rate,
    check_method,
    check_stable,
    check_steps,
)
from ntkverify.training.losses import CURVATURE, LOSSES, LossName
from ntkverify.training.records import Recorder, Trajectory
from ntkverify.training.stacked import Stacked, StackedModel
from ntkverify.training.stepping import Stepping

Progress = Callable[[int, float], None]
"""Called before every step with the steps taken so far and the loss."""


def train(
    net: nn.Module,
    x: Inputs,
    y: Array,
    x_test: Inputs | None = None,
    *,
    steps: int,
    learning_rate: float,
    output: Output | None = None,
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

    net, x, x_test, output: as in `empirical_ntk`. y: (n, ...), of the shape of the network's outputs, or flattened
    (n, outputs), as outputs are here. loss: 1/2 sum (f - y)^2, or
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
    check_steps(steps)
    check_learning_rate(learning_rate)
    check_method(method)
    _check_settings(
        loss, {"penalty": penalty, "weight_decay": weight_decay}, record_at, stop_at, batch_size, steps
    )
    if weight_decay and is_lazy(net):
        remedy = 'Use penalty, which holds to the first weights, or weights="dense".'
        raise InvalidArgument("weight_decay", repr(weight_decay), "0 for a network with lazy layers", remedy)
    model, inputs, test = prepared(net, x, x_test, output, names=("x", "x_test"))
    test_inputs = None if x_test is None else test
    if isinstance(net, Stacked):
        model = StackedModel(net, None, model.names, model.coarsest)
    initial_train, shape = model.values_and_shape(inputs)
    targets = _targets(y, len(inputs), shape).to(initial_train)
    initial_test = None if test_inputs is None else model.values(test_inputs)
    if loss == "cross_entropy":
        check_distributions(targets)
    if not allow_unstable:
        steepest = CURVATURE[loss] * largest_eigenvalue(model, inputs) + penalty + weight_decay
        check_stable(learning_rate, steepest, method)
    rows = [slice(None)] * steps if batch_size is None else batches(len(inputs), batch_size, steps, seed)
    optimizer = method.optimizer(list(model.own.values()), learning_rate, weight_decay)
    optimizer.register_step_pre_hook(_grow_velocities)
    give = as_given(*arrays_in(x), y, *arrays_in(x_test))
    recorder, losses = Recorder(model, inputs, test_inputs, record_at), []
    recorder(0, give)
    stepping: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
    if isinstance(net, Stepping) and not (penalty or weight_decay):
        stepping = net.steps_of(method, learning_rate)
    with stepping:
        for step, value in enumerate(
            _descend(model, inputs, targets, optimizer, rows, LOSSES[loss], penalty, stop_at)
        ):
            losses.append(value)
            if step:
                recorder(step, give)
            if progress is not None:
                progress(step, value)
    return Trajectory(
        initial_train=give(initial_train),
        train=give(model.values(inputs)),
        initial_test=None if initial_test is None else give(initial_test),
        test=None if test_inputs is None else give(model.values(test_inputs)),
        losses=tuple(losses),
        records=tuple(recorder.records),
    )


def _targets(y: Array, count: int, shape: tuple[int, ...]) -> Tensor:
    """Returns y (n, outputs); raises InvalidArgument for another shape than that of the outputs."""
    targets = as_tensor("y", y)
    if targets.ndim < 2:
        return as_targets(targets, count, math.prod(shape))
    if len(targets) != count or tuple(targets.shape[1:]) not in (shape, (math.prod(shape),)):
        expected = f"shape {(count, *shape)}, that of the network's outputs"
        raise InvalidArgument(
            "y", f"shape {tuple(targets.shape)}", expected, "Pass one row for each example."
        )
    return as_batch("y", targets).flatten(1)


def _descend(
    model: Model,
    x: Examples,
    y: Tensor,
    optimizer: torch.optim.Optimizer,
    rows: Sequence[slice | np.ndarray],
    loss: Callable[[Tensor, Tensor], Tensor],
    penalty: float,
    stop_at: float,
) -> Iterator[float]:
    """The loss before every step, which is taken when the next one is asked for, and after the last."""
    parameters = list(model.own.values())
    start = [parameter.detach().clone() for parameter in parameters] if penalty else []
    enough = None
    for batch in rows:
        optimizer.zero_grad()
        each = loss(model(x[batch]), y[batch])  # one, or one for each network
        enough = stop_at**2 * each.detach() if enough is None else enough
        yield each.sum().item()
        if not torch.isfinite(each).any() or (stop_at and (each <= enough).all()):
            return
        each.sum().backward()
        for parameter, origin in zip(parameters, start, strict=bool(penalty)):
            if parameter.grad is not None:  # one that the outputs do not depend on stays where it is
                parameter.grad += penalty * (parameter.detach() - grown(origin, parameter.shape))
        optimizer.step()
    yield loss(model.values(x), y).sum().item()


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
    if isinstance(record_at, str) or any(not 0 <= step <= steps for step in record_at):
        raise InvalidArgument("record_at", repr(record_at), f"steps from 0 to {steps}", "Train for longer.")
    if not 0 <= stop_at < 1:
        raise InvalidArgument("stop_at", repr(stop_at), "a fraction in [0, 1)", "0 takes all steps.")
    if stop_at and (batch_size is not None or loss != "squared"):
        remedy = "Its residual is only known from all points, and only falls to 0 for squared loss."
        raise InvalidArgument("stop_at", repr(stop_at), "0 with batches or cross-entropy", remedy)
