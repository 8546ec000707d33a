"""What claims assume of the inputs."""

import numpy as np
from scipy.spatial.distance import pdist

from ntkverify.premises.premise import Premise
from ntkverify.scenarios import Scenario

CLOSEST = 1e-6
"""Inputs closer than this, relative to the largest, count as duplicates."""

SMALLEST_SINE = 1e-2
"""The least sine of the angle between two inputs at which integration, which reads angles off covariances, is
asked for their kernel."""

SMALLEST_ANGLE = 0.5
"""The least angle at which inputs are far from parallel."""


def sine(scenario: Scenario) -> float:
    """The sine of the angle between the first two inputs; 0 where one of them is 0."""
    x, y = scenario.points.inputs()[:2]
    norms = np.linalg.norm(x) * np.linalg.norm(y)
    return float(np.sqrt(max(1 - (x @ y / norms) ** 2, 0.0))) if norms > 0 else 0.0


def _are_distinct(scenario: Scenario) -> bool:
    x = scenario.points.inputs()
    return len(x) < 2 or pdist(x).min() > CLOSEST * np.linalg.norm(x, axis=1).max()


def _are_apart(scenario: Scenario) -> bool:
    x, y = scenario.points.inputs()[:2]
    cosine = np.clip(x @ y / np.linalg.norm(x) / np.linalg.norm(y), -1, 1)
    return np.arccos(cosine) > SMALLEST_ANGLE


ANY_NORM = Premise(
    name="inputs of any norm",
    statement="the subject is made for inputs of more than one norm",
    holds=lambda scenario: not (scenario.points.domain and scenario.points.domain.unit_norm),
)
IN_DOMAIN = Premise(
    name="inside the domain",
    statement="inputs are those that the subject is made for",
    holds=lambda scenario: scenario.points.domain is not None,
)
ONE_INPUT = Premise(
    name="one input",
    statement="there is one input",
    holds=lambda scenario: scenario.points.count == 1,
)
DISTINCT = Premise(
    name="distinct inputs",
    statement=f"no two inputs are closer than {CLOSEST:g} of the largest",
    holds=_are_distinct,
)
CLOSE_PAIR = Premise(
    name="close pair",
    statement="two inputs of one norm, at an angle of at most .001",
    holds=lambda scenario: scenario.points.source == "near" and scenario.points.count == 2,
)
SEPARATED = Premise(
    name="separated inputs",
    statement=f"the sine of the angle between the first two inputs is at least {SMALLEST_SINE:g}",
    holds=lambda scenario: sine(scenario) >= SMALLEST_SINE,
)
APART = Premise(
    name="inputs apart",
    statement=f"the first two inputs are at an angle of more than {SMALLEST_ANGLE:g}",
    holds=_are_apart,
)
