"""The paper's experiment: its data, its nine kernels, and their errors over many trials."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from ntkverify import analytic, predict
from ntkverify.activations import Activation, ReLU
from ntkverify.architecture import Architecture, Linear, Sequential
from ntkverify.seeds import derive

Kernel = Callable[[np.ndarray], np.ndarray]
"""(n, d) -> (n, n)."""


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How the paper draws its data and trains its networks.

    points: how many there are in all, of which test_share is held out. Networks hold validation_share of the
    rest back, and take `epochs` (for one and two hidden layers) of SGD on the mean squared error of batches.
    """

    points: int = 1000
    dimension: int = 15
    low: float = -5.0
    high: float = 7.0
    test_share: float = 0.33
    trials: int = 50
    validation_share: float = 0.3
    learning_rate: float = 0.002
    batch_size: int = 8
    epochs: tuple[int, int] = (3000, 6000)

    def time(self, depth: int) -> float:
        """Returns the gradient flow time of a network's training, in units of the loss 1/2 sum (f - y)^2.

        A step on a batch's mean square moves by learning_rate * 2 / batch_size times the sum's gradient,
        and an epoch sees every point once.
        """
        return self.epochs[depth - 1] * self.learning_rate * 2 / self.batch_size


@dataclass(frozen=True, kw_only=True)
class Task:
    """One trial: inputs of norm 1 (n, d), targets (n, 1), the training rows first."""

    x: np.ndarray
    y: np.ndarray
    train: int


def tasks(protocol: Protocol, target: Kernel, seed: int) -> Iterator[Task]:
    """Yields one task for each trial; its targets are a noise-free draw from a Gaussian process.

    target: the covariance of the process.
    """
    for trial in range(protocol.trials):
        rng = derive(seed, "paper", protocol.dimension, trial)
        x = rng.uniform(protocol.low, protocol.high, (protocol.points, protocol.dimension))
        x /= np.linalg.norm(x, axis=1, keepdims=True)
        values, vectors = np.linalg.eigh(target(x))
        draw = vectors @ (np.sqrt(values.clip(min=0)) * rng.standard_normal(len(x)))
        yield Task(x=x, y=draw[:, None], train=round((1 - protocol.test_share) * len(x)))


def architecture(kind: str, depth: int, dimension: int, activation: Activation = ReLU()) -> Architecture:
    """Returns the ReLU network behind one of the paper's kernels.

    A (Arora et al. 2019): no bias, first layer unscaled, weight variance 2 behind it; B: weight and bias
    variance 1 in every layer, first layer unscaled; J (Jacot et al. 2018): the same, first layer over sqrt(d).
    """
    unscaled = dimension**0.5
    first, other = {
        "A": (Linear(unscaled), Linear(2**0.5)),
        "B": (Linear(unscaled, 1.0), Linear(1.0, 1.0)),
        "J": (Linear(1.0, 1.0), Linear(1.0, 1.0)),
    }[kind]
    return Architecture(inputs=dimension, layers=Sequential(first, *[activation, other] * depth))


def kernels(dimension: int) -> dict[str, Kernel]:
    """Returns all nine kernels by name: NNGP and three NTKs with one and two hidden layers, and Laplace's."""

    def make(part: Callable, kind: str, depth: int) -> Kernel:
        arch = architecture(kind, depth, dimension)
        return lambda x: part(arch, x)

    table: dict[str, Kernel] = {}
    for name, part, kind in (
        ("GP", analytic.nngp, "B"),
        ("NTKA", analytic.ntk, "A"),
        ("NTKB", analytic.ntk, "B"),
        ("NTKJ", analytic.ntk, "J"),
    ):
        table |= {f"{name}, {depth} layer{'s' * (depth > 1)}": make(part, kind, depth) for depth in (1, 2)}
    return table | {"Laplace": lambda x: 2 * np.exp(-cdist(x, x) / 6)}


def regression_error(kernel: Kernel, task: Task) -> float:
    """Returns the root mean square error of ridgeless regression at the test points."""
    k, n = kernel(task.x), task.train
    prediction = predict.kernel_regression(k[:n, :n], task.y[:n], k[n:, :n]).test
    return rmse(np.asarray(prediction), task.y[n:])


def score_kernels(protocol: Protocol, seed: int, progress: Callable[[str], None]) -> dict[str, np.ndarray]:
    """Returns the errors (trials,) of every kernel."""
    table = kernels(protocol.dimension)
    errors = []
    for trial, task in enumerate(tasks(protocol, table["NTKB, 1 layer"], seed)):
        progress(f"kernels: trial {trial + 1} of {protocol.trials}")
        errors.append([regression_error(kernel, task) for kernel in table.values()])
    return dict(zip(table, np.array(errors).T, strict=True))


def rmse(prediction: np.ndarray, y: np.ndarray) -> float:
    """Returns the root mean square error."""
    return float(np.sqrt(np.mean((prediction - y) ** 2)))
