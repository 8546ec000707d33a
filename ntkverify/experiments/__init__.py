"""What claims, maps and diagnoses do with networks: tasks, training, predictions of it, and distances to them."""

from ntkverify.experiments.descents import (
    Predicted,
    analytic_kernels,
    descent,
    descent_on,
    networks,
    train_all,
)
from ntkverify.experiments.distances import deviations, distances, orthogonal_direction
from ntkverify.experiments.tasks import Task

__all__ = [
    "Predicted",
    "Task",
    "analytic_kernels",
    "descent",
    "descent_on",
    "deviations",
    "distances",
    "networks",
    "orthogonal_direction",
    "train_all",
]
