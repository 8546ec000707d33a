"""Other losses: cross-entropy trained for long, and weight decay."""

from dataclasses import replace

import numpy as np

from ntkverify.activations import ReLU
from ntkverify.claims.claim import Claim, Effort
from ntkverify.claims.regime.growth import FLAT, analytic_descent, final_drift, measure_growth, ordinary
from ntkverify.experiments import Task, networks, train_all
from ntkverify.findings import Measurement
from ntkverify.premises import STABLE, UNSATURATED
from ntkverify.scenarios import Scenario
from ntkverify.subjects import Subject

TIMES = (400, 240, 140, 80, 48)

DECAY = 0.7
"""What weight decay alone leaves of every weight at the end of training."""


def measure_cross_entropy(
    subject: Subject, scenario: Scenario, effort: Effort, loss: str = "cross_entropy"
) -> tuple[Measurement, ...]:
    """Drift of the kernel over time, two classes, both outputs trained."""
    two = replace(scenario, architecture=replace(scenario.arch, outputs=2))
    task, settings = Task.posed_by(scenario), analytic_descent(subject, scenario)
    labels = np.eye(2)[(task.y[:, 0] > np.median(task.y[:, 0])).astype(int)]
    task = replace(task, y=labels)

    def values(seeds: list[int]) -> np.ndarray:
        nets = networks(subject, two, scenario.widths[0], seeds)
        longer = settings | {"steps": TIMES[0]}
        run = train_all(nets, task, longer, loss=loss, record_at=TIMES)
        return np.stack([record.kernel_drift for record in reversed(run.records)])

    expected = {"slope": (0.15, 1.0), "size": (0.01, np.inf)}
    return measure_growth(values, TIMES, scenario, effort, what="kernel drift", axis="steps", **expected)


def measure_weight_decay(
    subject: Subject, scenario: Scenario, effort: Effort, kept: float = DECAY
) -> tuple[Measurement, ...]:
    """What decay takes of the kernel: a ReLU network's is homogeneous of degree 2 H in its weights."""
    task, settings = Task.posed_by(scenario), analytic_descent(subject, scenario)
    rate, steps = settings["learning_rate"], scenario.run.steps
    decay = (1 - kept ** (1 / steps)) / rate
    expected = 1 - DECAY ** (2 * scenario.arch.depth)

    def at(width: int, seeds: list[int]) -> np.ndarray:
        nets = networks(subject, scenario, width, seeds)
        run = train_all(nets, task, settings, weight_decay=decay, record_at=(steps,))
        return final_drift(run, len(seeds)) / expected

    return measure_growth(
        lambda seeds: np.stack([at(width, seeds) for width in scenario.widths]),
        scenario.widths,
        scenario,
        effort,
        what="kernel drift / what decay explains",
        axis="width",
        slope=FLAT,
        size=(0.8, 1.25),
    )


CROSS_ENTROPY = Claim(
    id="regime.cross_entropy",
    statement="Under cross-entropy the weights grow for ever, and the kernel leaves its limit at any finite width.",
    formula=r"\|\Theta_t - \Theta_0\| / \|\Theta_0\| \text{ grows with } t, "
    r"\text{ where squared loss lets it settle}",
    source="arXiv 2504.11130",
    premises=(STABLE, UNSATURATED),
    needs=frozenset({"any_architecture", "network"}),
    stochastic=True,
    inside=ordinary(widths=(128,)),
    measure=measure_cross_entropy,
)
WEIGHT_DECAY = Claim(
    id="regime.weight_decay",
    statement="Decay of the weights shrinks the kernel at every width; only a penalty on their change is ridge.",
    formula=r"\text{ReLU, no bias: } \Theta_T = (1 - \eta \lambda)^{2 H T}\, \Theta_0, \quad "
    r"H \text{ hidden layers}",
    source="homogeneity; Lewkowycz & Gur-Ari 2020, section 2",
    premises=(STABLE, UNSATURATED),
    needs=frozenset({"any_architecture", "network"}),
    stochastic=True,
    inside=ordinary(activations=(ReLU(),), bias_stds=(0.0,), depths=(1, 2)),
    measure=measure_weight_decay,
)

CLAIMS = (CROSS_ENTROPY, WEIGHT_DECAY)
