"""Gradient flow and gradient descent with the kernel held still."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ntkverify.arrays import Array
from ntkverify.errors import InvalidArgument
from ntkverify.methods import Method
from ntkverify.numerics import eigenvalues
from ntkverify.predict.checks import (
    PLAIN,
    as_kernel,
    check_learning_rate,
    check_method,
    check_stable,
    check_steps,
)
from ntkverify.predict.spectral import Outputs, function_space_outputs


def gradient_flow(
    k_train: Array,
    y: Array,
    k_test_train: Array | None = None,
    *,
    time: float | Sequence[float],
    f0_train: Array | None = None,
    f0_test: Array | None = None,
) -> Outputs:
    """Predicts the outputs after gradient flow for `time` (a number, or several), started at f0 (0 where it
    is None).

    f0_train: (n, outputs), f0_test: (m, outputs). An infinite time is where training ends.
    Source: Lee et al. 2019, equations 10-11.
    Raises InvalidArgument for a negative time or shapes that do not fit, NotPositiveDefinite for a kernel
    that is not PSD, or cannot be inverted where a time is infinite.
    """
    times = [time] if isinstance(time, (int, float)) else list(time)
    if not times or not all(value >= 0 for value in times):
        raise InvalidArgument("time", repr(time), "numbers >= 0", "Training runs forward.")

    def filters(spectrum: Tensor) -> Tensor:
        return torch.stack([flow_filter(spectrum, value) for value in times])

    single, forever = isinstance(time, (int, float)), float("inf") in times
    return function_space_outputs(
        k_train, y, k_test_train, f0_train, f0_test, filters, single=single, forever=forever
    )


def flow_filter(spectrum: Tensor, time: float) -> Tensor:
    """Returns (1 - exp(-l t)) / l for eigenvalues l (n,); t where l = 0."""
    positive = spectrum > 0
    divisor = torch.where(positive, spectrum, 1)
    return torch.where(positive, -torch.expm1(-divisor * time) / divisor, time)


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
    shapes that do not fit, or a kernel that is not PSD.
    """
    counts = list(steps) if isinstance(steps, Sequence) else [steps]
    for count in counts:
        check_steps(count)
    check_learning_rate(learning_rate)
    check_method(method)
    if not allow_unstable:
        largest = eigenvalues(as_kernel(k_train))[-1].item()
        check_stable(learning_rate, largest, method)

    def filters(spectrum: Tensor) -> Tensor:
        return method.filters(spectrum, counts, learning_rate)

    single = not isinstance(steps, Sequence)
    return function_space_outputs(k_train, y, k_test_train, f0_train, f0_test, filters, single=single)
