"""Why a trained network is not ridgeless NTK regression: the difference, taken apart term by term.

Each term is the difference of two predictors that differ in one thing, so the terms add up to the gap.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from torch import nn

from ntkverify import analytic, predict
from ntkverify.architecture import Architecture
from ntkverify.arrays import Array, as_tensor
from ntkverify.empirical import empirical_ntk
from ntkverify.errors import InvalidArgument, NotPositiveDefinite, UnstableLearningRate
from ntkverify.gap.terms import Gap, Term, root_mean_square
from ntkverify.networks import network
from ntkverify.stats import fit_power_law
from ntkverify.training import train

HALVINGS = 4
"""The terms' scaling is fitted over the width asked for and down to that many halvings of it, where all are stable."""

RUNGS = 5
"""Widths that a power law is fitted over."""


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
    Where narrower networks are unstable at this learning rate the widths start where all are stable, which the text
    says.
    Raises InvalidArgument as `train` and `predict.kernel_regression` do, NotPositiveDefinite for an
    analytic NTK that cannot be inverted.
    """
    _check_replicates(replicates)
    x, y, x_test = _arrays(x, y, x_test)
    limit = _Kernels(_array(analytic.ntk(arch, x)), _array(analytic.ntk(arch, x_test, x)))
    settings: dict[str, Any] = {
        "steps": steps,
        "learning_rate": learning_rate,
        "ridge": ridge,
        "limit": limit,
    }

    def explained(n: int, index: int) -> Gap:
        return _attribute(network(arch, n, seed + index, weights="auto"), x, y, x_test, **settings)

    def sizes(n: int) -> list[list[float]]:
        return [[term.size for term in explained(n, 1 + index).terms] for index in range(replicates)]

    gap = replace(explained(width, 0), width=width)
    if not replicates or width < 2**HALVINGS:
        return gap
    unstable, measured = _ladder(width, sizes)
    kinked = any(activation.kinked for activation in arch.activations)
    theories = [SMOOTH, KINKED][kinked]
    terms = (
        replace(
            term,
            slope=_slope({n: np.array(found)[:, place] for n, found in measured.items()}),
            theory=theories.get(term.name, term.theory),
        )
        for place, term in enumerate(gap.terms)
    )
    return replace(gap, terms=tuple(terms), unstable=unstable, fitted=tuple(measured))


def _ladder(
    width: int, sizes: Callable[[int], list[list[float]]]
) -> tuple[tuple[int, ...], dict[int, list[list[float]]]]:
    """Measures sizes (replicates, terms) at RUNGS widths up to `width`, over the longest range that is stable.

    Returns the widths that were not stable, and the sizes by width: none where only `width` itself is.
    """
    unstable: set[int] = set()
    for halvings in range(HALVINGS, 0, -1):
        widths = [round(width / 2 ** (halvings * rung / (RUNGS - 1))) for rung in range(RUNGS)]
        measured = {}
        try:
            for n in reversed(widths):  # the narrowest is the least stable
                measured[n] = sizes(n)
        except UnstableLearningRate:
            unstable.add(n)
        else:
            return tuple(sorted(unstable)), measured
    return tuple(sorted(unstable)), {}


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

    There is no analytic kernel to compare with, so that term is left out. Where the NTK cannot be inverted, as that of
    fewer parameters than training outputs, the regression is where gradient flow from 0 ends. Trains `net`, in place.
    """
    settings: dict[str, Any] = {"steps": steps, "learning_rate": learning_rate, "ridge": ridge}
    return _attribute(net, *_arrays(x, y, x_test), **settings)


def _check_replicates(replicates: int) -> None:
    if isinstance(replicates, bool) or not isinstance(replicates, int) or replicates < 0 or replicates == 1:
        remedy = "A spread needs two networks of each width; 0 fits no scaling."
        raise InvalidArgument("replicates", repr(replicates), "0, or an integer >= 2", remedy)


def _arrays(x: Array, y: Array, x_test: Array) -> list[np.ndarray]:
    """Returns what was passed as NumPy arrays; raises InvalidArgument for what cannot be."""
    parts = {"x": x, "y": y, "x_test": x_test}
    return [as_tensor(name, part).detach().cpu().numpy() for name, part in parts.items()]


@dataclass(frozen=True)
class _Kernels:
    """train: (n, n); cross: (m, n); or full ones, with two more axes for the outputs."""

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
    # Both blocks in one pass, from before training moves the parameters. Outputs of a finite network share theirs.
    joint = np.asarray(empirical_ntk(net, np.concatenate([x, x_test]), x, outputs="full"))
    own = _Kernels((joint[: len(x)] + joint[: len(x)].transpose(1, 0, 3, 2)) / 2, joint[len(x) :])
    run = train(net, x, y, x_test, steps=steps, learning_rate=learning_rate)
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
    kernels: _Kernels, y: np.ndarray, ridge: float, flow: Callable[..., Any], *, may_be_singular: bool
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


def _slope(sizes: dict[int, np.ndarray]) -> tuple[float, float, float] | None:
    """Fits the slope over widths, with its interval, to their sizes (replicates,); returns None for no widths, and
    where a size is 0 or not finite."""
    values = np.array(list(sizes.values())).T
    if not sizes or not (np.isfinite(values) & (values > 0)).all():
        return None
    law = fit_power_law(np.array(list(sizes), dtype=float), values)
    return law.slope, *law.slope_interval


__all__ = ["Gap", "Term", "explain_gap", "explain_module_gap"]
