"""Shared by the claims about trained networks: which points, which settings, and how far from a predictor."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from ntkverify import predict
from ntkverify.claims.convergence import beside
from ntkverify.methods import GradientDescent
from ntkverify.scenarios import Scenario
from ntkverify.subjects import part
from ntkverify.training import Trajectory, train_ensemble


@dataclass(frozen=True)
class Task:
    """The training (n) and test (m) points of a scenario."""

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray

    @staticmethod
    def of(scenario: Scenario) -> "Task":
        """The scenario's last points are held out."""
        points, targets = scenario.points.inputs(), scenario.points.targets()
        n = scenario.points.count - scenario.training.test_points
        return Task(points[:n], targets[:n], points[n:])

    @property
    def points(self) -> np.ndarray:
        """(n + m, d)."""
        return np.concatenate([self.x, self.x_test])

    def split(self, kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A kernel (n + m, n or more) as k_train (n, n) and k_test_train (m, n)."""
        n = len(self.x)
        # Symmetric to the last digit, which a foreign kernel need not be.
        return (kernel[:n, :n] + kernel[:n, :n].T) / 2, kernel[n:, :n]


def descent(scenario: Scenario, k_train: np.ndarray) -> dict[str, Any]:
    """The settings of gradient descent, for `train` and for the predictors; k_train sets the learning rate."""
    training = scenario.training
    rate = training.step_size * predict.max_learning_rate(k_train, method=training.method)
    settings = {"steps": training.steps, "learning_rate": rate, "allow_unstable": True}
    # A subject's predictor need not know that there are methods besides gradient descent.
    return settings if training.method == GradientDescent() else settings | {"method": training.method}


def networks(subject, scenario: Scenario, width: int, seeds: Sequence[int]) -> list[nn.Module]:
    """Fresh networks of the subject, one per seed."""
    build, hidden = part(subject, "network"), scenario.hidden_widths(width)
    return [build(scenario.architecture, hidden, seed) for seed in seeds]


def train_all(nets: Sequence[nn.Module], task: Task, settings: dict[str, Any], **options) -> Trajectory:
    """Trains copies of all networks on the task."""
    return train_ensemble(nets, task.x, task.y, task.x_test, **settings, **options)


Predicted = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Initial outputs on training (n, o) and test points (m, o) of one network -> final ones (n + m, o)."""


def descent_on(
    subject, scenario: Scenario, kernels: tuple[np.ndarray, np.ndarray], task: Task | None = None
) -> tuple[Predicted, np.ndarray]:
    """What gradient descent on k_train, k_test_train predicts from any start, and, from 0, how far it moves
    the outputs: (n + m, o). task: the scenario's, unless other targets are given."""
    task, settings = task or Task.of(scenario), descent(scenario, kernels[0])
    predictor = part(subject, "gradient_descent")

    def predicted(train: np.ndarray, test: np.ndarray) -> np.ndarray:
        start = {"f0_train": train, "f0_test": test}
        return np.concatenate(predictor(kernels[0], task.y, kernels[1], **settings, **start))

    return predicted, np.concatenate(predictor(kernels[0], task.y, kernels[1], **settings))


def deviations(run: Trajectory, predicted: Predicted) -> np.ndarray:
    """(networks, n + m, o): where each network ends, less what is predicted."""
    expected = [predicted(*start) for start in zip(run.initial_train, run.initial_test, strict=True)]
    return np.concatenate([run.train, run.test], axis=1) - expected


def distances(run: Trajectory, predicted: Predicted, moved: np.ndarray, scenario: Scenario) -> np.ndarray:
    """(3, networks): how far each network ends from what is predicted, and its signed offsets along
    `moved` (n + m, o) and across it, all relative to the norm of `moved`."""
    size = np.linalg.norm(moved)
    deviation = deviations(run, predicted) / size
    along, aside = (
        np.einsum("sno,no->s", deviation, d)
        for d in (moved / size, beside(moved, scenario.signs(moved.shape)))
    )
    return np.stack([np.linalg.norm(deviation, axis=(1, 2)), along, aside])
