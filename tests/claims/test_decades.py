"""The claim over decades of width rejects a wrong kernel, and draws what its reader plots."""

from test_planted_faults import NNGPForNTK, scenario

import ntkverify as nv
from ntkverify.claims import CATALOGUE, Effort, examine
from ntkverify.findings import Verdict
from ntkverify.reports.pictures import picture
from ntkverify.scenarios import Training
from ntkverify.subjects import BuiltinSubject

CLAIM = CATALOGUE["equivalence.decades"]
SCENARIO = scenario(
    nv.mlp(inputs=3, depth=2, weight_std=2**0.5, bias_std=0.5),
    widths=(512, 256, 128, 64, 32),
    training=Training(steps=5, step_size=0.3, test_points=1),
)


def test_a_wrong_kernel_is_found():
    finding = examine(CLAIM, NNGPForNTK(), SCENARIO, Effort(level=1e-5, max_samples=60))
    assert finding.verdict is Verdict.FAILS, finding
    assert finding.is_defect


def test_the_right_one_passes_and_the_report_draws_the_distance_over_the_widths():
    finding = examine(CLAIM, BuiltinSubject(), SCENARIO, Effort(level=1e-5, max_samples=4000))
    assert finding.verdict is Verdict.HOLDS, finding
    series = finding.measurements[0].series
    assert series["width"] == tuple(map(float, SCENARIO.widths))
    assert series["prefactor"][1] < series["prefactor"][0] < series["prefactor"][2]
    assert "Distance against width" in picture(finding).words
