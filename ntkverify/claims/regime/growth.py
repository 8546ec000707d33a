"""How a failure is measured: its size, and how that grows along an axis such as the width."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from torch import nn

from ntkverify.activations import Erf, ReLU
from ntkverify.claims.claim import Effort
from ntkverify.claims.judging import judge
from ntkverify.experiments import Task, analytic_kernels, descent, descent_on, distances, networks, train_all
from ntkverify.findings import Measurement
from ntkverify.scenarios import Scenario
from ntkverify.stats import replicate_slopes
from ntkverify.strategies import Scenarios, Trainings
from ntkverify.subjects import Subject
from ntkverify.training import Trajectory

WIDTHS = (256, 128, 64, 32, 16)
FLAT = (-0.25, 0.25)
"""A slope over width of something that does not vanish with width; what does falls with -1/2 or faster."""

NOTHING = 1e-16
"""What counts as no change at all: rounding."""

Values = Callable[[list[int]], np.ndarray]
"""seeds -> (levels, networks): the failure's size at every level of the axis."""


def measure_growth(
    values: Values,
    levels: Sequence[float],
    scenario: Scenario,
    effort: Effort,
    *,
    what: str,
    axis: str,
    slope: tuple[float, float],
    size: tuple[float, float],
) -> tuple[Measurement, ...]:
    """The slope of the log of `values` over the log of `levels`, and the values at the first level.

    slope, size: what theory expects. The size is judged by its logarithm, whose tails are light.
    """
    known = functools.lru_cache(lambda seeds: np.maximum(values(list(seeds)), NOTHING))

    def slopes(seeds: list[int]) -> np.ndarray:
        sizes = known(tuple(seeds)).T
        finite = np.isfinite(sizes).all(axis=1)
        out = np.full(len(sizes), np.nan)
        if finite.any():
            out[finite] = replicate_slopes(np.asarray(levels, dtype=float), sizes[finite])
        return out

    for_slope, for_size = effort.split(1, 1)
    return (
        judge(f"slope of {what} over {axis}", slopes, scenario, slope, effort=for_slope, resolution=0.25),
        judge(
            f"log of {what} at {axis} {levels[0]:g}",
            lambda seeds: np.log(known(tuple(seeds))[0]),
            scenario,
            (float(np.log(size[0])), float(np.log(size[1]))),
            effort=for_size,
            resolution=0.5,
        ),
    )


def drifts(
    subject: Subject,
    scenario: Scenario,
    wrap: Callable[[nn.Module, int], nn.Module],
    speed: Callable[[int], float],
    loudness: float,
) -> Values:
    """Relative drift of the kernel of networks wrapped by (net, width), trained at speed(width) times the
    learning rate of the analytic NTK on targets `loudness` times as large."""
    task = Task.posed_by(scenario)
    task = replace(task, y=loudness * task.y)
    settings = analytic_descent(subject, scenario)

    def values(seeds: list[int]) -> np.ndarray:
        return np.stack([at(width, seeds) for width in scenario.widths])

    def at(width: int, seeds: list[int]) -> np.ndarray:
        nets = [wrap(net, width) for net in networks(subject, scenario, width, seeds)]
        faster = settings | {"learning_rate": settings["learning_rate"] * speed(width)}
        return final_drift(train_all(nets, task, faster, record_at=(scenario.run.steps,)), len(seeds))

    return values


def final_drift(run: Trajectory, count: int) -> np.ndarray:
    """Returns the drift of each network's kernel (networks,): NaN where training stopped before its end."""
    return np.asarray(run.records[-1].kernel_drift) if run.records else np.full(count, np.nan)


def gaps(
    subject: Subject, scenario: Scenario, wrap: Callable[[nn.Module], nn.Module] = lambda net: net
) -> Values:
    """Relative distances of wrapped networks to kernel regression from their own start, after training."""
    task, kernels = Task.posed_by(scenario), analytic_kernels(subject, scenario)
    settings, (predicted, moved) = descent(scenario, kernels[0]), descent_on(subject, scenario, kernels)
    size = float(np.linalg.norm(moved))

    def at(width: int, seeds: list[int]) -> np.ndarray:
        nets = [wrap(net) for net in networks(subject, scenario, width, seeds)]
        return distances(train_all(nets, task, settings), predicted, size, scenario)[0]

    return lambda seeds: np.stack([at(width, seeds) for width in scenario.widths])


def analytic_descent(subject: Subject, scenario: Scenario) -> dict:
    """The settings of gradient descent at the learning rate of the analytic NTK."""
    return descent(scenario, analytic_kernels(subject, scenario)[0])


def ordinary(
    *,
    steps: tuple[int, ...] = (20,),
    step_sizes: tuple[float, ...] = (0.5,),
    widths: tuple[int, ...] = WIDTHS,
    **options: Any,
) -> Scenarios:
    """Scenarios in which nothing but the regime itself stands against the equivalence."""
    plain = Scenarios(
        counts=(5, 8),
        dimensions=(2, 6),
        sources=("sphere",),
        depths=(1,),
        activations=(Erf(), ReLU()),
        weight_stds=(2**0.5,),
        bias_stds=(0.5, 0.1),
        widths=(widths,),
        training=Trainings(steps=steps, step_sizes=step_sizes, test_points=2),
    )
    return replace(plain, **options)
