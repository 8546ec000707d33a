"""Training of a scenario's networks, and what a kernel predicts of it."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from torch import nn

from ntkverify import predict
from ntkverify.experiments.tasks import Task
from ntkverify.methods import GradientDescent
from ntkverify.scenarios import Scenario
from ntkverify.subjects import Subject, part
from ntkverify.training import Trajectory, train_ensemble


def descent(scenario: Scenario, k_train: np.ndarray) -> dict[str, Any]:
    """The settings of gradient descent, for `train` and for the predictors; k_train sets the learning rate."""
    training = scenario.run
    rate = training.step_size * predict.max_learning_rate(k_train, method=training.method)
    settings = {"steps": training.steps, "learning_rate": rate, "allow_unstable": True}
    # A subject's predictor need not know that there are methods besides gradient descent.
    return settings if training.method == GradientDescent() else settings | {"method": training.method}


def analytic_kernels(
    subject: Subject, scenario: Scenario, kernel: Literal["ntk", "nngp"] = "ntk"
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the subject's k_train (n, n) and k_test_train (m, n) on the scenario's points."""
    task = Task.posed_by(scenario)
    return task.split(np.asarray(part(subject, kernel)(scenario.arch, task.points, task.x)))


def networks(subject: Subject, scenario: Scenario, width: int, seeds: Sequence[int]) -> list[nn.Module]:
    """Fresh networks of the subject, one per seed."""
    build, hidden = part(subject, "network"), scenario.hidden_widths(width)
    return [build(scenario.arch, hidden, seed) for seed in seeds]


def train_all(nets: Sequence[nn.Module], task: Task, settings: dict[str, Any], **options: Any) -> Trajectory:
    """Trains copies of all networks on the task."""
    return train_ensemble(nets, task.x, task.y, task.x_test, **settings, **options)


Predicted = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Initial outputs on training (..., n, o) and test points (..., m, o) -> final ones (..., n + m, o), of one network or
several."""


def for_several(
    predictor: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray], y: np.ndarray
) -> Predicted:
    """Makes a predictor of columns predict networks: each output of each is a column, with its targets.

    predictor: initial outputs (n, k), (m, k) and targets (n, k) -> final outputs (n + m, k). y: (n, o), of each network.
    """

    def predicted(train: np.ndarray, test: np.ndarray) -> np.ndarray:
        before = [np.moveaxis(outputs, -2, 0) for outputs in (train, test)]
        columns = [outputs.reshape(len(outputs), -1) for outputs in before]
        targets = np.tile(y, (1, columns[0].shape[1] // y.shape[1]))
        after = predictor(columns[0], columns[1], targets)
        return np.moveaxis(after.reshape(-1, *before[0].shape[1:]), 0, -2)

    return predicted


def descent_on(
    subject: Subject, scenario: Scenario, kernels: tuple[np.ndarray, np.ndarray], task: Task | None = None
) -> tuple[Predicted, np.ndarray]:
    """What gradient descent on k_train, k_test_train predicts from any start, and, from 0, how far it moves
    the outputs: (n + m, o). task: the scenario's, unless other targets are given."""
    task, settings = task or Task.posed_by(scenario), descent(scenario, kernels[0])
    predictor = part(subject, "gradient_descent")

    def of_columns(train: np.ndarray, test: np.ndarray, targets: np.ndarray) -> np.ndarray:
        start = {"f0_train": train, "f0_test": test}
        return np.concatenate(predictor(kernels[0], targets, kernels[1], **settings, **start))

    return for_several(of_columns, task.y), np.concatenate(
        predictor(kernels[0], task.y, kernels[1], **settings)
    )
