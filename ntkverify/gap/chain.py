"""The chain of predictors from a trained network to kernel regression, each differing from the next in one thing."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from torch import nn

from ntkverify import predict
from ntkverify.arrays import Array, as_numpy
from ntkverify.empirical import kernel_of
from ntkverify.empirical.inputs import prepared
from ntkverify.errors import NotPositiveDefinite
from ntkverify.gap.terms import Gap, Term, root_mean_square
from ntkverify.models import Inputs, Output
from ntkverify.training import train


@dataclass(frozen=True)
class Kernels:
    """train: (n, n); cross: (m, n); or full ones, with two more axes for the outputs."""

    train: np.ndarray
    cross: np.ndarray


STAYS = "0, stays"
MEANINGS = {
    "moving kernel": ("the network against its own linearisation at the start", "-1, or -1/2 with kinks"),
    "finite width at start": ("the network's NTK at the start against the analytic one", "-1/2"),
    "step size": ("gradient descent against gradient flow", STAYS),
    "unfinished training": ("training stopped early against training for ever", STAYS),
    "initial function": ("a start at the network's own f_0 against a start at 0", STAYS),
    "rest": ("ridge and rounding", "none"),
}


def attribute(
    net: nn.Module,
    x: Inputs,
    y: np.ndarray,
    x_test: Inputs,
    *,
    steps: int,
    learning_rate: float,
    ridge: float,
    output: Output | None = None,
    limit: Kernels | None = None,
) -> Gap:
    """Trains `net`, in place, and takes its gap to regression with `limit`, or with its own kernel, apart."""
    # Both blocks in one pass, from before training moves the parameters. Outputs of a finite network share theirs.
    model, first, test = prepared(net, x, x_test, output, names=("x", "x_test"))
    joint, n = as_numpy(kernel_of(model, first.followed_by(test), first, full=True)[0]), len(first)
    own = Kernels((joint[:n] + joint[:n].transpose(1, 0, 3, 2)) / 2, joint[n:])
    run = train(net, x, y, x_test, steps=steps, learning_rate=learning_rate, output=output)
    kernels = limit or own
    descent = partial(
        predict.gradient_descent,
        steps=steps,
        learning_rate=learning_rate,
        f0_train=run.initial_train,
        f0_test=run.initial_test,
        allow_unstable=True,
    )
    # A network with fewer parameters than training outputs has a singular kernel, an infinitely wide one has not.
    flow = partial(predict.gradient_flow, kernels.train, y, kernels.cross, allow_singular=limit is None)
    flow_from_start = partial(flow, f0_train=run.initial_train, f0_test=run.initial_test)
    regression, singular = _regression(kernels, y, ridge, flow, may_be_singular=limit is None)
    chain = {
        "moving kernel": descent(own.train, y, own.cross).test,
        "finite width at start": descent(kernels.train, y, kernels.cross).test,
        "step size": flow_from_start(time=steps * learning_rate).test,
        "unfinished training": flow_from_start(time=math.inf).test,
        "initial function": flow(time=math.inf).test,
        "rest": regression,
    }
    if limit is None:
        del chain["finite width at start"]
    outputs = {name: _array(predicted) for name, predicted in chain.items()}
    trained = _array(run.test)
    return Gap(
        network=trained,
        regression=outputs["rest"],
        reference="the network's own NTK" if limit is None else "the analytic NTK",
        width=None,
        singular=singular,
        terms=tuple(_terms(trained, outputs, trained - outputs["rest"])),
    )


def _regression(
    kernels: Kernels, y: np.ndarray, ridge: float, flow: Callable[..., Any], *, may_be_singular: bool
) -> tuple[Array, bool]:
    """Returns regression with the kernels, and whether they cannot be inverted, so that it is where flow ends."""
    try:
        return predict.kernel_regression(kernels.train, y, kernels.cross, ridge).test, False
    except NotPositiveDefinite as error:
        if ridge or not may_be_singular or error.smallest_eigenvalue < -error.rounding_bound:
            raise
        return flow(time=math.inf).test, True


def _array(values: Array | None) -> np.ndarray:
    assert values is not None, "there are test points"
    return np.asarray(values)


def _terms(network_output: np.ndarray, chain: dict[str, np.ndarray], total: np.ndarray) -> Iterator[Term]:
    before = network_output
    for name, after in chain.items():
        values, (meaning, theory) = before - after, MEANINGS[name]
        share = float(np.vdot(values, total) / np.vdot(total, total)) if total.any() else 0.0
        yield Term(
            name=name,
            meaning=meaning,
            theory=theory,
            values=values,
            size=root_mean_square(values),
            share=share,
        )
        before = after
