"""Gradient flow and gradient descent with the kernel held still."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ntkverify.arrays import Array
from ntkverify.errors import InvalidArgument
from ntkverify.numerics import eigenvalues
from ntkverify.predict.checks import (
    as_kernel,
    check_learning_rate,
    check_momentum,
    check_stable,
    check_steps,
)
from ntkverify.predict.spectral import Outputs, in_function_space


def gradient_flow(
    k_train: Array,
    y: Array,
    k_test_train: Array | None = None,
    *,
    time: float | Sequence[float],
    f0_train: Array | None = None,
    f0_test: Array | None = None,
) -> Outputs:
    """Outputs after gradient flow for `time` (a number, or several), started at f0 (0 where it is None).

    f0_train: (n, outputs), f0_test: (m, outputs). An infinite time is where training ends.
    Source: Lee et al. 2019, equations 10-11.
    Raises InvalidArgument for a negative time or shapes that do not fit, NotPositiveDefinite for a kernel
    that is not PSD, or cannot be inverted where a time is infinite.
    """
    single = isinstance(time, (int, float))
    times = [time] if single else list(time)
    if not times or not all(value >= 0 for value in times):
        raise InvalidArgument("time", repr(time), "numbers >= 0", "Training runs forward.")

    def filters(spectrum: Tensor) -> Tensor:
        return torch.stack([flow_filter(spectrum, value) for value in times])

    forever = float("inf") in times
    return in_function_space(
        k_train, y, k_test_train, f0_train, f0_test, filters, single=single, forever=forever
    )


def flow_filter(spectrum: Tensor, time: float) -> Tensor:
    """(1 - exp(-l t)) / l for eigenvalues l (n,); t where l = 0."""
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
    momentum: float = 0.0,
    nesterov: bool = False,
    f0_train: Array | None = None,
    f0_test: Array | None = None,
    allow_unstable: bool = False,
) -> Outputs:
    """Outputs after `steps` (a number, or several) of full-batch gradient descent, started at f0
    (0 where it is None), with heavy-ball or Nesterov momentum as torch.optim.SGD defines them.

    f0_train: (n, outputs), f0_test: (m, outputs). Without momentum the residual is
    (I - learning_rate K)^steps times the first one (Lee et al. 2019, equation S3).
    Raises InvalidArgument for a learning rate at which descent diverges (unless allow_unstable),
    a momentum outside [0, 1), shapes that do not fit, or a kernel that is not PSD.
    """
    single = not isinstance(steps, (Sequence, range))
    counts = [steps] if single else list(steps)
    for count in counts:
        check_steps(count)
    check_learning_rate(learning_rate)
    check_momentum(momentum)
    if not allow_unstable:
        largest = eigenvalues(as_kernel(k_train))[-1].item()
        check_stable(learning_rate, largest, momentum, nesterov)

    def filters(spectrum: Tensor) -> Tensor:
        if momentum > 0:
            return _momentum_filters(spectrum, counts, learning_rate, momentum, nesterov)
        return torch.stack([_descent_filter(spectrum, count, learning_rate) for count in counts])

    return in_function_space(k_train, y, k_test_train, f0_train, f0_test, filters, single=single)


def _descent_filter(spectrum: Tensor, steps: int, learning_rate: float) -> Tensor:
    """(1 - (1 - eta l)^steps) / l for eigenvalues l (n,), without cancellation as l goes to 0."""
    rate = learning_rate * spectrum
    gentle = -torch.expm1(steps * torch.log1p(-rate.clamp(max=0.5)))
    learned = torch.where(rate <= 0.5, gentle, 1 - (1 - rate) ** steps)
    positive = spectrum > 0
    return torch.where(positive, learned / torch.where(positive, spectrum, 1), steps * learning_rate)


def _momentum_filters(
    spectrum: Tensor, counts: list[int], learning_rate: float, momentum: float, nesterov: bool
) -> Tensor:
    """The filters after each of `counts` steps, by torch.optim.SGD's own recursion in each eigendirection.

    With residual r = 1 - l s and velocity l w: w <- mu w + r, then s <- s + eta w, or
    s + eta (r + mu w) for Nesterov.
    """
    value, velocity = torch.zeros_like(spectrum), torch.zeros_like(spectrum)
    known = {0: value}
    for step in range(1, max(counts, default=0) + 1):
        residual = 1 - spectrum * value
        velocity = momentum * velocity + residual
        value = value + learning_rate * (residual + momentum * velocity if nesterov else velocity)
        if step in counts:
            known[step] = value
    return torch.stack([known[count] for count in counts])
