"""A fault of twice the violation that a finding calls visible is always found."""

from dataclasses import dataclass

import pytest

import ntkverify as nv
from ntkverify.claims import CATALOGUE, Effort, examine
from ntkverify.claims.convergence import TRUNCATION
from ntkverify.data import Points
from ntkverify.findings import Verdict
from ntkverify.scenarios import Scenario
from ntkverify.subjects import BuiltinSubject

CLAIM = CATALOGUE["initialisation.ntk_rate"]
EFFORT = Effort(level=1e-5, max_samples=4000)


@dataclass(frozen=True)
class Scaled(BuiltinSubject):
    factor: float = 1.0

    def ntk(self, arch, x1, x2):
        return self.factor * super().ntk(arch, x1, x2)


@pytest.mark.parametrize("seed", range(4))
def test_twice_the_visible_violation_is_found(seed):
    scenario = Scenario(
        architecture=nv.mlp(inputs=3, depth=1, activation=nv.Erf(), bias_std=0.5),
        points=Points(source="sphere", count=4, dimension=3),
        widths=(512, 256, 128, 64, 32),
        seed=seed,
    )
    right = examine(CLAIM, BuiltinSubject(), scenario, EFFORT)
    assert right.verdict is Verdict.HOLDS
    visible = right.measurements[1].statistics.visible
    # The empirical kernel then lies 2 x visible below the allowed range, in units of the wrong one.
    wrong = examine(CLAIM, Scaled(factor=1 / (1 - TRUNCATION - 2 * visible)), scenario, EFFORT)
    assert wrong.verdict is Verdict.FAILS
    assert wrong.measurements[1].verdict is Verdict.FAILS
