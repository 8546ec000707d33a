"""The first claim: a second hidden layer changes the error of networks and of their NTK differently.

What networks do is taken apart: each stage removes one way in which the paper's networks were not trained as
regression with their NTK, by the exact theory of infinitely wide ones (Lee et al. 2019, equations 14-15).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ntkverify import analytic, predict
from ntkverify.networks import network
from ntkverify.paper.protocol import Protocol, Task, architecture, kernels, rmse, tasks
from ntkverify.training import train

STAGES = (
    "networks as trained, infinitely wide",
    "without the spread of f_0",
    "trained to the end",
    "on all training points: NTK regression",
)

STEP_SIZE = 0.9
"""The learning rate of trained networks, as a share of the largest stable one."""


@dataclass(frozen=True, kw_only=True)
class DepthStep:
    """The errors with one and with two hidden layers.

    theory: stage -> (trials, 2). trained: width -> (networks, 2), of finite networks under the protocol.
    infinite: (networks, 2), for infinitely wide ones on the same trials.
    """

    theory: dict[str, np.ndarray]
    trained: dict[int, np.ndarray]
    infinite: np.ndarray


def depth_step(
    protocol: Protocol, seed: int, widths: tuple[int, ...], networks: int, progress: Callable[[str], None]
) -> DepthStep:
    """Returns the errors of networks and of their NTK.

    Both are the paper's J: ReLU, all variances 1, every layer over sqrt(fan_in).
    networks: the number of trials on which finite networks are trained too, by full-batch
    gradient descent for the same time.
    """
    theory: list[list[list[float]]] = []
    trained: dict[int, list[list[float]]] = {width: [] for width in widths}
    target = kernels(protocol.dimension)["NTKB, 1 layer"]
    for trial, task in enumerate(tasks(protocol, target, seed)):
        progress(f"depth step: trial {trial + 1} of {protocol.trials}")
        theory.append([_stages(protocol, depth, task) for depth in (1, 2)])
        for width in widths if trial < networks else ():
            progress(f"depth step: networks of width {width}, trial {trial + 1} of {networks}")
            trained[width].append([_trained(protocol, depth, task, width, seed + trial) for depth in (1, 2)])
    table = np.array(theory)  # (trials, depths, stages)
    return DepthStep(
        theory={stage: table[:, :, place] for place, stage in enumerate(STAGES)},
        trained={width: np.array(errors) for width, errors in trained.items()},
        infinite=table[:networks, :, 0],
    )


def _stages(protocol: Protocol, depth: int, task: Task) -> list[float]:
    arch, n = architecture("J", depth, protocol.dimension), task.train
    ntk, nngp = analytic.ntk(arch, task.x), analytic.nngp(arch, task.x)
    fitted, y = _fitted(protocol, task), task.y[n:]

    def law(rows: int, time: float) -> predict.Gaussian:
        return predict.ensemble(
            ntk[:rows, :rows],
            task.y[:rows],
            ntk[n:, :rows],
            nngp_train=nngp[:rows, :rows],
            nngp_test_train=nngp[n:, :rows],
            nngp_test=nngp[n:, n:],
            time=time,
        )

    early = law(fitted, protocol.time(depth))
    spread, mean = np.diag(early.covariance).mean(), np.asarray(early.mean)
    return [
        math.sqrt(rmse(mean, y) ** 2 + spread),
        rmse(mean, y),
        rmse(np.asarray(law(fitted, math.inf).mean), y),
        rmse(np.asarray(law(n, math.inf).mean), y),
    ]


def _trained(protocol: Protocol, depth: int, task: Task, width: int, seed: int) -> float:
    """Returns the test error of one network after gradient descent for the protocol's time."""
    arch, fitted = architecture("J", depth, protocol.dimension), _fitted(protocol, task)
    x, y = task.x[:fitted], task.y[:fitted]
    limit = predict.max_learning_rate(analytic.ntk(arch, x))
    steps = math.ceil(protocol.time(depth) / (STEP_SIZE * limit))
    rate = protocol.time(depth) / steps
    run = train(
        network(arch, width, seed),
        x,
        y,
        task.x[task.train :],
        steps=steps,
        learning_rate=rate,
        allow_unstable=True,
    )
    return rmse(np.asarray(run.test), task.y[task.train :])


def _fitted(protocol: Protocol, task: Task) -> int:
    """Returns how many of the training points the networks see."""
    return round((1 - protocol.validation_share) * task.train)
