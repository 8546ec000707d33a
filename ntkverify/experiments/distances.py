"""How far trained networks end from what is predicted of them."""

import numpy as np

from ntkverify.experiments.descents import Predicted
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
    expected = [
        predicted(*start) for start in zip(run.initial_train, np.asarray(run.initial_test), strict=True)
    ]
    return np.concatenate([run.train, run.test], axis=1) - expected


def distances(run: Trajectory, predicted: Predicted, moved: np.ndarray, scenario: Scenario) -> np.ndarray:
    """(3, networks): how far each network ends from what is predicted, and its signed offsets along
    `moved` (n + m, o) and across it, all relative to the norm of `moved`."""
    size = np.linalg.norm(moved)
    deviation = deviations(run, predicted) / size
    along, aside = (
        np.einsum("sno,no->s", deviation, d)
        for d in (moved / size, orthogonal_direction(moved, scenario.signs(moved.shape)))
    )
    return np.stack([np.linalg.norm(deviation, axis=(1, 2)), along, aside])
