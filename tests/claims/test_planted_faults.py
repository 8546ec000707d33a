"""Every claim rejects a fault that was planted for it, and accepts the right code on the same scenario."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

import ntkverify as nv
from ntkverify import predict
from ntkverify.claims import CATALOGUE, Effort, examine
from ntkverify.data import Points
from ntkverify.findings import Verdict
from ntkverify.scenarios import Scenario, Training
from ntkverify.subjects import BuiltinSubject

EFFORT = Effort(level=1e-5, max_samples=20_000)
ARCH = nv.mlp(inputs=3, depth=1, weight_std=2**0.5, bias_std=0.5)
HE = nv.mlp(inputs=3, depth=2, weight_std=2**0.5)
SIGNS = nv.Architecture(
    inputs=3,
    layers=nv.Sequential(nv.Linear(2**0.5), nv.ReLU(), nv.Linear(2**0.5, 0.5, weights="rademacher")),
)
WIDTHS = (512, 256, 128, 64, 32)
SMOOTH = nv.mlp(inputs=3, depth=1, activation=nv.Erf(), weight_std=2**0.5, bias_std=0.5)
SHORT = Training(steps=10, step_size=0.3, test_points=3)
QUICK = Training(steps=25, step_size=0.8, test_points=4, method=nv.Nesterov(0.6))
LONG = Training(steps=60, step_size=0.8, test_points=1)


def scenario(arch: nv.Architecture = ARCH, *, count: int = 4, **fields) -> Scenario:
    return Scenario(architecture=arch, points=Points(source="sphere", count=count, dimension=3), **fields)


SCENARIOS = {
    "kernel.strictly_positive": scenario(count=8),
    "initialisation.parameterisations": scenario(widths=(16,)),
    "initialisation.ntk_mean": scenario(widths=(32,)),
    "initialisation.relu_second_moment": scenario(HE, count=1, profile=(64, 48)),
    "initialisation.concentration": scenario(HE, count=1, widths=WIDTHS),
    "initialisation.output_covariance": scenario(widths=WIDTHS),
    "initialisation.ntk_rate": scenario(widths=WIDTHS),
    "initialisation.independent_outputs": scenario(widths=WIDTHS),
    "initialisation.weight_distributions": scenario(SIGNS, widths=WIDTHS),
    "training.linearised": scenario(count=8, widths=(16,), training=SHORT),
    "training.momentum": scenario(
        count=8,
        widths=(16,),
        training=Training(steps=20, step_size=0.3, test_points=3, method=nv.HeavyBall(0.9)),
    ),
    "training.penalty_is_ridge": scenario(
        count=8, widths=(16,), training=Training(steps=60, step_size=0.8, test_points=3)
    ),
    "training.laziness": scenario(count=8, widths=WIDTHS, training=SHORT),
    "training.residual_bound": scenario(
        SMOOTH, count=6, widths=(256,), training=Training(steps=40, step_size=0.4, test_points=2)
    ),
    "training.last_layer": scenario(count=8, widths=WIDTHS, training=SHORT),
    "equivalence.regression": scenario(count=8, widths=WIDTHS, training=SHORT),
    "equivalence.zero_start": scenario(count=8, widths=WIDTHS, training=SHORT),
    "equivalence.interpolation": scenario(SMOOTH, widths=WIDTHS, training=LONG),
    "equivalence.ensemble": scenario(
        replace(SMOOTH, outputs=2), count=7, widths=(512, 256, 160, 96, 64), training=QUICK
    ),
    "paper.depth_step": scenario(
        SMOOTH,
        count=5,
        widths=(256, 160, 96, 64, 32),
        training=Training(steps=60, step_size=0.8, test_points=2),
    ),
    "paper.nngp_predicts_like_ntk": Scenario(
        architecture=nv.Architecture(inputs=20, layers=nv.Sequential(nv.Linear(1.0, 0.5))),
        points=Points(source="gaussian", count=16, dimension=20),
        training=SHORT,
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


@dataclass(frozen=True)
class WrongSign(BuiltinSubject):
    """The predictor walks up the gradient: its outputs move away from the targets."""

    def gradient_descent(self, k_train, y, k_test_train, *, f0_train=None, f0_test=None, **options):
        start = {"f0_train": f0_train, "f0_test": f0_test}
        right = super().gradient_descent(k_train, y, k_test_train, **options, **start)
        before = [0.0 if f0 is None else f0 for f0 in (f0_train, f0_test)]
        return predict.Outputs(*(2 * f0 - after for f0, after in zip(before, right, strict=True)))


@dataclass(frozen=True)
class NesterovForHeavyBall(BuiltinSubject):
    def gradient_descent(self, k_train, y, k_test_train, *, method, **options):
        wrong = nv.Nesterov(method.momentum)
        return super().gradient_descent(k_train, y, k_test_train, method=wrong, **options)


@dataclass(frozen=True)
class HalfTheRidge(BuiltinSubject):
    """A penalty of lambda |w - w_0|^2, not half of it."""

    def kernel_regression(self, k_train, y, k_test_train, ridge=0.0):
        return super().kernel_regression(k_train, y, k_test_train, ridge / 2)


@dataclass(frozen=True)
class HiddenJitter(BuiltinSubject):
    """Three times the mean eigenvalue on the diagonal, "for stability"."""

    def ntk(self, arch, x1, x2):
        kernel = super().ntk(arch, x1, x2)
        return kernel + 3.0 * np.trace(kernel) / len(kernel) * np.eye(*kernel.shape)


@dataclass(frozen=True)
class NTKForNNGP(BuiltinSubject):
    def nngp(self, arch, x1, x2):
        return super().ntk(arch, x1, x2)


@dataclass(frozen=True)
class NoCrossTerm(BuiltinSubject):
    """The covariance over initialisations without what test and training outputs share."""

    def ensemble(self, k_train, y, k_test_train, *, nngp_test_train, **options):
        nothing = np.zeros_like(nngp_test_train)
        return super().ensemble(k_train, y, k_test_train, nngp_test_train=nothing, **options)


@dataclass(frozen=True)
class PriorCovariance(BuiltinSubject):
    """Training is said to leave the spread of the initial function as it was."""

    def ensemble(self, k_train, y, k_test_train, *, nngp_test, **options):
        right = super().ensemble(k_train, y, k_test_train, nngp_test=nngp_test, **options)
        return right._replace(covariance=nngp_test)


@dataclass(frozen=True)
class Coarse(BuiltinSubject):
    """The mean is some parts too small, and the variance too large."""

    short: float = 0.0
    wide: float = 0.0

    def ensemble(self, *kernels, **options):
        right = super().ensemble(*kernels, **options)
        return right._replace(
            mean=(1 - self.short) * right.mean, covariance=(1 + self.wide) * right.covariance
        )


@dataclass(frozen=True)
class Shrunk(BuiltinSubject):
    """Regression with a ridge that nobody asked for."""

    def kernel_regression(self, k_train, y, k_test_train, ridge=0.0):
        return super().kernel_regression(
            k_train, y, k_test_train, ridge + 0.3 * np.trace(k_train) / len(k_train)
        )


@dataclass(frozen=True)
class SixPercentMoreCovariance(BuiltinSubject):
    def nngp(self, arch, x1, x2):
        return 1.06 * super().nngp(arch, x1, x2)


@dataclass(frozen=True)
class TenPercentOff(BuiltinSubject):
    def ntk(self, arch, x1, x2):
        return 1.1 * super().ntk(arch, x1, x2)


@dataclass(frozen=True)
class HalfTheUnits(BuiltinSubject):
    def network(self, arch, width, seed, **options):
        return super().network(arch, [n // 2 for n in width], seed, **options)


@dataclass(frozen=True)
class DeafToWidth(BuiltinSubject):
    def network(self, arch, width, seed, **options):
        return super().network(arch, [32 for n in width], seed, **options)


@dataclass(frozen=True)
class CorrelatedOutputs(BuiltinSubject):
    """The second output's weights repeat a tenth of the first one's."""

    def network(self, arch, width, seed, **options):
        net = super().network(arch, width, seed, **options)
        if arch.outputs > 1:
            net[-1].weight.data[1] += 0.1 * net[-1].weight.data[0]
        return net


@dataclass(frozen=True)
class SignsOfTheWrongVariance(BuiltinSubject):
    """Ternary weights taken as -1, 0, 1 have variance 2/3."""

    def network(self, arch, width, seed, **options):
        net = super().network(arch, width, seed, **options)
        net[-1].weight.data *= (2 / 3) ** 0.5
        return net


@dataclass(frozen=True)
class BiasScaleForgotten(BuiltinSubject):
    """In standard parameterisation the biases are drawn at variance 1."""

    def standard_network(self, arch, width, seed):
        net = super().standard_network(arch, width, seed)
        net[0].bias.data /= arch.linears[0].bias_std
        return net


def _sideways(kernel: np.ndarray, size: float) -> np.ndarray:
    """An error of relative `size` between different points, orthogonal to the kernel itself."""
    signs = np.sign(np.arange(len(kernel))[:, None] - np.arange(kernel.shape[1]) + 0.5)
    signs = (signs * signs.T) * (1 - np.eye(*kernel.shape))
    signs = signs * np.where(np.add.outer(*map(np.arange, kernel.shape)) % 2, 1, -1)
    signs -= np.vdot(signs, kernel) / np.vdot(kernel, kernel) * kernel
    return kernel + size * np.linalg.norm(kernel) * signs / np.linalg.norm(signs)


@dataclass(frozen=True)
class SidewaysNTK(BuiltinSubject):
    def ntk(self, arch, x1, x2):
        kernel = super().ntk(arch, x1, x2)
        return _sideways(kernel, 0.2) if kernel.shape[0] == kernel.shape[1] else kernel


@dataclass(frozen=True)
class SidewaysNNGP(BuiltinSubject):
    def nngp(self, arch, x1, x2):
        return _sideways(super().nngp(arch, x1, x2), 0.2)


FAULTS = [
    ("kernel.strictly_positive", NotPSD()),
    ("kernel.strictly_positive", NotFinite()),
    ("initialisation.parameterisations", BiasScaleForgotten()),
    ("initialisation.ntk_mean", TenPercentOff()),
    ("initialisation.relu_second_moment", HalfTheUnits()),
    ("initialisation.concentration", DeafToWidth()),
    ("initialisation.output_covariance", SixPercentMoreCovariance()),
    ("initialisation.ntk_rate", ThreePercentOff()),
    ("initialisation.ntk_mean", SidewaysNTK()),
    ("initialisation.output_covariance", SidewaysNNGP()),
    ("initialisation.ntk_rate", SidewaysNTK()),
    ("initialisation.ntk_rate", NNGPForNTK()),
    ("initialisation.independent_outputs", CorrelatedOutputs()),
    ("initialisation.weight_distributions", SignsOfTheWrongVariance()),
    ("training.linearised", WrongSign()),
    ("training.linearised", HalfStep()),
    ("training.linearised", ForgottenInitialFunction()),
    ("training.momentum", NesterovForHeavyBall()),
    ("training.penalty_is_ridge", HalfTheRidge()),
    ("training.laziness", DeafToWidth()),
    ("training.laziness", HalfStep()),
    ("training.residual_bound", HiddenJitter()),
    ("training.last_layer", NTKForNNGP()),
    ("training.last_layer", HalfStep()),
    ("equivalence.zero_start", WrongSign()),
    ("equivalence.zero_start", NNGPForNTK()),
    ("equivalence.interpolation", NNGPForNTK()),
    ("equivalence.interpolation", Shrunk()),
    ("equivalence.ensemble", NoCrossTerm()),
    ("equivalence.ensemble", PriorCovariance()),
    ("equivalence.ensemble", Coarse(wide=0.3)),
    ("equivalence.ensemble", Coarse(short=0.15)),
    ("paper.depth_step", Shrunk()),
    ("paper.nngp_predicts_like_ntk", HiddenJitter()),
    ("equivalence.regression", WrongSign()),
    ("equivalence.regression", WrongStep()),
    ("equivalence.regression", HalfStep()),
    ("equivalence.regression", ForgottenInitialFunction()),
    ("equivalence.regression", NNGPForNTK()),
]
SLOW = (
    ("paper.depth_step", Shrunk()),
    ("equivalence.regression", WrongSign()),
    ("equivalence.regression", WrongStep()),
)


def fault_name(value) -> str:
    return value if isinstance(value, str) else type(value).__name__


@pytest.mark.parametrize(
    ("claim", "subject"),
    [pytest.param(*fault, marks=[pytest.mark.slow] * (fault in SLOW)) for fault in FAULTS],
    ids=fault_name,
)
def test_a_planted_fault_is_found(claim, subject):
    finding = examine(CATALOGUE[claim], subject, SCENARIOS[claim], EFFORT)
    assert finding.verdict is Verdict.FAILS, finding
    assert finding.is_defect


@pytest.mark.parametrize("claim", SCENARIOS)
def test_the_right_code_passes_where_the_faults_fail(claim):
    finding = examine(CATALOGUE[claim], BuiltinSubject(), SCENARIOS[claim], EFFORT)
    assert finding.verdict is Verdict.HOLDS, finding
    assert not finding.broken_premises


def test_every_claim_has_a_planted_fault():
    families = (
        "kernel.",
        "empirical.",
        "regime.",
        "module.",
        "equivalence.decades",
    )  # see test_wrong_kernels, test_wrong_empirical, test_regimes, subjects/test_module_subject, test_decades
    elsewhere = {claim for claim in CATALOGUE if claim.startswith(families)}
    assert {claim for claim, _ in FAULTS} | elsewhere == set(CATALOGUE)
    assert set(SCENARIOS) == {claim for claim, _ in FAULTS}


def test_two_points_too_close_for_rounding_are_undecided_not_failed():
    arch = nv.mlp(inputs=1, depth=1, activation=nv.Erf(), bias_std=0.1, weight_std=0.1)
    crowded = Scenario(architecture=arch, points=Points(source="gaussian", count=24, dimension=1))
    finding = examine(CATALOGUE["kernel.strictly_positive"], BuiltinSubject(), crowded, EFFORT)
    assert finding.verdict is Verdict.UNDECIDED


def test_a_dead_network_obeys_the_parameterisations_too():
    claim, dead = CATALOGUE["initialisation.parameterisations"], nv.mlp(inputs=1, depth=1)
    for seed in range(20):  # one unit without bias is dead on half of them
        one = Scenario(
            architecture=dead, points=Points(source="sphere", count=1, dimension=1), widths=(1,), seed=seed
        )
        assert examine(claim, BuiltinSubject(), one, EFFORT).verdict is Verdict.HOLDS


def test_a_crash_is_undecided_with_its_traceback():
    class Crashing(BuiltinSubject):
        def ntk(self, arch, x1, x2):
            raise ZeroDivisionError("planted")

    claim = CATALOGUE["kernel.strictly_positive"]
    finding = examine(claim, Crashing(), SCENARIOS[claim.id], EFFORT)
    assert finding.verdict is Verdict.UNDECIDED
    assert "ZeroDivisionError: planted" in finding.error


def test_a_subject_without_the_part_is_out_of_scope():
    class Nameless:
        name = "no kernel"

    claim = CATALOGUE["kernel.strictly_positive"]
    assert examine(claim, Nameless(), SCENARIOS[claim.id], EFFORT).verdict is Verdict.OUT_OF_SCOPE
