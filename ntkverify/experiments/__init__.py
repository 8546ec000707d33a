"""What claims, maps and diagnoses do with networks: tasks, training, predictions of it, and distances to them."""

from ntkverify.experiments.descents import Predicted, descent, descent_on, networks, train_all
from ntkverify.experiments.distances import deviations, distances, orthogonal_direction
from ntkverify.experiments.tasks import Task
from ntkverify.experiments.threads import one_thread

__all__ = [
    "Predicted",
    "Task",
    "descent",
    "descent_on",
    "deviations",
    "distances",
    "networks",
    "one_thread",
    "orthogonal_direction",
    "train_all",
]
