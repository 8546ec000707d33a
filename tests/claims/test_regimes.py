"""Every regime is red where the failure that it is about does not appear."""

from dataclasses import dataclass, replace
from functools import partial

import pytest
from torch import nn

import ntkverify as nv
from ntkverify.claims import CATALOGUE, Effort, examine
from ntkverify.claims.regime import losses, modules, scales, shapes
from ntkverify.data import Points
from ntkverify.findings import Verdict
from ntkverify.premises.training import PRODUCT
from ntkverify.scenarios import Scenario, Training
from ntkverify.subjects import BuiltinSubject

EFFORT = Effort(level=1e-3, max_samples=4000)
WIDTHS = (256, 128, 64, 32, 16)
ERF = nv.mlp(inputs=3, depth=1, activation=nv.Erf(), weight_std=2**0.5, bias_std=0.5)
RELU = nv.mlp(inputs=3, depth=1, weight_std=2**0.5, bias_std=0.5)
HE = nv.mlp(inputs=3, depth=1, weight_std=2**0.5)


def scenario(arch: nv.Architecture, *, widths=WIDTHS, count=6, steps=30, step_size=0.5, **fields) -> Scenario:
    return Scenario(
        architecture=arch,
        points=Points(source="sphere", count=count, dimension=arch.inputs),
        widths=widths,
        training=Training(steps=steps, step_size=step_size, test_points=2),
        **fields,
    )


SCENARIOS = {
    "regime.mean_field": scenario(ERF, steps=60, widths=(512, 256, 128, 64, 32)),
    "regime.output_scale": scenario(ERF, widths=(64,)),
    "regime.label_scale": scenario(ERF, widths=(64,)),
    "regime.standard_parameterisation": scenario(ERF),
    "regime.large_steps": replace(
        scenario(ERF, widths=(256,), steps=100, step_size=1.75),
        architecture=PRODUCT,
        points=Points(source="gaussian", count=3, dimension=1),
    ),
    "regime.cross_entropy": scenario(ERF, widths=(128,)),
    "regime.weight_decay": scenario(HE),
    "regime.bottleneck": scenario(
        nv.mlp(inputs=3, depth=2, weight_std=2**0.5, bias_std=0.1), step_size=0.1, profile=(None, 4)
    ),
    "regime.depth_like_width": scenario(HE, widths=(80, 64, 48, 32, 16), count=4),
    "regime.dropout": scenario(RELU, widths=(256, 192, 128, 96, 64), step_size=0.2),
    "regime.batch_norm": scenario(RELU, widths=(256, 192, 128, 96, 64), step_size=0.2),
}


@dataclass(frozen=True)
class MuchWider(BuiltinSubject):
    """Its networks have sixteen times the units asked for, so their kernels hardly move."""

    def network(self, arch, width, seed, **options):
        return super().network(arch, [16 * n for n in width], seed, **options)


CURES = {
    "regime.mean_field": partial(scales.measure_mean_field, exponent=0.0),
    "regime.label_scale": partial(scales.measure_label_scale, scales=(0.25, 0.12, 0.06, 0.03, 0.015)),
    "regime.standard_parameterisation": partial(scales.measure_standard, build="network"),
    "regime.cross_entropy": partial(losses.measure_cross_entropy, loss="squared"),
    "regime.weight_decay": partial(losses.measure_weight_decay, kept=0.999),
    "regime.depth_like_width": partial(shapes.measure_depth, units_per_layer=1000),
    "regime.dropout": partial(modules.measure_dropout, share=0.0),
    "regime.batch_norm": partial(modules.measure_batch_norm, normalise=lambda width: nn.Identity()),
}
"""The same measurement of networks that are as the theorem wants them."""


@pytest.mark.parametrize("claim", SCENARIOS)
def test_the_failure_is_seen_at_its_size(claim):
    finding = examine(CATALOGUE[claim], BuiltinSubject(), SCENARIOS[claim], EFFORT)
    assert finding.verdict is Verdict.HOLDS, finding
    assert not finding.broken_premises


@pytest.mark.parametrize(
    "claim", [pytest.param(claim, marks=[pytest.mark.slow] * (claim == "regime.dropout")) for claim in CURES]
)
def test_a_regime_without_its_failure_is_red(claim):
    cured = replace(CATALOGUE[claim], measure=CURES[claim])
    narrow = {
        "regime.dropout": scenario(RELU, widths=(128, 64, 48, 32, 16), steps=10, step_size=0.3)
    }  # quicker
    finding = examine(cured, BuiltinSubject(), narrow.get(claim, SCENARIOS[claim]), EFFORT)
    assert finding.verdict is Verdict.FAILS, finding


@pytest.mark.parametrize("claim", ["regime.output_scale", "regime.large_steps"])
def test_networks_too_wide_to_move_are_red(claim):
    finding = examine(CATALOGUE[claim], MuchWider(), SCENARIOS[claim], EFFORT)
    assert finding.verdict is Verdict.FAILS, finding


def test_a_wide_middle_is_no_bottleneck():
    wide = replace(SCENARIOS["regime.bottleneck"], profile=(), widths=(128, 64, 48, 32, 16))
    finding = examine(CATALOGUE["regime.bottleneck"], BuiltinSubject(), wide, EFFORT)
    assert finding.verdict is Verdict.FAILS


def test_every_regime_is_here():
    assert set(SCENARIOS) == {claim for claim in CATALOGUE if claim.startswith("regime.")}
    elsewhere = {"regime.output_scale", "regime.large_steps", "regime.bottleneck"}
    assert set(CURES) | elsewhere == set(SCENARIOS)
