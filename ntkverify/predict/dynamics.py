"""Gradient flow and gradient descent with the kernel held still."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ntkverify.arrays import Array
from ntkverify.errors import InvalidArgument
from ntkverify.methods import Method
from ntkverify.numerics import eigenvalues
from ntkverify.predict.checks import (
    PLAIN,
    check_learning_rate,
    check_method,
    check_stable,
    check_steps,
    check_time,
)
from ntkverify.predict.problems import Outputs, pose
from ntkverify.predict.spectral import flow_filter, function_space_outputs


def gradient_flow(
    k_train: Array,
    y: Array,
    k_test_train: Array | None = None,
    *,
    time: float | Sequence[float],
    f0_train: Array | None = None,
    f0_test: Array | None = None,
    allow_singular: bool = False,
) -> Outputs:
    """Predicts the outputs after gradient flow for `time` (a number, or several), started at f0 (0 where it
    is None).

    f0_train: (n, outputs), f0_test: (m, outputs). An infinite time is where training ends.
    allow_singular: at an infinite time takes eigenvalues that cannot be told from zero for zero; along those
    directions no output moves.
    Source: Lee et al. 2019, equations 10-11.
    Raises InvalidArgument for a negative time, shapes that do not fit, or a time after which rounding in the
    kernels leaves nothing known of the test outputs; NotPositiveDefinite for a kernel that is not PSD, or cannot
    be inverted where a time is infinite (unless allow_singular).
    """
    times = _several("time", time)
    for value in times:
        check_time(value)

    def filters(spectrum: Tensor) -> Tensor:
        return torch.stack([flow_filter(spectrum, value) for value in times])

    problem = pose(k_train, y, k_test_train, f0_train, f0_test)
    return function_space_outputs(
        problem, filters, single=np.ndim(time) == 0, time=max(times), allow_singular=allow_singular
    )


def gradient_descent(
    k_train: Array,
    y: Array,
    k_test_train: Array | None = None,
    *,
    steps: int | Sequence[int],
    learning_rate: float,
    method: Method = PLAIN,
    f0_train: Array | None = None,
    f0_test: Array | None = None,
    allow_unstable: bool = False,
) -> Outputs:
    """Predicts the outputs after `steps` (a number, or several) of a full-batch method, started at f0 (0
    where it is None).

    f0_train: (n, outputs), f0_test: (m, outputs). method: GradientDescent(), whose residual is
    (I - learning_rate K)^steps times the first one (Lee et al. 2019, equation S3), or another of
    `ntkverify.methods` that follows from the kernel alone.
    Raises InvalidArgument for a learning rate at which the method diverges (unless allow_unstable),
    shapes that do not fit, a kernel that is not PSD, or steps after which rounding in the kernels leaves nothing
    known of the test outputs.
    """
    counts = _several("steps", steps)
    for count in counts:
        check_steps(count)
    check_learning_rate(learning_rate)
    check_method(method)
    problem = pose(k_train, y, k_test_train, f0_train, f0_test)
    if not allow_unstable:
        check_stable(learning_rate, eigenvalues(problem.kernel.detach())[-1].item(), method)

    def filters(spectrum: Tensor) -> Tensor:
        return method.filters(spectrum, counts, learning_rate)

    step = learning_rate / method.forgetting  # what one step moves a slow direction by
    single = np.ndim(steps) == 0
    return function_space_outputs(problem, filters, single=single, time=max(counts) * step, step=step)


def _several(argument: str, value: float | Sequence[float]) -> list:
    """Returns one number, or each of several, as a list; raises InvalidArgument for none."""
    numbers = np.atleast_1d(np.asarray(value)).tolist()
    if not numbers or np.ndim(value) > 1:
        raise InvalidArgument(argument, repr(value), "a number, or a sequence of some", "Pass at least one.")
    return numbers
