"""What claims, maps and diagnoses do with networks: tasks, training, predictions of it, and distances to them."""

from ntkverify.experiments.descents import (
    Predicted,
    analytic_kernels,
    descent,
    descent_on,
    for_several,
    networks,
    train_all,
)
from ntkverify.experiments.distances import deviations, distances, length_of_the_way, orthogonal_direction
from ntkverify.experiments.tasks import Task

__all__ = [
    "Predicted",
    "Task",
    "analytic_kernels",
    "descent",
    "descent_on",
    "deviations",
    "distances",
    "for_several",
    "length_of_the_way",
    "networks",
    "orthogonal_direction",
    "train_all",
]
