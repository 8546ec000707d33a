"""What claims, maps and diagnoses do with networks: tasks, training, predictions of it, and distances to them."""

from ntkverify.experiments.descents import Predicted, descent, descent_on, networks, train_all
from ntkverify.experiments.distances import beside, deviations, distances
from ntkverify.experiments.tasks import Task
from ntkverify.experiments.threads import one_thread

__all__ = [
    "Predicted",
    "Task",
    "beside",
    "descent",
    "descent_on",
    "deviations",
    "distances",
    "networks",
    "one_thread",
    "train_all",
]
