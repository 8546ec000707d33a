"""The training and test points of a scenario."""

from dataclasses import dataclass

import numpy as np

from ntkverify.scenarios import Scenario


@dataclass(frozen=True)
class Task:
    """The training (n) and test (m) points of a scenario, with targets for each output of its architecture."""

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray

    @staticmethod
    def posed_by(scenario: Scenario) -> "Task":
        """Returns the task of a scenario, whose last points are held out."""
        outputs = scenario.architecture.outputs if scenario.architecture else 1
        points, targets = scenario.points.inputs(), scenario.points.targets(outputs)
        n = scenario.points.count - scenario.run.test_points
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
