"""Shared by the stochastic claims: networks drawn in named streams, and means of them judged."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ntkverify.findings import Measurement
from ntkverify.scenarios import Scenario
from ntkverify.stats import Decision, Effort, decide_mean

SCREEN = 24
"""Networks that a judgement starts with: Student's quantiles are within a tenth of the normal ones."""

SHARE: dict[str, Any] = {"support": (0.0, 1.0)}
"""How the share of networks of some kind is confirmed: even where all are of that kind."""

Sample = Callable[[list[int]], np.ndarray]
"""seeds -> one number per network, (networks,)."""


def judge(
    name: str,
    sample: Sample,
    scenario: Scenario,
    allowed: tuple[float, float],
    *,
    effort: Effort,
    resolution: float,
    screen: int = SCREEN,
    tolerance: str = "",
    **confirmation: Any,
) -> Measurement:
    """Holds the mean of `sample` over independent networks against `allowed`; see `decide_mean`.

    confirmation: options of `decide_mean`, such as SHARE.
    """

    def draw(stream: str, start: int, count: int) -> np.ndarray:
        return sample([scenario.network_seed(stream, index) for index in range(start, start + count)])

    decision = decide_mean(
        draw,
        allowed,
        level=effort.level,
        resolution=resolution,
        max_samples=effort.max_samples,
        screen=screen,
        **confirmation,
    )
    return as_measurement(name, decision, tolerance)


def as_measurement(
    name: str, decision: Decision, tolerance: str = "", series: dict[str, tuple[float, ...]] | None = None
) -> Measurement:
    """A decision as it stands in a finding."""
    return Measurement(
        name=name,
        verdict=decision.verdict,
        value=decision.estimate,
        allowed=decision.allowed,
        tolerance=tolerance,
        interval=decision.interval,
        statistics=decision.statistics,
        series=series or {},
    )
