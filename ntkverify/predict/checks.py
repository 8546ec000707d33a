"""What predictors ask of their arguments; training asks the same."""

from numbers import Real

import torch
from torch import Tensor

from ntkverify.arrays import Array, as_matrix, as_tensor
from ntkverify.errors import InvalidArgument, NotPositiveDefinite, UnstableLearningRate
from ntkverify.methods import GradientDescent, Method
from ntkverify.numerics import eigenvalues, spectral_rounding_bound

PLAIN = GradientDescent()


def max_learning_rate(k_train: Array, *, method: Method = PLAIN) -> float:
    """Returns the learning rate below which `method` on 1/2 sum (f - y)^2 converges: 2 / lambda_max for
    gradient descent.

    k_train: (n, n), or (n, n, outputs, outputs), of which outputs move together. The limits of other methods stand
    with them, in `ntkverify.methods`. Infinite for a kernel of zeros, with which outputs stay where they are at
    any rate. Raises InvalidArgument for a matrix that is no kernel, NotPositiveDefinite for one with an eigenvalue
    that is negative beyond rounding, with which training diverges at any rate.
    """
    check_method(method)
    k = as_kernel(k_train)
    spectrum, bound = eigenvalues(k.double()), spectral_rounding_bound(k)
    check_semidefinite("k_train", spectrum[0].item(), bound)
    return method.stable_below(spectrum[-1].item())


def check_semidefinite(argument: str, smallest_eigenvalue: float, rounding_bound: float) -> None:
    """Raises NotPositiveDefinite for a smallest eigenvalue that is negative beyond rounding."""
    if smallest_eigenvalue < -rounding_bound:
        remedy = "No network has this kernel: residuals would grow in training."
        raise NotPositiveDefinite(argument, smallest_eigenvalue, rounding_bound, remedy)


def check_stable(learning_rate: float, largest_eigenvalue: float, method: Method) -> None:
    """Raises UnstableLearningRate for a learning rate at which `method` does not converge."""
    limit = method.stable_below(largest_eigenvalue)
    if learning_rate >= limit:
        raise UnstableLearningRate(
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
    if not isinstance(learning_rate, Real) or not 0 < learning_rate < float("inf"):
        remedy = (
            "Below 2 / lambda_max it is stable, which is infinite for a kernel of zeros: it cannot train."
        )
        raise InvalidArgument("learning_rate", repr(learning_rate), "a positive finite number", remedy)


def check_at_least_0(argument: str, value: float | Tensor, meaning: str) -> None:
    """Raises InvalidArgument for what is not a finite number >= 0; meaning: what the number is."""
    number = value.item() if isinstance(value, Tensor) and value.ndim == 0 else value
    if not isinstance(number, Real) or not 0 <= number < float("inf"):
        raise InvalidArgument(argument, repr(value), "a finite number >= 0", meaning)


def check_steps(steps: int) -> None:
    """Raises InvalidArgument for steps that are not an integer >= 0."""
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 0:
        raise InvalidArgument("steps", repr(steps), "an integer >= 0", "It counts gradient steps.")


def check_time(time: float) -> None:
    """Raises InvalidArgument for a time that is negative or NaN."""
    if not isinstance(time, Real) or not time >= 0:
        raise InvalidArgument("time", repr(time), "a number >= 0, or infinity", "Training runs forward.")


def check_distributions(y: Tensor) -> None:
    """Raises InvalidArgument for rows that are no distributions over classes."""
    if not ((y >= 0).all() and torch.allclose(y.sum(dim=1), torch.ones_like(y[:, 0]))):
        remedy = "One-hot encode the classes."
        raise InvalidArgument("y", "rows that do not sum to 1", "a distribution in each row", remedy)


def flat(
    argument: str, kernel: Array, *, columns: int | None = None, outputs: int | None = None
) -> tuple[Tensor, int | None]:
    """Returns a kernel as a matrix, and its outputs where it is full.

    A kernel (n1, n2), the same for every output, stays as it is, and has None for outputs. A full one
    (n1, n2, o, o), whose entry [i, j, a, b] is between output a of point i and output b of point j, becomes
    (n1 o, n2 o), all outputs of a point together: the order of targets (n2, o) flattened.
    columns, outputs: what they must be, where that is known.
    Raises InvalidArgument for another shape.
    """
    k = as_tensor(argument, kernel)
    if k.ndim != 4:
        return as_matrix(argument, k, columns=columns), None
    rows, points, one, other = k.shape
    if one != other or (columns or points, outputs or one) != (points, one) or not k.numel():
        o, n = outputs or "outputs", columns or "n"
        expected = f"shape (m, {n}), the same for every output, or (m, {n}, {o}, {o})"
        raise InvalidArgument(argument, f"shape {tuple(k.shape)}", expected, FULL)
    return as_matrix(argument, k.transpose(1, 2).reshape(rows * one, points * one)), one


FULL = 'The last two axes are outputs, as empirical_ntk(..., outputs="full") gives them.'


def as_kernel(k_train: Array, argument: str = "k_train") -> Tensor:
    """Returns the square symmetric matrix that `flat` makes of a kernel; raises InvalidArgument for another."""
    k, _ = flat(argument, k_train)
    check_symmetric(argument, k)
    return k


def check_symmetric(argument: str, k: Tensor) -> None:
    """Raises InvalidArgument for a matrix that is not square, or not symmetric beyond rounding."""
    remedy = "Pass the kernel of the points with themselves."
    if k.shape[0] != k.shape[1]:
        raise InvalidArgument(argument, f"shape {tuple(k.shape)}", "a square matrix", remedy)
    difference, bound = (k - k.T).abs().max().item(), spectral_rounding_bound(k)
    if difference > bound:
        got = f"a matrix that differs from its transpose by {difference:.3g}"
        raise InvalidArgument(argument, got, f"a symmetric one (rounding explains {bound:.2g})", remedy)


def as_targets(y: Array, points: int, outputs: int | None = None) -> Tensor:
    """Returns targets (points, outputs); raises InvalidArgument, with what to do, for another shape."""
    targets = as_tensor("y", y)
    expected = f"shape ({points}, {outputs or 'outputs'}), a row for each training point"
    if targets.ndim == 1:
        classes = not targets.is_floating_point()
        one_hot = "If these are classes, one-hot encode them: numpy.eye(classes)[y]. "
        remedy = f"{one_hot if classes else ''}One output is a column: y[:, None]."
        raise InvalidArgument("y", f"shape {tuple(targets.shape)}", expected, remedy)
    if targets.ndim != 2 or targets.shape != (points, outputs or targets.shape[1]):
        remedy = "Pass the targets of the points that the kernel is of, in their order."
        raise InvalidArgument("y", f"shape {tuple(targets.shape)}", expected, remedy)
    return as_matrix("y", targets)
