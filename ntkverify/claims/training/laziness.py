"""How soon a network trains like its linearisation: the kernel's drift, the distance, the residual."""

import numpy as np

from ntkverify.activations import Erf, ReLU
from ntkverify.claims.claim import Claim, Effort
from ntkverify.claims.convergence import WidthSeries, measure_slope
from ntkverify.claims.judging import SHARE, judge
from ntkverify.experiments import Task, analytic_kernels, descent, networks, train_all
from ntkverify.findings import Measurement
from ntkverify.premises import LAZY, MODERATE_STEPS, STABLE, UNSATURATED, WELL_CONDITIONED, WIDE
from ntkverify.scenarios import Scenario
from ntkverify.strategies import BUDGET_WIDTHS, MODERATE, Scenarios, Trainings
from ntkverify.subjects import Subject, part

SMOOTH, KINKED = (-1.0, -0.75), (-0.5, -0.4)
"""Slopes over width: in theory, and the shallowest that finite widths bend them to."""

TOLERATED = 0.05
"""The share of networks that may break the bound, which holds with high probability."""


def measure_laziness(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Slopes over width of the kernel's relative drift, and of the distance to the linearised network."""
    task, empirical_ntk = Task.posed_by(scenario), part(subject, "empirical_ntk")
    k_analytic, _ = analytic_kernels(subject, scenario)
    settings, predictor = descent(scenario, k_analytic), part(subject, "gradient_descent")

    def replicates(width: int, seeds: list[int]) -> np.ndarray:
        nets = networks(subject, scenario, width, seeds)
        own = [task.split(np.asarray(empirical_ntk(net, task.points, task.x))) for net in nets]
        run = train_all(nets, task, settings, record_at=(scenario.run.steps,))
        gaps = []
        for index, (k_train, k_test_train) in enumerate(own):
            start = {"f0_train": run.initial_train[index], "f0_test": np.asarray(run.initial_test)[index]}
            linear = np.concatenate(predictor(k_train, task.y, k_test_train, **settings, **start))
            gaps.append(
                np.linalg.norm(np.concatenate([run.train[index], np.asarray(run.test)[index]]) - linear)
            )
        drift = run.records[0].kernel_drift if run.records else np.full(len(nets), np.nan)
        return np.stack([drift, np.array(gaps)])

    series, shares = WidthSeries(replicates, scenario), effort.split(1, 1)
    law = KINKED if any(activation.kinked for activation in scenario.arch.activations) else SMOOTH
    names = ("slope of the kernel's drift over width", "slope of the distance to the linearised network")
    return tuple(
        measure_slope(series, share, column=column, name=name, law=law)
        for column, (name, share) in enumerate(zip(names, shares, strict=True))
    )


def measure_residual(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """The share of networks whose residual ever exceeds the bound."""
    task, steps = Task.posed_by(scenario), scenario.run.steps
    k_train, _ = analytic_kernels(subject, scenario)
    settings = descent(scenario, k_train)
    contraction = 1 - settings["learning_rate"] * np.linalg.eigvalsh(k_train)[0] / 3
    times = sorted({max(1, steps * quarter // 4) for quarter in range(1, 5)})

    def breaks(seeds: list[int]) -> np.ndarray:
        nets = networks(subject, scenario, scenario.widths[0], seeds)
        run = train_all(nets, task, settings, record_at=(0, *times))
        sizes = np.stack([np.linalg.norm(record.train - task.y, axis=(1, 2)) for record in run.records])
        allowed = contraction ** np.array([record.step for record in run.records])
        return (~(sizes <= allowed[:, None] * sizes[0])).any(axis=0).astype(float)

    measured = judge(
        "share of networks above the bound",
        breaks,
        scenario,
        (-np.inf, TOLERATED),
        effort=effort,
        resolution=0.15,
        tolerance="the theorem holds with high probability",
        **SHARE,
    )
    return (measured,)


def _smooth_first(training: Trainings) -> Scenarios:
    return Scenarios(
        counts=(9, 12),
        widths=(BUDGET_WIDTHS,),
        depths=(1, 2),
        weight_stds=MODERATE,
        activations=(Erf(), ReLU()),
        training=training,
    )


LAZINESS = Claim(
    id="training.laziness",
    statement="The wider, the less the kernel moves in training, and the closer a network stays to its linearisation.",
    formula=r"\|\Theta_t - \Theta_0\|,\ \|f_t - f_{\mathrm{lin},t}\| = O(1/n) \text{ where } \phi "
    r"\text{ is smooth},\ O(n^{-1/2}) \text{ where it has kinks}",
    source="Dyer & Gur-Ari 2020, section 4; Lee, Xiao, Schoenholz et al. 2019, Theorem 2.1",
    premises=(WIDE, STABLE, WELL_CONDITIONED, LAZY, UNSATURATED),
    needs=frozenset({"architecture", "network"}),
    implies=("equivalence.regression",),
    stochastic=True,
    inside=_smooth_first(Trainings(steps=(10, 20), step_sizes=(0.5, 0.2), test_points=5)),
    measure=measure_laziness,
)
RESIDUAL = Claim(
    id="training.residual_bound",
    statement="The residual falls at least as fast as a third of the kernel's smallest eigenvalue says.",
    formula=r"\|f_t - y\| \le (1 - \eta \lambda_{\min} / 3)^t\, \|f_0 - y\| \text{ with high probability}",
    source="Lee, Xiao, Schoenholz et al. 2019, Theorem G.1; Du, Lee et al. 2019, Theorem 4.1",
    premises=(WIDE, MODERATE_STEPS, WELL_CONDITIONED, LAZY, UNSATURATED),
    needs=frozenset({"architecture"}),
    about=frozenset({"network", "ntk"}),
    stochastic=True,
    inside=_smooth_first(Trainings(steps=(20, 40), step_sizes=(0.5, 0.2), test_points=5)),
    measure=measure_residual,
)

CLAIMS = (LAZINESS, RESIDUAL)
