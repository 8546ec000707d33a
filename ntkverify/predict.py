"""What the kernel predicts: regression, and training in function space.

Everywhere k_train is (n, n), k_test_train (m, n), targets y (n, outputs); the loss is
1/2 sum (f - y)^2, whose gradient flow is df/dt = -K (f - y) (Jacot et al. 2018, section 5;
Lee et al. 2019, equations 8-11). Gradients of torch results pass through an eigendecomposition
in gradient_flow and gradient_descent, so there they need distinct eigenvalues.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from ntkverify.arrays import Array, as_given, as_matrix
from ntkverify.errors import InvalidArgument, NotPositiveDefinite
from ntkverify.numerics import cholesky, eigenvalues, spectral_rounding_bound


class Outputs(NamedTuple):
    """Predictions on the training points (n, outputs) and on the test points (m, outputs)."""

    train: Array
    test: Array | None


def kernel_regression(k_train: Array, y: Array, k_test_train: Array, ridge: float = 0.0) -> Array:
    """k_test_train (k_train + ridge I)^-1 y, (m, outputs), by Cholesky.

    Raises InvalidArgument for a negative ridge or shapes that do not fit, NotPositiveDefinite
    where k_train + ridge I cannot be inverted in its precision.
    """
    if not ridge >= 0:
        raise InvalidArgument("ridge", repr(ridge), "a number >= 0", "It is added to the kernel's diagonal.")
    k, targets = _kernel_and_targets(k_train, y)
    cross = as_matrix("k_test_train", k_test_train, columns=len(k)).to(k)
    factor = cholesky("k_train", k + ridge * torch.eye(len(k), dtype=k.dtype, device=k.device))
    return as_given(k_train, y, k_test_train)(cross @ torch.cholesky_solve(targets, factor))


def gradient_flow(
    k_train: Array,
    y: Array,
    k_test_train: Array | None = None,
    *,
    time: float,
    f0_train: Array | None = None,
    f0_test: Array | None = None,
) -> Outputs:
    """Outputs after gradient flow for `time`, started at f0 (0 where it is None).

    f0_train: (n, outputs), f0_test: (m, outputs). Source: Lee et al. 2019, equations 10-11.
    Raises InvalidArgument for a negative time, shapes that do not fit, or a kernel that is not PSD.
    """
    if not 0 <= time < float("inf"):
        remedy = "Training runs forward; where it ends is kernel_regression."
        raise InvalidArgument("time", repr(time), "a finite number >= 0", remedy)

    def progress(eigenvalue: Tensor) -> tuple[Tensor, Tensor]:
        learned = -torch.expm1(-eigenvalue * time)
        return learned, torch.where(eigenvalue > 0, learned / eigenvalue, time)

    return _in_function_space(k_train, y, k_test_train, f0_train, f0_test, progress)


def gradient_descent(
    k_train: Array,
    y: Array,
    k_test_train: Array | None = None,
    *,
    steps: int,
    learning_rate: float,
    f0_train: Array | None = None,
    f0_test: Array | None = None,
    allow_unstable: bool = False,
) -> Outputs:
    """Outputs after `steps` of full-batch gradient descent, started at f0 (0 where it is None).

    f0_train: (n, outputs), f0_test: (m, outputs). The residual is (I - learning_rate K)^steps
    times the first one (Lee et al. 2019, equation S3).
    Raises InvalidArgument for a learning rate at or above 2 / lambda_max (unless
    allow_unstable), shapes that do not fit, or a kernel that is not PSD.
    """
    check_steps(steps)
    check_learning_rate(learning_rate)
    if not allow_unstable:
        check_stable(learning_rate, eigenvalues(_kernel(k_train))[-1].item())

    def progress(eigenvalue: Tensor) -> tuple[Tensor, Tensor]:
        # Summed as a geometric series, learned / eigenvalue stays exact as the eigenvalue goes to 0.
        rate = learning_rate * eigenvalue
        gentle = -torch.expm1(steps * torch.log1p(-rate.clamp(max=0.5)))
        learned = torch.where(rate <= 0.5, gentle, 1 - (1 - rate) ** steps)
        return learned, torch.where(eigenvalue > 0, learned / eigenvalue, steps * learning_rate)

    return _in_function_space(k_train, y, k_test_train, f0_train, f0_test, progress)


def max_learning_rate(k_train: Array) -> float:
    """2 / lambda_max: gradient descent on 1/2 sum (f - y)^2 converges below it."""
    return _stable_below(eigenvalues(_kernel(k_train))[-1].item())


def check_stable(learning_rate: float, largest_eigenvalue: float) -> None:
    """Raises InvalidArgument for a learning rate at or above 2 / largest_eigenvalue."""
    limit = _stable_below(largest_eigenvalue)
    if learning_rate >= limit:
        raise InvalidArgument(
            "learning_rate",
            f"{learning_rate:.6g}",
            f"less than 2 / lambda_max = {limit:.6g}",
            "Gradient descent diverges there; lower it, or pass allow_unstable=True to watch it diverge.",
        )


def _stable_below(largest_eigenvalue: float) -> float:
    return 2 / largest_eigenvalue if largest_eigenvalue > 0 else float("inf")


def check_learning_rate(learning_rate: float) -> None:
    """Raises InvalidArgument for a learning rate that is not positive and finite."""
    if not 0 < learning_rate < float("inf"):
        expected = "a positive finite number"
        raise InvalidArgument(
            "learning_rate", repr(learning_rate), expected, "Below 2 / lambda_max it is stable."
        )


def check_steps(steps: int) -> None:
    """Raises InvalidArgument for steps that are not an integer >= 0."""
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 0:
        raise InvalidArgument("steps", repr(steps), "an integer >= 0", "It counts gradient steps.")


def _kernel(k_train: Array) -> Tensor:
    k = as_matrix("k_train", k_train)
    remedy = "Pass the kernel of the training points with themselves."
    if k.shape[0] != k.shape[1]:
        raise InvalidArgument("k_train", f"shape {tuple(k.shape)}", "a square matrix", remedy)
    difference, bound = (k - k.T).abs().max().item(), spectral_rounding_bound(k)
    if difference > bound:
        got = f"a matrix that differs from its transpose by {difference:.3g}"
        raise InvalidArgument("k_train", got, f"a symmetric one (rounding explains {bound:.2g})", remedy)
    return k


def _kernel_and_targets(k_train: Array, y: Array) -> tuple[Tensor, Tensor]:
    k = _kernel(k_train)
    return k, as_matrix("y", y, rows=len(k)).to(k)


def _in_function_space(
    k_train: Array,
    y: Array,
    k_test_train: Array | None,
    f0_train: Array | None,
    f0_test: Array | None,
    progress: Callable[[Tensor], tuple[Tensor, Tensor]],
) -> Outputs:
    """Moves f0 by the share `progress` of each eigendirection that is learned (and that share
    divided by the eigenvalue, which is what reaches the test points)."""
    k, targets = _kernel_and_targets(k_train, y)
    spectrum, basis = torch.linalg.eigh((k + k.T) / 2)
    bound = spectral_rounding_bound(k)
    if spectrum[0] < -bound:
        remedy = "No network has this kernel: residuals would grow in training."
        raise NotPositiveDefinite("k_train", spectrum[0].item(), bound, remedy)
    learned, learned_per_eigenvalue = progress(spectrum.clamp(min=0))  # negative ones are rounding
    start = torch.zeros_like(targets) if f0_train is None else _initial("f0_train", f0_train, targets, len(k))
    error = basis.T @ (targets - start)
    give = as_given(k_train, y, k_test_train, f0_train, f0_test)
    train = give(start + basis @ (learned[:, None] * error))
    if k_test_train is None:
        return Outputs(train, None)
    cross = as_matrix("k_test_train", k_test_train, columns=len(k)).to(k)
    moved = cross @ (basis @ (learned_per_eigenvalue[:, None] * error))
    return Outputs(
        train, give(moved if f0_test is None else moved + _initial("f0_test", f0_test, targets, len(cross)))
    )


def _initial(argument: str, f0: Array, targets: Tensor, rows: int) -> Tensor:
    return as_matrix(argument, f0, rows=rows, columns=targets.shape[1]).to(targets)
