"""Scales at which features are learned: of the output, the labels, the parameterisation."""

from dataclasses import replace

import numpy as np
from torch import nn

from ntkverify.claims.claim import Claim, Effort
from ntkverify.claims.judging import SHARE, judge
from ntkverify.claims.regime.growth import (
    FLAT,
    analytic_descent,
    drifts,
    final_drift,
    measure_growth,
    ordinary,
)
from ntkverify.experiments import Task, networks, train_all
from ntkverify.findings import Measurement
from ntkverify.networks import Antisymmetric, Scaled
from ntkverify.premises import STABLE, UNSATURATED
from ntkverify.scenarios import Scenario
from ntkverify.subjects import Subject, part

OUTPUT_SCALES = (0.5, 2.0, 8.0, 32.0, 128.0)
LABEL_SCALES = (16.0, 8.0, 4.0, 2.0, 1.0)

LOUDNESS = 4.0
"""The scale of the targets in the mean-field scale: weights move in proportion to what there is to learn."""


def measure_mean_field(
    subject: Subject, scenario: Scenario, effort: Effort, exponent: float = 0.5
) -> tuple[Measurement, ...]:
    """Drift of the kernel where the output is divided by width^exponent more than in the NTK's scale."""
    values = drifts(
        subject,
        scenario,
        lambda net, width: Scaled(net, width**-exponent),
        lambda width: width ** (2 * exponent),
        loudness=LOUDNESS,
    )
    expected = {"slope": FLAT, "size": (0.05, np.inf)}
    return measure_growth(
        values, scenario.widths, scenario, effort, what="kernel drift", axis="width", **expected
    )


def measure_output_scale(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Drift of the kernel of alpha f, f = 0 at the start, over alpha."""
    task, settings = Task.posed_by(scenario), analytic_descent(subject, scenario)

    def at(scale: float, seeds: list[int]) -> np.ndarray:
        made = networks(subject, scenario, scenario.widths[0], seeds)
        nets = [Scaled(Antisymmetric(net), scale) for net in made]
        slower = settings | {"learning_rate": settings["learning_rate"] / scale**2}
        return final_drift(train_all(nets, task, slower, record_at=(scenario.run.steps,)), len(seeds))

    return measure_growth(
        lambda seeds: np.stack([at(scale, seeds) for scale in OUTPUT_SCALES]),
        OUTPUT_SCALES,
        scenario,
        effort,
        what="kernel drift",
        axis="output scale",
        slope=(-np.inf, -0.75),
        size=(0.02, np.inf),
    )


def measure_label_scale(
    subject: Subject, scenario: Scenario, effort: Effort, scales: tuple[float, ...] = LABEL_SCALES
) -> tuple[Measurement, ...]:
    """Drift of the kernel over the size of the targets."""
    task, settings = Task.posed_by(scenario), analytic_descent(subject, scenario)

    def at(scale: float, seeds: list[int]) -> np.ndarray:
        nets = networks(subject, scenario, scenario.widths[0], seeds)
        louder = replace(task, y=scale * task.y)
        return final_drift(train_all(nets, louder, settings, record_at=(scenario.run.steps,)), len(seeds))

    return measure_growth(
        lambda seeds: np.stack([at(scale, seeds) for scale in scales]),
        scales,
        scenario,
        effort,
        what="kernel drift",
        axis="label scale",
        slope=(0.4, 2.5),
        size=(0.05, np.inf),
    )


def measure_standard(
    subject: Subject, scenario: Scenario, effort: Effort, build: str = "standard_network"
) -> tuple[Measurement, ...]:
    """lambda_max of the network's own NTK over width, and whether a rate that suits the narrowest is too large."""
    task, make, empirical_ntk = Task.posed_by(scenario), part(subject, build), part(subject, "empirical_ntk")

    def built(width: int, seeds: list[int]) -> list[nn.Module]:
        return [make(scenario.arch, scenario.hidden_widths(width), seed) for seed in seeds]

    def steepest(seeds: list[int]) -> np.ndarray:
        return np.array([[largest(net) for net in built(width, seeds)] for width in scenario.widths])

    def largest(net: nn.Module) -> float:
        return float(np.linalg.eigvalsh(np.asarray(empirical_ntk(net, task.x)))[-1])

    def grows(seeds: list[int]) -> np.ndarray:
        rates = scenario.run.step_size * 2 / steepest(seeds)[-1]
        grown = []
        for net, rate in zip(built(scenario.widths[0], seeds), rates, strict=True):
            settings = {"steps": scenario.run.steps, "learning_rate": rate, "allow_unstable": True}
            losses = train_all([net], task, settings).losses
            grown.append(not max(losses) <= losses[0])
        return np.array(grown, dtype=float)

    for_growth, for_divergence = effort.split(1, 1)
    growth = measure_growth(
        steepest,
        scenario.widths,
        scenario,
        for_growth,
        what="lambda_max",
        axis="width",
        slope=(0.75, 1.25),
        size=(1.0, np.inf),
    )
    name = f"share whose loss rises at width {scenario.widths[0]}"
    divergence = judge(name, grows, scenario, (0.9, np.inf), effort=for_divergence, resolution=0.3, **SHARE)
    return (*growth, divergence)


MEAN_FIELD = Claim(
    id="regime.mean_field",
    statement="With outputs divided by the width, not by its root, the kernel moves at every width.",
    formula=r"f = \frac{1}{n} \sum_i a_i\, \phi(w_i x), \quad \eta \propto n: \quad "
    r"\|\Theta_T - \Theta_0\| / \|\Theta_0\| = O(1)",
    source="Mei, Montanari & Nguyen 2018; Chizat, Oyallon & Bach 2019, section 1",
    premises=(STABLE, UNSATURATED),
    needs=frozenset({"any_architecture", "network"}),
    stochastic=True,
    inside=ordinary(steps=(60,), step_sizes=(0.2,), widths=(512, 256, 128, 64, 32)),
    measure=measure_mean_field,
)
OUTPUT_SCALE = Claim(
    id="regime.output_scale",
    statement="The kernel moves the more, the smaller the scale of the output; a large one makes any network lazy.",
    formula=r"\alpha f, \quad f_0 = 0, \quad \eta / \alpha^2: \quad "
    r"\|\Theta_T - \Theta_0\| / \|\Theta_0\| \text{ falls at least like } 1 / \alpha",
    source="Chizat, Oyallon & Bach 2019, Theorem 2.3",
    premises=(STABLE, UNSATURATED),
    needs=frozenset({"any_architecture", "network"}),
    stochastic=True,
    inside=ordinary(widths=(64,)),
    measure=measure_output_scale,
)
LABEL_SCALE = Claim(
    id="regime.label_scale",
    statement="The kernel moves in proportion to the targets: larger labels need a wider network.",
    formula=r"y \to s y: \quad \|\Theta_T - \Theta_0\| / \|\Theta_0\| \text{ grows with } s",
    source="Chizat, Oyallon & Bach 2019, section 1.2: a label scale s is an output scale 1/s",
    premises=(STABLE, UNSATURATED),
    needs=frozenset({"any_architecture", "network"}),
    stochastic=True,
    inside=ordinary(widths=(64,)),
    measure=measure_label_scale,
)
STANDARD = Claim(
    id="regime.standard_parameterisation",
    statement="In standard parameterisation a learning rate that suits one width is unstable at a larger one.",
    formula=r"\lambda_{\max}(\Theta_{\mathrm{std}}) \text{ grows like } n",
    source="Sohl-Dickstein, Novak, Schoenholz & Lee 2020, section 2; Jacot et al. 2018, remark 1",
    premises=(STABLE, UNSATURATED),
    needs=frozenset({"any_architecture", "standard_network"}),
    stochastic=True,
    inside=ordinary(steps=(5,)),
    measure=measure_standard,
)

CLAIMS = (MEAN_FIELD, OUTPUT_SCALE, LABEL_SCALE, STANDARD)
