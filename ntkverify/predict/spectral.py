"""Training in function space through one eigendecomposition of the kernel.

Each eigendirection of eigenvalue l moves by l s(l) of its initial error, and a test point by what its
kernel row makes of s(l) times that error, where the filter s depends on the method and on the time alone.
"""

import math
from collections.abc import Callable
from typing import Any, NoReturn

import torch
from torch import Tensor

from ntkverify.errors import InvalidArgument, NotPositiveDefinite
from ntkverify.numerics import spectral_rounding_bound
from ntkverify.predict.checks import check_semidefinite
from ntkverify.predict.problems import Outputs, Problem

Filter = Callable[[Tensor], Tensor]
"""Eigenvalues (n,), none negative -> the filter s at every time asked for (times, n)."""


def flow_filter(spectrum: Tensor, time: float) -> Tensor:
    """Returns (1 - exp(-l t)) / l for eigenvalues l (n,); t where l = 0."""
    positive = spectrum > 0
    divisor = torch.where(positive, spectrum, 1)
    return torch.where(positive, -torch.expm1(-divisor * time) / divisor, time)


def function_space_outputs(
    problem: Problem, filters: Filter, *, single: bool, time: float, **options: Any
) -> Outputs:
    """Moves the initial outputs as `filters` says.

    single: whether to drop the axis of times; time, options: as in `decompose`.
    """
    spectrum, basis = decompose(problem, time, **options)
    coefficients = filters(spectrum)[:, :, None] * (basis.T @ problem.residual)  # (times, p, c)
    coefficients = coefficients[0] if single else coefficients
    train = basis @ (spectrum[:, None] * coefficients)
    return problem.outputs_after(basis @ coefficients, train)


def decompose(
    problem: Problem, time: float, *, step: float | None = None, allow_singular: bool = False
) -> tuple[Tensor, Tensor]:
    """Computes eigenvalues (r,), ascending, and eigenvectors (p, r) of the kernel of training for `time`.

    step: the time that one step takes, where time is counted in steps. There are r = p of them, or, for an infinite
    time with allow_singular, those that can be told from zero.
    Raises NotPositiveDefinite where an eigenvalue is negative beyond rounding, or, for an infinite time, cannot
    be told from zero; InvalidArgument where rounding in the kernels' entries may have moved the test outputs by
    more than the largest initial error, so that nothing is known of them.
    """
    spectrum, basis = torch.linalg.eigh((problem.kernel + problem.kernel.T) / 2)
    bound = spectral_rounding_bound(problem.kernel, problem.precision)
    check_semidefinite("k_train", spectrum[0].item(), bound)
    if allow_singular and time == math.inf:
        known = spectrum > bound
        spectrum, basis = spectrum[known], basis[:, known]
    kept = spectrum.clamp(min=0)  # negative ones are rounding
    moved = _rounding(problem, kept.detach(), basis.detach())
    singular = time == math.inf and bool((spectrum <= bound).any())
    if singular or not moved(time) <= 1:
        _refuse(problem, moved, spectrum, bound, time, step)
    return kept, basis


def _rounding(problem: Problem, spectrum: Tensor, basis: Tensor) -> Callable[[float], float]:
    """Returns how far rounding of the kernels' entries can have moved the test outputs, by time, over the largest
    initial error.

    With A(t) = s(K) r, the test outputs are C A(t). To first order an error E of K moves them by
    -int_0^t C exp(-K u) E A(t - u) du, from (d/dt) dA = -K dA - E A, and an error D of C moves them by D A(t).
    |A| grows with time, and |C exp(-K u)| <= sum_i |c_i| exp(-l_i u) over the eigendirections, so that this is at
    most (|E| sum_i |c_i| s(l_i) + |D|) |A(t)|. Entries are known to a relative `problem.unit`, so |E| to that times
    the largest row sum of |K|. Descent's s is at most 1.6 times the flow's where
    learning_rate l <= 1; steeper directions are never the ones in doubt.
    """
    largest = problem.residual.detach().abs().max().item()
    if problem.cross is None or largest == 0:
        return lambda time: 0.0  # on the training points residuals only shrink, whatever the kernel
    error, weights = basis.T @ problem.residual.detach(), problem.cross.detach() @ basis

    def moved(time: float) -> float:
        s = slowest_filter(problem, spectrum, time)
        learned = torch.linalg.vector_norm(s[:, None] * error, dim=0).max()
        return (learned * row_rounding(problem, weights, s).max() / largest).item()

    return moved


def slowest_filter(problem: Problem, spectrum: Tensor, time: float) -> Tensor:
    """Returns the flow's filter (r,) for the least eigenvalues that the exact kernel can have, by Weyl's inequality."""
    return flow_filter((spectrum - problem.unit * _row_sum(problem)).clamp(min=0), time)


def row_rounding(problem: Problem, weights: Tensor, filters: Tensor) -> Tensor:
    """Bounds |E| sum_i |c_i| s(l_i) + |D|, (m,), of `_rounding`, for test rows c in the eigenbasis (m, r)."""
    own = torch.linalg.vector_norm(problem.rows_at_test_points().detach(), dim=1)
    return problem.unit * (_row_sum(problem) * (weights.abs() @ filters) + own)


def _row_sum(problem: Problem) -> Tensor:
    return problem.kernel.detach().abs().sum(dim=1).max()


def _refuse(
    problem: Problem,
    moved: Callable[[float], float],
    spectrum: Tensor,
    bound: float,
    time: float,
    step: float | None,
) -> NoReturn:
    """Raises for a time at which nothing is known, with what helps, a time at which something is among it."""
    latest = 10.0 ** math.floor(math.log10(min(time, 1e30)))
    while not moved(latest) <= 1:
        latest /= 10
    wider = "" if problem.precision == torch.float64 else "pass float64 kernels, "
    remedy = (
        f"remove duplicate inputs, add a ridge to the diagonal of k_train, or stop by {_count(latest, step)}."
    )
    remedy = remedy.capitalize() if not wider else wider.capitalize() + remedy
    if time == math.inf:
        raise NotPositiveDefinite("k_train", spectrum[0].item(), bound, remedy)
    expected = (
        f"one at which rounding in {problem.precision} kernels leaves something known of the test outputs"
    )
    raise InvalidArgument("steps" if step else "time", _count(time, step), expected, remedy)


def _count(time: float, step: float | None) -> str:
    return f"{time:.3g}" if step is None else f"{int(time / step)} steps"
