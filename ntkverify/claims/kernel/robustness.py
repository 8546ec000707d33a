"""Claims about kernels where numbers are hard: hostile inputs, and derivatives."""

import math
from dataclasses import replace

import numpy as np
import torch

from ntkverify.architecture import Architecture
from ntkverify.claims.claim import Claim, Effort
from ntkverify.claims.kernel.accuracy import KernelFunction, accuracy, judged_within, kernels
from ntkverify.findings import Measurement, Verdict
from ntkverify.memory import is_out_of_memory
from ntkverify.numerics import unit_roundoff
from ntkverify.premises import ANY_NORM, DISTINCT, NO_CUSP, REPRESENTABLE
from ntkverify.scenarios import Scenario
from ntkverify.seeds import derive
from ntkverify.strategies import ANY_LAYERS, CLOSED_FORMS, HARD_SOURCES, Scenarios
from ntkverify.subjects import Subject
from ntkverify.witness import Witness

DIFFERENCE = 1e-4
"""Least step of the central differences, whose error falls like its square; kernels that claim less than rounding get
the third root of their accuracy, which balances it with theirs."""


def measure_finite(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Entries that are not finite, and gradients at the inputs that are not, where there are any."""
    arch, x = scenario.architecture, scenario.points.inputs()
    out = []
    for name, kernel in kernels(subject, arch).items():
        values = kernel(x, x)
        words, witness = f"{name}, entries not finite", _first_bad(values, x)
        out.append(judged_within(words, _bad(values), 0, "none may be", witness=witness))
        gradient = _gradient(subject, name, arch, x, np.ones((len(x), len(x))))
        if gradient is not None:
            out.append(judged_within(f"{name}, gradients not finite", _bad(gradient), 0, "none may be"))
    return tuple(out)


def _first_bad(values: np.ndarray, x: np.ndarray) -> Witness | None:
    """The first pair of points whose entry is not finite."""
    for i, j in np.argwhere(~np.isfinite(values)):
        row, column = (tuple(x[place].tolist()) for place in (i, j))
        return Witness(rows=(row,), columns=(column,), got=((float(values[i, j]),),))
    return None


def _bad(values: np.ndarray) -> int:
    return int((~np.isfinite(values)).sum())


def measure_differentiable(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """The gradient of a weighted sum of k(x, y), x and y different inputs, along a random direction,
    against central differences at two steps."""
    arch, points = scenario.architecture, scenario.points.inputs()
    middle = len(points) // 2
    x, y, rng = points[:middle], points[middle:], derive(scenario.points.seed, "direction")
    weights, direction = rng.standard_normal((len(x), len(y))), rng.standard_normal(x.shape)
    noise = max(unit_roundoff(torch.float64), accuracy(subject))
    step = max(DIFFERENCE, noise ** (1 / 3))
    out = []
    for name, kernel in kernels(subject, arch).items():
        gradient = _gradient(subject, name, arch, x, weights, y)
        if gradient is None:
            continue

        def at(h: float, kernel: KernelFunction = kernel) -> float:
            return float((weights * kernel(x + h * direction, y)).sum())

        coarse, fine = ((at(h) - at(-h)) / (2 * h) for h in (2 * step, step))
        size = np.abs(weights * kernel(x, y)).sum() + abs(fine) or 1.0
        rounding = 64 * noise * size / step
        # The finer difference errs by a third of how far the two lie apart, and by terms of order h^4.
        doubt = abs(coarse - fine) + rounding
        error = abs(float((gradient * direction).sum()) - fine)
        out.append(
            judged_within(
                name, error / size, doubt / size, "the error of central differences, as two steps show it"
            )
        )
    return tuple(out) or (_without_gradient(),)


def _without_gradient() -> Measurement:
    return Measurement(
        name="gradient",
        verdict=Verdict.OUT_OF_SCOPE,
        value=math.nan,
        allowed=(0.0, math.inf),
        tolerance="the subject gives no torch tensors that can be differentiated",
    )


def _gradient(
    subject: Subject,
    name: str,
    arch: Architecture | None,
    x: np.ndarray,
    weights: np.ndarray,
    y: np.ndarray | None = None,
) -> np.ndarray | None:
    """The gradient of sum(weights * k(x, y)) at x (n, d), y None for x itself; None where the subject has none."""
    first = torch.tensor(x, requires_grad=True)
    second = first if y is None else torch.tensor(y)
    try:
        value = getattr(subject, name.lower())(arch, first, second)
    except Exception as error:  # each library refuses tensors that ask for a gradient in its own way
        if is_out_of_memory(error):
            raise
        return None
    if not isinstance(value, torch.Tensor) or not value.requires_grad:
        return None
    return torch.autograd.grad((torch.as_tensor(weights) * value).sum(), first)[0].numpy()


ORDINARY = Scenarios(
    counts=(2, 8), dimensions=(2, 8), activations=CLOSED_FORMS, bias_stds=(1.0, 0.1), **ANY_LAYERS
)
AXES = replace(
    ORDINARY,
    sources=("axes",),
    activations=tuple(activation for activation in CLOSED_FORMS if not activation.kinked),
    bias_stds=(0.0,),
)
"""Where nothing has a cusp, zero and orthogonal inputs without a bias to move them."""

FINITE = Claim(
    id="kernel.finite",
    statement="Zero, tiny, huge, equal and opposite inputs have finite kernels, and finite gradients.",
    formula=r"\left| k(x, y) \right| < \infty, \quad \|\nabla k(x, y)\| < \infty",
    source="neural-tangents returned NaN for zero inputs (its issue 14) and in gradients (88)",
    premises=(REPRESENTABLE,),
    about=frozenset({"nngp", "ntk"}),
    stochastic=False,
    inside=Scenarios(counts=(2, 12), sources=HARD_SOURCES, activations=CLOSED_FORMS, bias_stds=(1.0, 0.0)),
    measure=measure_finite,
)
DIFFERENTIABLE = Claim(
    id="kernel.differentiable",
    statement="The gradient of a kernel at its inputs is what differences of the kernel say.",
    formula=r"\frac{d}{dh}\, k(x + h v, y) = \langle \nabla_x k(x, y), v \rangle \text{ at } h = 0",
    source="definition; wrong in neural-tangents in standard parameterisation (its issue 123)",
    premises=(DISTINCT, NO_CUSP, ANY_NORM),
    about=frozenset({"nngp", "ntk"}),
    stochastic=False,
    inside=ORDINARY | AXES,
    measure=measure_differentiable,
)

CLAIMS = (FINITE, DIFFERENTIABLE)
