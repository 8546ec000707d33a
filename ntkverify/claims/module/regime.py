"""How a module trains: whether it stays near its linearisation, and from which width on.

Learning rates are a share of the largest stable one for the network's own NTK.
"""

from functools import partial
from typing import Any, cast

import numpy as np
from torch import nn

from ntkverify import predict
from ntkverify.claims.claim import Claim, Effort
from ntkverify.claims.convergence import WidthSeries
from ntkverify.claims.judging import judge
from ntkverify.claims.module.concentration import NOTHING, REPLICATES, measure_falling, tasks
from ntkverify.empirical import empirical_ntk
from ntkverify.experiments import Task
from ntkverify.findings import TOLD, Measurement, Verdict
from ntkverify.scenarios import Scenario
from ntkverify.stats import fit_power_law, mean_interval, width_reaching
from ntkverify.strategies import Trainings
from ntkverify.subjects import ModuleSubject, Subject, part
from ntkverify.training import train

TOLERANCE = 0.05
"""Where the kernel regime is said to begin, for a subject that wants no other."""


def measure_regime(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Slopes over width of the kernel's drift and of the distance to the linearised network; and, of the
    latter, the width at which it falls to the tolerance."""
    series = WidthSeries(partial(_drift_and_distance, subject, scenario), scenario, REPLICATES)
    names = ("the kernel's drift", "the distance to the linearised network")
    slopes = (
        measure_falling(series, share, column, name, sizes=2)
        for column, (name, share) in enumerate(zip(names, effort.split(1, 1), strict=True))
    )
    distances = series.rows(1, "screen", 0, REPLICATES)
    return (*slopes, *_where_it_begins(subject, series.widths, distances))


def _where_it_begins(subject: Subject, widths: np.ndarray, distances: np.ndarray) -> tuple[Measurement, ...]:
    """What is not judged, but told: the distance at the owner's width, and the width of the tolerance."""
    distances = distances[np.isfinite(distances).all(axis=1)]
    if len(distances) < 2:
        return ()
    low, high = mean_interval(np.log(distances[:, 0]), 0.05)
    tolerance = getattr(subject, "tolerance", None) or TOLERANCE
    width, interval = _reaching(widths, distances, tolerance)
    told: dict[str, Any] = {"verdict": Verdict.HOLDS, "allowed": TOLD}
    return (
        Measurement(
            name=f"distance to the linearised network at width {widths[0]:g}",
            value=float(np.exp(np.log(distances[:, 0]).mean())),
            interval=(float(np.exp(low)), float(np.exp(high))),
            tolerance="on test points, relative to how far training moves them",
            **told,
        ),
        Measurement(
            name=f"width at which the kernel regime begins, to within {100 * tolerance:g}%",
            value=width,
            interval=interval,
            tolerance=_reach(width, widths),
            **told,
        ),
    )


def _reaching(
    widths: np.ndarray, distances: np.ndarray, tolerance: float
) -> tuple[float, tuple[float, float] | None]:
    """The width at which distances fall to the tolerance, and its interval; infinite where they may not fall."""
    if fit_power_law(widths, distances).slope_interval[1] >= 0:
        return np.inf, None
    width, low, high = width_reaching(widths, distances, tolerance)
    return width, (low, high)


def _reach(width: float, widths: np.ndarray) -> str:
    if widths.min() <= width <= widths.max():
        return "between widths that were tried"
    if width == np.inf:
        return "none was found: the distance does not surely fall with width"
    return f"extrapolated from widths {widths.min():g} to {widths.max():g}"


def measure_lazy(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """The distance to the linearised network at the owner's width, against what its owner claims."""

    mine = cast(ModuleSubject, subject)  # no other has the claims of this family
    assert mine.tolerance is not None, "its owner claims no tolerance"
    allowed = mine.tolerance

    def distances(seeds: list[int]) -> np.ndarray:
        return np.log(_drift_and_distance(subject, scenario, mine.width, seeds)[1] / allowed)

    return (
        judge(
            f"log of the distance to the linearised network at width {mine.width}, over {allowed:g}",
            distances,
            scenario,
            (-np.inf, 0.0),
            effort=effort,
            resolution=0.25,
        ),
    )


def _drift_and_distance(subject: Subject, scenario: Scenario, width: int, seeds: list[int]) -> np.ndarray:
    """(3, networks): relative drift of the kernel in training, and distance of the trained outputs on the test
    points (on others all networks fit in the end) from the linearised network's, relative to how far those
    moved, NaN where training diverged; and the size of the kernel."""
    found = [_of_one(part(subject, "network")(None, width, seed), scenario) for seed in seeds]
    return np.maximum(np.array(found).T, NOTHING)


def _of_one(net: nn.Module, scenario: Scenario) -> tuple[float, float, float]:
    task, training = Task.posed_by(scenario), scenario.run
    kernel = np.asarray(empirical_ntk(net, task.points, task.x, outputs="full"))
    n = len(task.x)
    y, k_test_train = scenario.points.targets(kernel.shape[-1])[:n], kernel[n:]
    k_train = (kernel[:n] + kernel[:n].transpose(1, 0, 3, 2)) / 2
    settings: dict[str, Any] = {
        "steps": training.steps,
        "learning_rate": training.step_size * predict.max_learning_rate(k_train),
    }
    run = train(net, task.x, y, task.x_test, **settings, allow_unstable=True, record_at=(training.steps,))
    assert run.initial_test is not None, "there are test points"
    linear = predict.gradient_descent(
        k_train, y, k_test_train, **settings, f0_train=run.initial_train, f0_test=run.initial_test
    )
    expected, start = np.asarray(linear.test), np.asarray(run.initial_test)
    distance = np.linalg.norm(np.asarray(run.test) - expected) / np.linalg.norm(expected - start)
    drift = run.records[0].kernel_drift if run.records else np.nan
    return float(drift), float(distance), float(np.linalg.norm(k_train))


SHORT = Trainings(steps=(30, 15), step_sizes=(0.5, 0.8), test_points=4)

REGIME = Claim(
    id="module.kernel_regime",
    statement="The wider, the less the NTK moves in training, and the closer the network stays to its linearisation.",
    formula=r"\frac{\|\Theta_t - \Theta_0\|}{\|\Theta_0\|}, \quad "
    r"\frac{\|f_t - f_{\mathrm{lin},t}\|}{\|f_{\mathrm{lin},t} - f_0\|} = O(n^{-1/2})",
    source="Lee, Xiao, Schoenholz et al. 2019, Theorem 2.1; Chizat, Oyallon & Bach 2019, Theorem 2.3",
    premises=(),
    needs=frozenset({"build"}),
    implies=("module.lazy",),
    stochastic=True,
    inside=tasks((9, 12), training=SHORT),
    measure=measure_regime,
)
LAZY_AT_ITS_WIDTH = Claim(
    id="module.lazy",
    statement="At the width that its owner uses, training ends within the claimed distance of the linearised network.",
    formula=r"\|f_t - f_{\mathrm{lin},t}\| \le \text{tolerance} \cdot \|f_{\mathrm{lin},t} - f_0\|, "
    r"\text{ in geometric mean over initialisations}",
    source="lazy training: Chizat, Oyallon & Bach 2019, section 1.1",
    premises=(),
    needs=frozenset({"build", "tolerance"}),
    stochastic=True,
    inside=tasks((9, 12), training=SHORT),
    measure=measure_lazy,
)

CLAIMS = (REGIME, LAZY_AT_ITS_WIDTH)
