"""Why a trained network is not ridgeless NTK regression: the difference, taken apart term by term.

Each term is the difference of two predictors that differ in one thing, so the terms add up to the gap.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from torch import nn

from ntkverify import analytic, predict
from ntkverify.architecture import Architecture
from ntkverify.arrays import Array
from ntkverify.empirical import empirical_ntk
from ntkverify.gap.terms import Gap, Term, root_mean_square
from ntkverify.networks import network
from ntkverify.stats import fit_power_law
from ntkverify.training import train

HALVINGS = 4
"""The terms' scaling is fitted over the width asked for and that many halvings of it."""


def explain_gap(
    arch: Architecture,
    width: int,
    x: Array,
    y: Array,
    x_test: Array,
    *,
    steps: int,
    learning_rate: float,
    seed: int = 0,
    ridge: float = 0.0,
    replicates: int = 4,
) -> Gap:
    """Explains why a network of `arch` at `width`, trained by gradient descent, is not regression with its
    NTK.

    x: (n, d), y: (n, outputs), x_test: (m, d). ridge: of the regression. replicates: networks of each of
    the widths over which every term's scaling is fitted; 0 leaves that out. Widths too large for dense weights
    are taken with lazy ones (`network`, weights="auto").
    Raises InvalidArgument as `train` and `predict.kernel_regression` do, NotPositiveDefinite for an
    analytic NTK that cannot be inverted.
    """
    x, y, x_test = (np.asarray(part) for part in (x, y, x_test))
    limit = _Kernels(_array(analytic.ntk(arch, x)), _array(analytic.ntk(arch, x_test, x)))

    def explained(n: int, index: int) -> Gap:
        net = network(arch, n, seed + index, weights="auto")
        return _attribute(
            net, x, y, x_test, steps=steps, learning_rate=learning_rate, ridge=ridge, limit=limit
        )

    gap = replace(explained(width, 0), width=width)
    widths = [width // 2**halving for halving in range(HALVINGS + 1)]
    if replicates < 2 or widths[-1] < 1:
        return gap
    sizes = np.array(
        [
            [[term.size for term in explained(n, 1 + index).terms] for n in widths]
            for index in range(replicates)
        ]
    )
    slopes = [_slope(np.array(widths, dtype=float), sizes[:, :, place]) for place in range(len(gap.terms))]
    kinked = any(activation.kinked for activation in arch.activations)
    theories = [SMOOTH, KINKED][kinked]
    return replace(
        gap,
        terms=tuple(
            replace(term, slope=slope, theory=theories.get(term.name, term.theory))
            for term, slope in zip(gap.terms, slopes, strict=True)
        ),
    )


def explain_module_gap(
    net: nn.Module,
    x: Array,
    y: Array,
    x_test: Array,
    *,
    steps: int,
    learning_rate: float,
    ridge: float = 0.0,
) -> Gap:
    """Does as `explain_gap`, for any module (n, d) -> (n, outputs) and the NTK that it has before training.

    There is no analytic kernel to compare with, so that term is left out. Trains `net`, in place.
    """
    return _attribute(
        net, *map(np.asarray, (x, y, x_test)), steps=steps, learning_rate=learning_rate, ridge=ridge
    )


@dataclass(frozen=True)
class _Kernels:
    """train: (n, n); cross: (m, n)."""

    train: np.ndarray
    cross: np.ndarray


STAYS = "0, stays"
SMOOTH = {"moving kernel": "-1"}
KINKED = {"moving kernel": "between -1 and -1/2"}
MEANINGS = {
    "moving kernel": ("the network against its own linearisation at the start", "-1, or -1/2 with kinks"),
    "finite width at start": ("the network's NTK at the start against the analytic one", "-1/2"),
    "step size": ("gradient descent against gradient flow", STAYS),
    "unfinished training": ("training stopped early against training for ever", STAYS),
    "initial function": ("a start at the network's own f_0 against a start at 0", STAYS),
    "rest": ("ridge and rounding", "none"),
}


def _attribute(
    net: nn.Module,
    x: np.ndarray,
    y: np.ndarray,
    x_test: np.ndarray,
    *,
    steps: int,
    learning_rate: float,
    ridge: float,
    limit: _Kernels | None = None,
) -> Gap:
    # Both blocks in one pass, from before training moves the parameters.
    joint = np.asarray(empirical_ntk(net, np.concatenate([x, x_test]), x))
    own = _Kernels((joint[: len(x)] + joint[: len(x)].T) / 2, joint[len(x) :])
    run = train(net, x, y, x_test, steps=steps, learning_rate=learning_rate)
    kernels = limit or own
    regression = predict.kernel_regression(kernels.train, y, kernels.cross, ridge)
    descent = partial(
        predict.gradient_descent,
        steps=steps,
        learning_rate=learning_rate,
        f0_train=run.initial_train,
        f0_test=run.initial_test,
        allow_unstable=True,
    )
    flow = partial(predict.gradient_flow, kernels.train, y, kernels.cross)
    flow_from_start = partial(flow, f0_train=run.initial_train, f0_test=run.initial_test)
    chain = {
        "moving kernel": descent(own.train, y, own.cross).test,
        "finite width at start": descent(kernels.train, y, kernels.cross).test,
        "step size": flow_from_start(time=steps * learning_rate).test,
        "unfinished training": flow_from_start(time=math.inf).test,
        "initial function": flow(time=math.inf).test,
        "rest": regression.test,
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
        terms=tuple(_terms(trained, outputs, trained - outputs["rest"])),
    )


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


def _slope(widths: np.ndarray, sizes: np.ndarray) -> tuple[float, float, float] | None:
    """Fits the slope, with its interval, to sizes (replicates, widths); returns None where one of them is 0
    or not finite."""
    if not (np.isfinite(sizes) & (sizes > 0)).all():
        return None
    law = fit_power_law(widths, sizes)
    return law.slope, *law.slope_interval


__all__ = ["Gap", "Term", "explain_gap", "explain_module_gap"]
