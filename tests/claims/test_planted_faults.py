"""Every claim rejects a fault that was planted for it, and accepts the right code on the same scenario."""

from dataclasses import dataclass

import numpy as np
import pytest

import ntkverify as nv
from ntkverify.claims import CATALOGUE, Effort, examine
from ntkverify.data import Points
from ntkverify.findings import Verdict
from ntkverify.scenarios import Scenario, Training
from ntkverify.subjects import BuiltinSubject

EFFORT = Effort(level=1e-5, max_samples=2000)
ARCH = nv.mlp(inputs=3, depth=1, weight_std=2**0.5, bias_std=0.5)
WIDTHS = (512, 256, 128, 64, 32)
SCENARIOS = {
    "kernel.positive_definite": Scenario(
        architecture=ARCH, points=Points(source="sphere", count=8, dimension=3)
    ),
    "initialisation.ntk_rate": Scenario(
        architecture=ARCH, points=Points(source="sphere", count=4, dimension=3), widths=WIDTHS
    ),
    "equivalence.regression": Scenario(
        architecture=ARCH,
        points=Points(source="sphere", count=8, dimension=3),
        widths=WIDTHS,
        training=Training(steps=10, step_size=0.3, test_points=3),
    ),
}


@dataclass(frozen=True)
class NotPSD(BuiltinSubject):
    """The smallest eigenvalue is pushed below zero, by a tenth of a percent of the largest."""

    def ntk(self, arch, x1, x2):
        kernel = super().ntk(arch, x1, x2)
        if kernel.shape[0] != kernel.shape[1]:
            return kernel
        values, vectors = np.linalg.eigh(kernel)
        return kernel - (values[0] + 1e-3 * values[-1]) * np.outer(vectors[:, 0], vectors[:, 0])


@dataclass(frozen=True)
class NotFinite(BuiltinSubject):
    def ntk(self, arch, x1, x2):
        return super().ntk(arch, x1, x2) * np.nan


@dataclass(frozen=True)
class ThreePercentOff(BuiltinSubject):
    def ntk(self, arch, x1, x2):
        return 1.03 * super().ntk(arch, x1, x2)


@dataclass(frozen=True)
class NNGPForNTK(BuiltinSubject):
    def ntk(self, arch, x1, x2):
        return super().nngp(arch, x1, x2)


@dataclass(frozen=True)
class WrongStep(BuiltinSubject):
    """The predictor takes steps of the mean loss: smaller by the number of points."""

    def gradient_descent(self, k_train, y, k_test_train, *, learning_rate, **options):
        return super().gradient_descent(
            k_train, y, k_test_train, learning_rate=learning_rate / len(y), **options
        )


@dataclass(frozen=True)
class HalfStep(BuiltinSubject):
    """The predictor forgets the 2 that a loss without the 1/2 would bring."""

    def gradient_descent(self, k_train, y, k_test_train, *, learning_rate, **options):
        return super().gradient_descent(k_train, y, k_test_train, learning_rate=learning_rate / 2, **options)


@dataclass(frozen=True)
class ForgottenInitialFunction(BuiltinSubject):
    def gradient_descent(self, k_train, y, k_test_train, *, f0_train=None, f0_test=None, **options):
        return super().gradient_descent(k_train, y, k_test_train, **options)


FAULTS = [
    ("kernel.positive_definite", NotPSD()),
    ("kernel.positive_definite", NotFinite()),
    ("initialisation.ntk_rate", ThreePercentOff()),
    ("initialisation.ntk_rate", NNGPForNTK()),
    ("equivalence.regression", WrongStep()),
    ("equivalence.regression", HalfStep()),
    ("equivalence.regression", ForgottenInitialFunction()),
    ("equivalence.regression", NNGPForNTK()),
]


@pytest.mark.parametrize(
    ("claim", "subject"), FAULTS, ids=lambda value: str(getattr(value, "__class__", value).__name__)
)
def test_a_planted_fault_is_found(claim, subject):
    finding = examine(CATALOGUE[claim], subject, SCENARIOS[claim], EFFORT)
    assert finding.verdict is Verdict.FAILS, finding
    assert finding.is_defect


@pytest.mark.parametrize("claim", CATALOGUE)
def test_the_right_code_passes_where_the_faults_fail(claim):
    finding = examine(CATALOGUE[claim], BuiltinSubject(), SCENARIOS[claim], EFFORT)
    assert finding.verdict is Verdict.HOLDS, finding
    assert not finding.broken_premises


@pytest.mark.parametrize("claim", CATALOGUE)
def test_every_claim_has_a_planted_fault(claim):
    assert claim in {name for name, _ in FAULTS}


def test_two_points_too_close_for_rounding_are_undecided_not_failed():
    arch = nv.mlp(inputs=1, depth=1, activation=nv.Erf(), bias_std=0.1, weight_std=0.1)
    scenario = Scenario(architecture=arch, points=Points(source="gaussian", count=24, dimension=1))
    finding = examine(CATALOGUE["kernel.positive_definite"], BuiltinSubject(), scenario, EFFORT)
    assert finding.verdict is Verdict.UNDECIDED


def test_a_crash_is_undecided_with_its_traceback():
    class Crashing(BuiltinSubject):
        def ntk(self, arch, x1, x2):
            raise ZeroDivisionError("planted")

    claim = CATALOGUE["kernel.positive_definite"]
    finding = examine(claim, Crashing(), SCENARIOS[claim.id], EFFORT)
    assert finding.verdict is Verdict.UNDECIDED
    assert "ZeroDivisionError: planted" in finding.error


def test_a_subject_without_the_part_is_out_of_scope():
    class Nameless:
        name = "no kernel"

    claim = CATALOGUE["kernel.positive_definite"]
    assert examine(claim, Nameless(), SCENARIOS[claim.id], EFFORT).verdict is Verdict.OUT_OF_SCOPE
