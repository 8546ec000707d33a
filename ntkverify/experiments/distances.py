"""How far trained networks end from what is predicted of them."""

import numpy as np

from ntkverify import analytic
from ntkverify.experiments.descents import Predicted
from ntkverify.experiments.tasks import Task
from ntkverify.scenarios import Scenario
from ntkverify.training import Trajectory


def orthogonal_direction(limit: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """A direction of norm 1 to look in besides `limit`: random `signs` of its shape, less their part
    along it; zero where there is only one direction."""
    rest = signs - np.vdot(signs, limit) / np.vdot(limit, limit) * limit
    norm = np.linalg.norm(rest)
    return rest / norm if norm > 1e-6 else np.zeros_like(rest)


def deviations(run: Trajectory, predicted: Predicted) -> np.ndarray:
    """(networks, n + m, o): where each network ends, less what is predicted."""
    expected = predicted(np.asarray(run.initial_train), np.asarray(run.initial_test))
    return np.concatenate([run.train, run.test], axis=1) - expected


def distances(run: Trajectory, predicted: Predicted, size: float, scenario: Scenario) -> np.ndarray:
    """(3, networks): how far each network ends from what is predicted, and its signed offsets along the way that it is
    predicted to go and across it, all relative to `size`, the root mean square length of that way.

    Along its own way, a network tells a wrong kernel by all that it learns: to forget its start, too.
    """
    deviation = deviations(run, predicted)
    way = np.concatenate([run.train, run.test], axis=1) - deviation
    way -= np.concatenate([run.initial_train, np.asarray(run.initial_test)], axis=1)
    signs = scenario.signs(way.shape[1:])
    aside = np.stack([orthogonal_direction(one, signs) for one in way])
    along, across = (np.einsum("sno,sno->s", deviation, d) for d in (way / size, aside))
    return np.stack([np.linalg.norm(deviation, axis=(1, 2)), along, across]) / size


def length_of_the_way(predicted: Predicted, scenario: Scenario) -> float:
    """Root of the mean square, over initialisations, of how far networks are predicted to move on all points.

    A prediction is linear in where a network starts, so what it does to single outputs says all.
    """
    task, outputs = Task.posed_by(scenario), scenario.arch.outputs
    n, m = len(task.x), len(task.x_test)
    starts, others = np.repeat(np.eye(n)[:, :, None], outputs, axis=2), np.zeros((n, m, outputs))
    from_zero = predicted(np.zeros((n, outputs)), np.zeros((m, outputs)))
    change = predicted(starts, others) - np.concatenate([starts, others], axis=1) - from_zero
    covariance = np.asarray(analytic.nngp(scenario.arch, task.x))
    return float(np.sqrt((from_zero**2).sum() + np.einsum("jpo,jk,kpo->", change, covariance, change)))
