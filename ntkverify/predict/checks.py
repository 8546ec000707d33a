"""What predictors ask of their arguments; training asks the same."""

import torch
from torch import Tensor

from ntkverify.arrays import Array, as_matrix
from ntkverify.errors import InvalidArgument
from ntkverify.methods import GradientDescent, Method
from ntkverify.numerics import eigenvalues, spectral_rounding_bound

PLAIN = GradientDescent()


def max_learning_rate(k_train: Array, *, method: Method = PLAIN) -> float:
    """Returns the learning rate below which `method` on 1/2 sum (f - y)^2 converges: 2 / lambda_max for
    gradient descent.

    k_train: (n, n). The limits of other methods stand with them, in `ntkverify.methods`. Infinite for a kernel
    of zeros. Raises InvalidArgument for a matrix that is no kernel.
    """
    check_method(method)
    return method.stable_below(eigenvalues(as_kernel(k_train))[-1].item())


def check_stable(learning_rate: float, largest_eigenvalue: float, method: Method) -> None:
    """Raises InvalidArgument for a learning rate at which `method` does not converge."""
    limit = method.stable_below(largest_eigenvalue)
    if learning_rate >= limit:
        raise InvalidArgument(
            "learning_rate",
            f"{learning_rate:.6g}",
            f"less than {method.limit} = {limit:.6g}",
            "Training diverges there; lower it, or pass allow_unstable=True to watch it diverge.",
        )


def check_method(method: Method) -> None:
    """Raises InvalidArgument for what is no method of training."""
    if not isinstance(method, Method):
        remedy = "Pass GradientDescent(), HeavyBall(momentum) or Nesterov(momentum)."
        raise InvalidArgument("method", repr(method), "a method of training", remedy)


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


def check_distributions(y: Tensor) -> None:
    """Raises InvalidArgument for rows that are no distributions over classes."""
    if not ((y >= 0).all() and torch.allclose(y.sum(dim=1), torch.ones_like(y[:, 0]))):
        remedy = "One-hot encode the classes."
        raise InvalidArgument("y", "rows that do not sum to 1", "a distribution in each row", remedy)


def as_kernel(k_train: Array, argument: str = "k_train") -> Tensor:
    """Returns a square symmetric matrix (n, n); raises InvalidArgument for another."""
    k = as_matrix(argument, k_train)
    remedy = "Pass the kernel of the points with themselves."
    if k.shape[0] != k.shape[1]:
        raise InvalidArgument(argument, f"shape {tuple(k.shape)}", "a square matrix", remedy)
    difference, bound = (k - k.T).abs().max().item(), spectral_rounding_bound(k)
    if difference > bound:
        got = f"a matrix that differs from its transpose by {difference:.3g}"
        raise InvalidArgument(argument, got, f"a symmetric one (rounding explains {bound:.2g})", remedy)
    return k


def kernel_and_targets(k_train: Array, y: Array) -> tuple[Tensor, Tensor]:
    """Returns both, (n, n) and (n, outputs), in one dtype."""
    k = as_kernel(k_train)
    return k, as_matrix("y", y, rows=len(k)).to(k)
