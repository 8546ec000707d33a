"""What predictors ask of their arguments; training asks the same."""

import torch
from torch import Tensor

from ntkverify.arrays import Array, as_matrix
from ntkverify.errors import InvalidArgument
from ntkverify.numerics import eigenvalues, spectral_rounding_bound


def max_learning_rate(k_train: Array, *, momentum: float = 0.0, nesterov: bool = False) -> float:
    """The learning rate below which descent on 1/2 sum (f - y)^2 converges: 2 / lambda_max without
    momentum, (2 + 2 momentum) / lambda_max for heavy ball, and 1 / (1 + 2 momentum) of that for Nesterov.

    k_train: (n, n). Source: the roots of each method's characteristic polynomial (Polyak 1964; Lessard,
    Recht & Packard 2016, section 4.2). Infinite for a kernel of zeros.
    """
    check_momentum(momentum)
    return stable_below(eigenvalues(as_kernel(k_train))[-1].item(), momentum, nesterov)


def stable_below(largest_eigenvalue: float, momentum: float = 0.0, nesterov: bool = False) -> float:
    """As `max_learning_rate`, from the largest eigenvalue."""
    if largest_eigenvalue <= 0:
        return float("inf")
    return (2 + 2 * momentum) / (1 + 2 * momentum * nesterov) / largest_eigenvalue


def check_stable(
    learning_rate: float, largest_eigenvalue: float, momentum: float = 0.0, nesterov: bool = False
) -> None:
    """Raises InvalidArgument for a learning rate at which descent does not converge."""
    limit = stable_below(largest_eigenvalue, momentum, nesterov)
    if learning_rate >= limit:
        meaning = "2 / lambda_max" if momentum == 0 else "the limit with this momentum"
        raise InvalidArgument(
            "learning_rate",
            f"{learning_rate:.6g}",
            f"less than {meaning} = {limit:.6g}",
            "Gradient descent diverges there; lower it, or pass allow_unstable=True to watch it diverge.",
        )


def check_learning_rate(learning_rate: float) -> None:
    """Raises InvalidArgument for a learning rate that is not positive and finite."""
    if not 0 < learning_rate < float("inf"):
        expected = "a positive finite number"
        raise InvalidArgument(
            "learning_rate", repr(learning_rate), expected, "Below 2 / lambda_max it is stable."
        )


def check_momentum(momentum: float) -> None:
    """Raises InvalidArgument for a momentum outside [0, 1)."""
    if not 0 <= momentum < 1:
        raise InvalidArgument(
            "momentum", repr(momentum), "a number in [0, 1)", "0 is plain gradient descent."
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
    """A square symmetric matrix (n, n); raises InvalidArgument for another."""
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
    """(n, n) and (n, outputs), of one dtype."""
    k = as_kernel(k_train)
    return k, as_matrix("y", y, rows=len(k)).to(k)
