"""The false-alarm probability of a claim is shared out among its measurements, and not exceeded."""

from dataclasses import replace

import pytest

import ntkverify as nv
from ntkverify.claims import CATALOGUE, Effort, examine
from ntkverify.data import Points
from ntkverify.findings import Verdict
from ntkverify.scenarios import Scenario
from ntkverify.subjects import BuiltinSubject

EFFORT = Effort(level=1e-5, max_samples=200)
SCENARIO = Scenario(
    architecture=nv.mlp(inputs=2, depth=1),
    points=Points(source="sphere", count=2, dimension=2),
    widths=(16,),
)


@pytest.mark.parametrize("weights", [(1,), (1, 1), (1, 2), (3, 1, 4, 1, 5)])
def test_shares_are_in_proportion_and_add_up(weights):
    shares = EFFORT.split(*weights)
    assert sum(share.level for share in shares) == pytest.approx(EFFORT.level, rel=1e-12)
    assert [share.level * sum(weights) / EFFORT.level for share in shares] == pytest.approx(weights)
    assert {share.max_samples for share in shares} == {EFFORT.max_samples}


def test_a_claim_that_spends_more_than_its_level_is_a_crash_that_keeps_its_numbers():
    claim = CATALOGUE["initialisation.ntk_mean"]
    sound = examine(claim, BuiltinSubject(), SCENARIO, EFFORT)
    assert not sound.error and len(sound.measurements) == 2

    def measure_twice(subject, scenario, effort):
        return claim.measure(subject, scenario, effort) * 2

    spent = examine(replace(claim, measure=measure_twice), BuiltinSubject(), SCENARIO, EFFORT)
    assert "spends 2e-05 of 1e-05" in spent.error
    assert spent.verdict is Verdict.UNDECIDED and len(spent.measurements) == 4


def test_a_claim_that_measures_nothing_is_out_of_scope():
    claim = replace(CATALOGUE["initialisation.ntk_mean"], measure=lambda *_: ())
    assert examine(claim, BuiltinSubject(), SCENARIO, EFFORT).verdict is Verdict.OUT_OF_SCOPE
