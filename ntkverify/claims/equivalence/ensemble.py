"""Many networks: the Gaussian that their trained outputs are drawn from."""

import numpy as np

from ntkverify.claims.claim import Claim, Effort
from ntkverify.claims.convergence import WidthSeries, measure_offset
from ntkverify.claims.equivalence.regression import TO_THE_END
from ntkverify.experiments import Task, descent, networks, train_all
from ntkverify.findings import Measurement
from ntkverify.premises import FINISHED, LAZY, RANDOM_OUTPUTS, UNSATURATED, WIDE
from ntkverify.scenarios import Scenario
from ntkverify.subjects import Subject, part

RESOLUTION, TRUNCATION = (0.25, 0.18), (0.1, 0.05)
"""Of the mean, in standard deviations, and of the variance: the error that must not be missed beyond what an extrapolation
that is linear in 1 / width may leave. It was seen to leave .03 and .01 of them, over thirty scenarios."""

NARROW = 0.05
"""The share of the largest variance below which a direction is not looked in: beside a training point outputs hardly
spread, and what training has not yet learned is many standard deviations."""


def measure_ensemble(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Mean and variance of trained outputs on the test points.

    The mean is seen along the direction in which the Gaussian predicted has the most mean for its spread: all of it,
    so that one that is a share too small is seen by that share. The variance is seen along a random direction, drawn
    from that Gaussian, the same for the scenario and each output. Both are in units of what is predicted.
    """
    task = Task.posed_by(scenario)
    kernel = np.asarray(part(subject, "ntk")(scenario.arch, task.points, task.points))
    start = np.asarray(part(subject, "nngp")(scenario.arch, task.points, task.points))
    (k_train, k_test_train), n = task.split(kernel), len(task.x)
    nngp_train, nngp_test_train = task.split(start)
    nngp_test = (start[n:, n:] + start[n:, n:].T) / 2
    mean, covariance, *_ = part(subject, "ensemble")(
        k_train,
        task.y,
        k_test_train,
        nngp_train=nngp_train,
        nngp_test_train=nngp_test_train,
        nngp_test=nngp_test,
    )
    along = np.linalg.lstsq(covariance, mean, rcond=NARROW)[0]
    values, vectors = np.linalg.eigh(covariance)
    across = vectors @ (values.clip(min=0) ** 0.5 * scenario.signs(values.shape))
    spread_along = np.sqrt(np.einsum("mo,mk,ko->", along, covariance, along))
    spread_across = np.sqrt(across @ covariance @ across)
    settings = descent(scenario, k_train)

    def replicates(width: int, seeds: list[int]) -> np.ndarray:
        run = train_all(networks(subject, scenario, width, seeds), task, settings)
        deviation = np.asarray(run.test) - mean
        score = np.einsum("smo,mo->s", deviation, along) / spread_along
        square = (np.einsum("smo,m->so", deviation, across) / spread_across) ** 2
        return np.stack([np.abs(score), score, square.mean(axis=1) - 1])

    # Outputs scatter as much at every width: a narrow network tells as much as a wide one.
    series = WidthSeries(replicates, scenario)
    names = ("mean at infinite width, in standard deviations", "variance at infinite width, less 1")
    return tuple(
        measure_offset(series, share, resolution, column, name, truncation=truncation, scatter=0.0)
        for column, (name, share, resolution, truncation) in enumerate(
            zip(names, effort.split(1, 1), RESOLUTION, TRUNCATION, strict=True), start=1
        )
    )


ENSEMBLE = Claim(
    id="equivalence.ensemble",
    statement="Over initialisations, trained outputs are Gaussian with the mean of NTK regression and a covariance "
    "that training does not remove.",
    formula=r"P = \Theta(T, X)\, \Theta^{-1}: \quad \text{mean } P y, \quad "
    r"\text{covariance } K_{TT} + P K_{XX} P^\top - P K_{XT} - K_{TX} P^\top",
    source="Lee, Xiao, Schoenholz et al. 2019, equations 14-15 as t tends to infinity",
    premises=(WIDE, FINISHED, LAZY, UNSATURATED, RANDOM_OUTPUTS),
    needs=frozenset({"architecture"}),
    about=frozenset({"network", "ntk"}),
    stochastic=True,
    inside=TO_THE_END,
    measure=measure_ensemble,
)

CLAIMS = (ENSEMBLE,)
