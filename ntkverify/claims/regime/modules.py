"""Modules whose limit is not the NTK of the plain layers: dropout and batch normalisation."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from ntkverify.claims.claim import Claim, Effort
from ntkverify.claims.regime.growth import (
    FLAT,
    Values,
    gaps,
    measure_growth,
    ordinary,
)
from ntkverify.experiments import Task, analytic_kernels, descent, descent_on, networks
from ntkverify.findings import Measurement
from ntkverify.networks import Elementwise
from ntkverify.premises import STABLE, UNSATURATED
from ntkverify.scenarios import Scenario
from ntkverify.subjects import Subject
from ntkverify.training import train

DROPPED = 0.5
WIDTHS = (256, 128, 64, 32, 16)


class Dropout(nn.Module):
    """Dropout with a stream of its own, where torch.nn.Dropout reads the global one."""

    def __init__(self, share: float, seed: int):
        super().__init__()
        self.share, self._stream = share, torch.Generator().manual_seed(seed % 2**63)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        kept = torch.rand(x.shape, generator=self._stream, dtype=x.dtype) >= self.share
        return x * kept / (1 - self.share)


def around_activations(
    net: nn.Module,
    before: Callable[[], nn.Module] | None = None,
    after: Callable[[], nn.Module] | None = None,
) -> nn.Sequential:
    """The same layers, with a fresh module before or after every activation."""
    out: list[nn.Module] = []
    for module in net.children():
        if isinstance(module, Elementwise):
            out += [*([before()] if before else []), module, *([after()] if after else [])]
        else:
            out.append(module)
    return nn.Sequential(*out)


def measure_dropout(
    subject: Subject, scenario: Scenario, effort: Effort, share: float = DROPPED
) -> tuple[Measurement, ...]:
    """Distance to kernel regression of networks trained with dropout and evaluated without."""
    task, kernels = Task.posed_by(scenario), analytic_kernels(subject, scenario)
    settings, (predicted, moved) = descent(scenario, kernels[0]), descent_on(subject, scenario, kernels)
    n, points = len(task.x), torch.from_numpy(task.points)

    def gap(net: nn.Module, seed: int) -> float:
        noisy = around_activations(net, after=lambda: Dropout(share, seed))
        before = noisy.eval()(points).detach().numpy()
        train(noisy.train(), task.x, task.y, **settings)
        after = noisy.eval()(points).detach().numpy()
        return float(np.linalg.norm(after - predicted(before[:n], before[n:])) / np.linalg.norm(moved))

    def at(width: int, seeds: list[int]) -> np.ndarray:
        made = zip(networks(subject, scenario, width, seeds), seeds, strict=True)
        return np.array([gap(net, seed) for net, seed in made])

    return _does_not_fall(
        lambda seeds: np.stack([at(width, seeds) for width in scenario.widths]), scenario, effort
    )


def measure_batch_norm(
    subject: Subject,
    scenario: Scenario,
    effort: Effort,
    normalise: Callable[[int], nn.Module] = lambda width: nn.BatchNorm1d(
        width, affine=False, track_running_stats=False
    ),
) -> tuple[Measurement, ...]:
    """Distance to the kernel regression of the plain layers of networks with batch normalisation."""

    def wrap(net: nn.Module) -> nn.Module:
        return around_activations(net, before=lambda: normalise(next(net.parameters()).shape[0]))

    return _does_not_fall(gaps(subject, scenario, wrap), scenario, effort)


def _does_not_fall(values: Values, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    expected = {"slope": FLAT, "size": (0.1, np.inf)}
    return measure_growth(
        values, scenario.widths, scenario, effort, what="gap to kernel regression", axis="width", **expected
    )


DROPOUT = Claim(
    id="regime.dropout",
    statement="Dropout adds noise of order 1 to every step at any width: training is not kernel regression.",
    formula=r"f = \frac{1}{1 - p} \sum \text{ over kept units}: \quad "
    r"\operatorname{Var} f \text{ over masks } = \frac{p}{1 - p} K(x, x) + O(1/n)",
    source="the variance of a sum over independent masks; Novak et al. 2020, Neural Tangents, on dropout",
    premises=(STABLE, UNSATURATED),
    needs=frozenset({"any_architecture", "network"}),
    stochastic=True,
    inside=ordinary(widths=WIDTHS, steps=(10,), step_sizes=(0.3,)),
    measure=measure_dropout,
)
BATCH_NORM = Claim(
    id="regime.batch_norm",
    statement="Batch normalisation mixes the points and makes the weights' scale irrelevant: another limit.",
    formula=r"f(s w) = f(w) \text{ for hidden weights } w: "
    r"\text{ neither the function nor the NTK is that of the plain layers}",
    source="Jacot, Gabriel & Hongler 2019 (Freeze and chaos), section 4; Yang 2019, Tensor Programs I",
    premises=(STABLE, UNSATURATED),
    needs=frozenset({"any_architecture", "network"}),
    stochastic=True,
    inside=ordinary(widths=WIDTHS, step_sizes=(0.2,)),
    measure=measure_batch_norm,
)

CLAIMS = (DROPOUT, BATCH_NORM)
