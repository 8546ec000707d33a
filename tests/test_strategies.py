"""What claims draw is said by values."""

import dataclasses

import hypothesis
import pytest

import ntkverify as nv
from ntkverify.budgets import budget_named
from ntkverify.claims import CATALOGUE
from ntkverify.strategies import BUDGET_WIDTHS, Either, ModuleScenarios, Scenarios, Trainings

SPACES = (Scenarios, ModuleScenarios, Either)
COMPUTED = {"regime.large_steps"}
"""Claims that are about one architecture alone, whose scenarios are built by a function."""
QUICK = budget_named("quick")


def drawn(space, subject=None, count: int = 20):
    """Some of the scenarios of a space."""
    found = []

    @hypothesis.seed(0)
    @hypothesis.settings(max_examples=count, database=None, deadline=None, phases=[hypothesis.Phase.generate])
    @hypothesis.given(space(subject or nv.BuiltinSubject(), QUICK, 7))
    def collect(scenario):
        found.append(scenario)

    collect()
    return found


def test_every_claim_says_what_it_draws():
    for claim in CATALOGUE.values():
        if claim.id not in COMPUTED:
            assert isinstance(claim.inside, SPACES), claim.id
            assert claim.outside is None or isinstance(claim.outside, SPACES), claim.id
            assert " at 0x" not in repr(claim.inside), claim.id
            hash((claim.inside, claim.outside))  # frozen through and through


def test_a_space_prints_as_it_is_written_and_can_be_varied():
    space = Scenarios(counts=(2, 4), training=Trainings(steps=(3,), step_sizes=(0.5,), test_points=1))
    names = vars(nv.strategies) | {kind.__name__: kind for kind in (nv.ReLU, nv.Erf, nv.GradientDescent)}
    assert eval(repr(space), dict(names)) == space
    assert dataclasses.replace(space, counts=(5, 5)) != space
    assert hash(space | space) == hash(Either((space, space)))


def test_what_is_drawn_is_what_is_said():
    space = Scenarios(
        counts=(3, 4),
        dimensions=(2, 2),
        sources=("sphere",),
        depths=(2,),
        activations=(nv.Erf(),),
        bias_stds=(0.0,),
        widths=(BUDGET_WIDTHS,),
        profile=((None,), (4, 5)),
        training=Trainings(steps=(3,), step_sizes=(0.5,), test_points=1),
    )
    for scenario in drawn(space):
        assert scenario.points.count in (3, 4) and scenario.points.dimension == 2
        assert scenario.architecture.activations == (nv.Erf(), nv.Erf())
        assert scenario.widths == QUICK.widths and scenario.seed == 7
        assert scenario.profile[0] is None and scenario.profile[1] in (4, 5)
        assert scenario.training.steps == 3


def test_both_of_two_spaces_are_drawn():
    one, two = (Scenarios(counts=(count, count)) for count in (2, 3))
    assert {scenario.points.count for scenario in drawn(one | two, count=40)} == {2, 3}


@pytest.mark.parametrize("module", [False, True])
def test_a_subject_without_an_architecture_gets_none(module):
    subject = nv.KernelSubject(name="mine", ntk=lambda x1, x2: x1 @ x2.T, inputs=3)
    space = ModuleScenarios(counts=(2, 3)) if module else Scenarios(counts=(2, 3))
    assert {(s.architecture, s.points.dimension) for s in drawn(space, subject)} == {(None, 3)}
