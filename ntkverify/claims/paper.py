"""The two claims of the paper that doubts the equivalence, each with the premises under which it is right or wrong.

Liu, Tai, Crandall & Huang 2025 (arXiv 2501.10929). `ntkverify paper` repeats its experiment; these measure
the same two questions on drawn tasks.
"""

from dataclasses import replace

import numpy as np
import torch

from ntkverify import predict
from ntkverify.activations import ReLU
from ntkverify.claims.claim import Claim, Effort
from ntkverify.claims.convergence import WidthSeries, measure_offsets
from ntkverify.claims.equivalence.regression import TO_THE_END
from ntkverify.experiments import Task, descent, train_all
from ntkverify.findings import Measurement, Verdict
from ntkverify.networks import Antisymmetric
from ntkverify.numerics import ROUNDING_CONSTANT, unit_roundoff
from ntkverify.premises import FINISHED, LAZY, NO_HIDDEN_LAYER, UNSATURATED, WIDE, Premise
from ntkverify.scenarios import Scenario
from ntkverify.strategies import Scenarios, Trainings
from ntkverify.subjects import Subject, part

MARGIN = 0.05
"""Relative difference in error within which two predictors count as equally good."""

NARROWER = (256, 192, 128, 96, 64)
"""Widths of networks with two hidden layers that are trained to the end."""

TRUNCATION = 0.02
"""What an extrapolation that is linear in 1 / width may leave, relative to the targets."""


def measure_depth_step(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """The change in test error that a second hidden layer makes, of networks less that of NTK regression.

    Networks are 0 at the start and trained on the points that regression has. In units of the targets'
    root mean square, extrapolated to infinite width.
    """
    task = Task.posed_by(scenario)
    targets = scenario.points.targets(scenario.arch.outputs)
    truth, size = targets[len(task.y) :], np.sqrt((targets**2).mean())

    def error(prediction: np.ndarray) -> np.ndarray:
        return np.sqrt(((prediction - truth) ** 2).mean(axis=(-2, -1))) / size

    stacks = (scenario.arch, scenario.arch.deeper())
    kernels = [task.split(np.asarray(part(subject, "ntk")(arch, task.points, task.x))) for arch in stacks]
    regression = part(subject, "kernel_regression")
    limits = [error(regression(k, task.y, cross).test) for k, cross in kernels]
    build = part(subject, "network")

    def replicates(width: int, seeds: list[int]) -> np.ndarray:
        errors = []
        for arch, (k_train, _) in zip(stacks, kernels, strict=True):
            nets = [Antisymmetric(build(arch, [width] * arch.depth, seed)) for seed in seeds]
            errors.append(error(np.asarray(train_all(nets, task, descent(scenario, k_train)).test)))
        mismatch = (errors[1] - errors[0]) - (limits[1] - limits[0])
        return np.stack([np.abs(mismatch), mismatch, errors[0] - limits[0]])

    names = (
        "mismatch of the depth step at infinite width",
        "mismatch with one hidden layer at infinite width",
    )
    measured = measure_offsets(
        WidthSeries(replicates, scenario), effort, resolution=0.1, truncation=TRUNCATION
    )
    regressed = f"NTK regression errs by {limits[0]:.3g} with one hidden layer, {limits[1]:.3g} with two"
    return tuple(
        replace(one, name=name, tolerance=regressed) for one, name in zip(measured, names, strict=True)
    )


def measure_similarity(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Expected error of NNGP regression over that of NTK regression, less 1, on targets from each process."""
    task = Task.posed_by(scenario)
    points, n = task.points, len(task.x)
    kernels = {
        name: np.asarray(getattr(subject, name)(scenario.arch, points, points)) for name in ("nngp", "ntk")
    }
    condition = max(np.linalg.cond(kernel[:n, :n]) for kernel in kernels.values())
    doubt = ROUNDING_CONSTANT * len(points) * unit_roundoff(torch.float64) * condition
    out = []
    for process, covariance in kernels.items():
        nngp, ntk = (expected_error(kernel, covariance, n) for kernel in (kernels["nngp"], kernels["ntk"]))
        value = nngp / ntk - 1
        allowed = (-MARGIN - doubt, MARGIN + doubt)
        inside = allowed[0] <= value <= allowed[1]
        out.append(
            Measurement(
                name=f"error of NNGP / error of NTK - 1, targets from the {process.upper()} process",
                verdict=Verdict.HOLDS if inside else Verdict.FAILS,
                value=float(value),
                allowed=allowed,
                tolerance="equally good within 5%",
            )
        )
    return tuple(out)


def expected_error(kernel: np.ndarray, covariance: np.ndarray, n: int) -> float:
    """Root of the mean squared error of ridgeless regression with `kernel` (n + m, n + m) from the first n
    points, over targets from the Gaussian process with that covariance."""
    smoother = predict.kernel_regression(
        (kernel[:n, :n] + kernel[:n, :n].T) / 2, np.eye(n), kernel[n:, :n]
    ).test
    mixed = smoother @ covariance[:n, n:]
    error = covariance[n:, n:] + smoother @ covariance[:n, :n] @ smoother.T - mixed - mixed.T
    return float(np.sqrt(np.trace(error) / len(error)))


def _of_both(premise: Premise) -> Premise:
    return replace(
        premise,
        statement=f"{premise.statement}, with one more hidden layer too",
        holds=lambda scenario: (
            premise.holds(scenario) and premise.holds(replace(scenario, architecture=scenario.arch.deeper()))
        ),
    )


def _tasks(depths: tuple[int, ...], least_inputs: int) -> Scenarios:
    return Scenarios(
        counts=(12, 40),
        dimensions=(least_inputs, 50),
        sources=("sphere", "gaussian"),
        depths=depths,
        training=Trainings(steps=(1,), step_sizes=(0.5,), test_points=6),
    )


DEPTH_STEP = Claim(
    id="paper.depth_step",
    statement="A second hidden layer changes the error of networks as it changes that of NTK regression, once they "
    "start at 0, train to the end, and see the same points.",
    formula=r"(\mathrm{err}\, \mathrm{net}_2 - \mathrm{err}\, \mathrm{net}_1) "
    r"- (\mathrm{err}\, \mathrm{NTK}_2 - \mathrm{err}\, \mathrm{NTK}_1) \to 0 \text{ as } n \to \infty",
    source="against Liu, Tai, Crandall & Huang 2025, claim 1; Lee, Xiao, Schoenholz et al. 2019, Theorem 2.1",
    premises=tuple(map(_of_both, (WIDE, FINISHED, LAZY, UNSATURATED))),
    needs=frozenset({"any_architecture", "ntk"}),
    stochastic=True,
    inside=replace(TO_THE_END, widths=(NARROWER,)),
    outside=Scenarios(
        counts=(6, 6),
        dimensions=(3, 3),
        data_seeds=(0, 0),
        sources=("sphere",),
        weight_stds=(2**0.5,),
        bias_stds=(1.0,),
        activations=(ReLU(),),
        widths=(NARROWER,),
        depths=(1,),
        training=Trainings(steps=(2,), step_sizes=(0.2,), test_points=2),
    ),
    outside_samples=96,
    measure=measure_depth_step,
)
SIMILARITY = Claim(
    id="paper.nngp_predicts_like_ntk",
    statement="NNGP and NTK regression err alike, within 5%, where there is no hidden layer; with one they need not.",
    formula=r"\mathbb{E}\, \mathrm{err}(\mathrm{NNGP})^2 = "
    r"\operatorname{tr}(C_{TT} + P C_{XX} P^\top - P C_{XT} - C_{TX} P^\top) / m, \quad "
    r"P = K_{TX} K_{XX}^{-1}",
    source="Liu, Tai, Crandall & Huang 2025, claim 2; errors: Rasmussen & Williams 2006, section 7.2",
    premises=(NO_HIDDEN_LAYER,),
    needs=frozenset({"architecture", "nngp", "ntk"}),
    stochastic=False,
    inside=_tasks((0,), 40),
    outside=_tasks((1, 2), 2),
    measure=measure_similarity,
)

CLAIMS = (DEPTH_STEP, SIMILARITY)
