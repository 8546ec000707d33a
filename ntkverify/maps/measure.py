"""One network of the map: trained, and held against the kernel's prediction from its own start."""

import functools
from dataclasses import dataclass, replace

import numpy as np

from ntkverify import analytic, serialization
from ntkverify.activations import Activation
from ntkverify.architecture import Architecture, mlp
from ntkverify.data import Points
from ntkverify.experiments import Task, descent, descent_on, deviations, networks, train_all
from ntkverify.maps.values import Problem
from ntkverify.numerics import one_thread
from ntkverify.scenarios import Scenario, Training
from ntkverify.subjects import BuiltinSubject


@dataclass(frozen=True, kw_only=True)
class Gaps:
    """|network - prediction| / |prediction moved from 0|, over the test points, and over training and
    test points together; infinite where training diverged."""

    test: float
    joint: float


def measure(problem: Problem, replicate: int) -> Gaps:
    """Trains the replicate-th network of the problem; the same digits in any process.

    Raises InvalidArgument for an activation without an NTK, or inputs that no data source has.
    """
    scenario = _scenario(problem)
    plain = Task.posed_by(scenario)
    task = replace(plain, y=problem.label_scale * plain.y)
    n, subject = len(task.x), BuiltinSubject()
    with one_thread(), np.errstate(over="ignore", invalid="ignore"):
        kernels = task.split(_kernel(scenario.arch, scenario.points, n))
        predicted, moved = descent_on(subject, scenario, kernels, task)
        # Label scales must not share networks: their gaps would be no independent cells.
        seed = scenario.network_seed("map", repr(problem.label_scale), replicate)
        nets = networks(subject, scenario, problem.width, [seed])
        off = deviations(train_all(nets, task, descent(scenario, kernels[0])), predicted)[0]
        return Gaps(test=_ratio(off[n:], moved[n:]), joint=_ratio(off, moved))


@functools.lru_cache(maxsize=4)
def _kernel(architecture: Architecture, points: Points, n: int) -> np.ndarray:
    x = points.inputs()
    return np.asarray(analytic.ntk(architecture, x, x[:n]))


def _scenario(problem: Problem) -> Scenario:
    architecture = mlp(
        inputs=problem.dimension,
        depth=problem.depth,
        activation=serialization.from_plain(problem.activation, Activation),
        weight_std=problem.weight_std,
        bias_std=problem.bias_std,
    )
    points = Points(
        source=problem.source,
        count=problem.points + problem.test_points,
        dimension=problem.dimension,
        seed=problem.seed,
    )
    training = Training(steps=problem.steps, step_size=problem.step_size, test_points=problem.test_points)
    return Scenario(
        architecture=architecture,
        points=points,
        widths=(problem.width,),
        seed=problem.seed,
        training=training,
    )


def _ratio(off: np.ndarray, moved: np.ndarray) -> float:
    ratio = float(np.linalg.norm(off) / np.linalg.norm(moved))
    return ratio if np.isfinite(ratio) else np.inf
