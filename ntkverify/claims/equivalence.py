"""Claims about trained networks: that they are kernel regression."""

import numpy as np

from ntkverify import predict, strategies
from ntkverify.activations import ReLU
from ntkverify.claims.claim import Claim, Effort, Premise
from ntkverify.claims.convergence import WIDE, beside, measure_convergence
from ntkverify.claims.lazy import LAZY, UNSATURATED, WELL_CONDITIONED
from ntkverify.findings import Measurement
from ntkverify.scenarios import Scenario
from ntkverify.subjects import part
from ntkverify.training import train_ensemble

TRUNCATION = 0.02
"""What an extrapolation that is linear in 1 / width may leave of trained networks. Units that are carried
across a kink bend their mean by width^(-1/2); inside the premises that was measured to leave up to .015."""

STABLE = Premise(
    name="stable step size",
    statement="the learning rate is below 2 / lambda_max of the analytic NTK",
    holds=lambda scenario: scenario.training is not None and scenario.training.step_size < 1,
)


def measure_regression(subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Distance of trained networks to the kernel's prediction from the same initial function.

    Over training and test points together, relative to how far the kernel predicts that a network
    started at 0 moves.
    """
    arch, training = scenario.architecture, scenario.training
    points, targets = scenario.points.inputs(), scenario.points.targets()
    held_out = scenario.points.count - training.test_points
    x, y, x_test = points[:held_out], targets[:held_out], points[held_out:]
    kernel = np.asarray(subject.ntk(arch, points, x))
    # Symmetric to the last digit, which a foreign kernel need not be.
    k_train, k_test_train = (kernel[:held_out] + kernel[:held_out].T) / 2, kernel[held_out:]
    settings = {
        "steps": training.steps,
        "learning_rate": training.step_size * predict.max_learning_rate(k_train),
        "allow_unstable": True,
    }
    predictor, build = part(subject, "gradient_descent"), part(subject, "network")
    moved = np.concatenate(predictor(k_train, y, k_test_train, **settings))

    def replicates(width: int, seeds: list[int]) -> np.ndarray:
        run = train_ensemble([build(arch, width, seed) for seed in seeds], x, y, x_test, **settings)
        starts = zip(run.initial_train, run.initial_test, strict=True)
        predicted = [
            np.concatenate(predictor(k_train, y, k_test_train, **settings, f0_train=train, f0_test=test))
            for train, test in starts
        ]
        deviation = np.concatenate([run.train, run.test], axis=1) - predicted
        relative, size = deviation / np.linalg.norm(moved), np.linalg.norm(moved)
        along, aside = (
            np.einsum("sno,no->s", relative, d)
            for d in (moved / size, beside(moved, scenario.signs(moved.shape)))
        )
        return np.stack([np.linalg.norm(relative, axis=(1, 2)), along, aside])

    return measure_convergence(
        replicates, scenario, effort, resolution=0.05, truncation=TRUNCATION, confirm="betting"
    )


def _stable(subject, budget, seed):
    return strategies.scenarios(
        subject,
        seed,
        counts=(6, 10),
        widths=(budget.widths,),
        depths=(1, 2),
        training=strategies.trainings(steps=(10, 25), step_sizes=(0.5, 0.2, 0.8), test_points=3),
    )


def _too_large_steps(subject, budget, seed):
    return strategies.scenarios(
        subject,
        seed,
        counts=(6, 6),
        dimensions=(2, 2),
        data_seeds=(0, 0),
        sources=("sphere",),
        widths=(budget.widths,),
        depths=(1,),
        activations=(ReLU(),),
        weight_stds=(2**0.5,),
        bias_stds=(1.0,),
        training=strategies.trainings(steps=(30,), step_sizes=(1.1, 2.0), test_points=3),
    )


REGRESSION = Claim(
    id="equivalence.regression",
    statement="A network trained by gradient descent is NTK regression from its own initial function.",
    formula="f_t(x) = f_0(x) + Theta(x,X) Theta^-1 (I - (I - eta Theta)^t) (y - f_0(X)) + O(n^(-1/2))",
    source="Lee, Xiao, Schoenholz et al. 2019, Theorem 2.1 and equations 8-11",
    premises=(WIDE, STABLE, WELL_CONDITIONED, LAZY, UNSATURATED),
    needs=frozenset({"ntk"}),
    stochastic=True,
    inside=_stable,
    outside=_too_large_steps,
    outside_samples=96,
    measure=measure_regression,
)

CLAIMS = (REGRESSION,)
