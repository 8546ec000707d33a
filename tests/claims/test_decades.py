"""The claim over decades of width rejects what is slightly wrong, and draws what its reader plots."""

import pytest
from test_planted_faults import scenario

import ntkverify as nv
from ntkverify.claims import CATALOGUE, Effort, examine
from ntkverify.findings import Verdict
from ntkverify.reports.pictures import pictures
from ntkverify.scenarios import Training
from ntkverify.subjects import BuiltinSubject

CLAIM = CATALOGUE["equivalence.decades"]
EFFORT, LITTLE = Effort(level=1e-3, max_samples=4000), Effort(level=1e-3, max_samples=100)


def decades(widest: int):
    return scenario(
        nv.mlp(inputs=3, depth=2, weight_std=2**0.5, bias_std=0.5),
        widths=tuple(2**power for power in range(widest, 5, -1)),
        training=Training(steps=5, step_size=0.3, test_points=1),
    )


class TooLarge(BuiltinSubject):
    """Its NTK is 15% too large, half as much again as the widest networks' own deviation."""

    name = "too large"

    def ntk(self, arch, x1, x2=None):
        return 1.15 * super().ntk(arch, x1, x2)


def test_a_kernel_that_is_too_large_is_found():
    finding = examine(CLAIM, TooLarge(), decades(11), LITTLE)
    assert finding.verdict is Verdict.FAILS, finding
    assert finding.is_defect


def test_lazy_weights_of_another_scale_than_dense_ones_are_found(scale_lazy_layers):
    scale_lazy_layers(1.08)
    finding = examine(CLAIM, BuiltinSubject(), decades(11), LITTLE)
    assert finding.verdict is Verdict.FAILS, finding


@pytest.fixture(scope="module")
def held():
    return examine(CLAIM, BuiltinSubject(), decades(11), EFFORT)


def test_the_right_kernel_passes(held):
    assert held.verdict is Verdict.HOLDS, held


def test_the_report_draws_both_distances_over_the_widths(held):
    series = held.measurements[0].series
    assert series["width"] == tuple(map(float, decades(11).widths))
    assert series["prefactor"][1] < series["prefactor"][0] < series["prefactor"][2]
    trained, start = pictures(held, most=2)
    assert trained.words.startswith("Slope over width, trained networks. Distance against width")
    assert start.words.startswith("Slope over width, NTK at the start")
