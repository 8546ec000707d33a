"""Why a trained network is not ridgeless NTK regression: the difference, taken apart term by term.

Each term is the difference of two predictors that differ in one thing, so the terms add up to the gap.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from torch import nn

from ntkverify import analytic
from ntkverify.architecture import Architecture
from ntkverify.arrays import Array, as_numpy, as_tensor
from ntkverify.errors import InvalidArgument
from ntkverify.gap.chain import Kernels, attribute
from ntkverify.gap.scaling import HALVINGS, ladder, slope
from ntkverify.gap.terms import Gap, Term
from ntkverify.models import Inputs, Output
from ntkverify.networks import network

SMOOTH = {"moving kernel": "-1"}
KINKED = {"moving kernel": "between -1 and -1/2"}


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
    x, y, x_test = _array("x", x), _array("y", y), _array("x_test", x_test)
    limit = Kernels(np.asarray(analytic.ntk(arch, x)), np.asarray(analytic.ntk(arch, x_test, x)))
    settings: dict[str, Any] = {
        "steps": steps,
        "learning_rate": learning_rate,
        "ridge": ridge,
        "limit": limit,
    }

    def explained(n: int, index: int) -> Gap:
        return attribute(network(arch, n, seed + index, weights="auto"), x, y, x_test, **settings)

    def sizes(n: int) -> list[list[float]]:
        return [[term.size for term in explained(n, 1 + index).terms] for index in range(replicates)]

    gap = replace(explained(width, 0), width=width)
    if not replicates or width < 2**HALVINGS:
        return gap
    unstable, measured = ladder(width, sizes)
    kinked = any(activation.kinked for activation in arch.activations)
    theories = [SMOOTH, KINKED][kinked]
    terms = (
        replace(
            term,
            slope=slope({n: np.array(found)[:, place] for n, found in measured.items()}),
            theory=theories.get(term.name, term.theory),
        )
        for place, term in enumerate(gap.terms)
    )
    return replace(gap, terms=tuple(terms), unstable=unstable, fitted=tuple(measured))


def explain_module_gap(
    net: nn.Module,
    x: Inputs,
    y: Array,
    x_test: Inputs,
    *,
    steps: int,
    learning_rate: float,
    ridge: float = 0.0,
    output: Output | None = None,
) -> Gap:
    """Does as `explain_gap`, for any module and the NTK that it has before training.

    net, x, x_test, output: as in `empirical_ntk`. y: (n, outputs).
    There is no analytic kernel to compare with, so that term is left out. Where the NTK cannot be inverted, as that of
    fewer parameters than training outputs, the regression is where gradient flow from 0 ends. Trains `net`, in place.
    """
    settings: dict[str, Any] = {"steps": steps, "learning_rate": learning_rate, "ridge": ridge}
    return attribute(net, x, _array("y", y), x_test, output=output, **settings)


def _check_replicates(replicates: int) -> None:
    if isinstance(replicates, bool) or not isinstance(replicates, int) or replicates < 0 or replicates == 1:
        remedy = "A spread needs two networks of each width; 0 fits no scaling."
        raise InvalidArgument("replicates", repr(replicates), "0, or an integer >= 2", remedy)


def _array(name: str, value: Array) -> np.ndarray:
    """Returns what was passed as a NumPy array; raises InvalidArgument for what cannot be."""
    return as_numpy(as_tensor(name, value))


__all__ = ["Gap", "Term", "explain_gap", "explain_module_gap"]
