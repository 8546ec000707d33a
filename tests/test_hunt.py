from dataclasses import replace

import pytest

import ntkverify as nv
from ntkverify.budgets import Budget, budget_named
from ntkverify.claims import CATALOGUE, Effort
from ntkverify.data import Points
from ntkverify.errors import InvalidArgument
from ntkverify.findings import Measurement, Verdict
from ntkverify.hunt import SHRINKING_EXAMPLES, ClaimRefuted, Hunt, errors
from ntkverify.hunt.attempt import SHRINKING_SECONDS, Attempt
from ntkverify.scenarios import Scenario
from ntkverify.subjects import BuiltinSubject

TINY = Budget(
    name="tiny",
    examples=10,
    stochastic_examples=1,
    max_samples=64,
    widths=(256, 128, 64, 32, 16),
    widest=2**10,
)
FEW = replace(TINY, max_samples=8, widths=(160, 128, 96, 64, 48))


class OneNegative(BuiltinSubject):
    """Wrong as soon as there are five points or more."""

    def ntk(self, arch, x1, x2):
        kernel = super().ntk(arch, x1, x2)
        if len(x1) >= 5:
            kernel[0, 0] = -1.0
        return kernel


def hunt(subject=None, **changes):
    findings, progress = [], []
    fields = {"subject": subject or BuiltinSubject(), "budget": TINY, "seed": 0}
    record = {"record": findings.append, "progress": lambda *line: progress.append(line)}
    return Hunt(**fields | record | changes), findings, progress


def test_the_same_seed_gives_the_same_findings():
    claim, records = CATALOGUE["kernel.strictly_positive"], []
    for seed in (0, 0, 1):
        search, findings, _ = hunt(seed=seed)
        search.inside(claim)
        search.outside(claim)
        records.append([finding.untimed().to_json() for finding in findings])
    assert records[0] == records[1] != records[2]


@pytest.mark.parametrize(
    "claim",
    [
        pytest.param(claim, marks=[pytest.mark.slow] * (claim.id == "paper.depth_step"))
        for claim in CATALOGUE.values()
        if claim.stochastic and claim.concerns(BuiltinSubject())
    ],
    ids=lambda claim: claim.id,
)
def test_random_draws_repeat_too(claim):
    records = []
    for seed in (0, 0, 1):
        search, findings, _ = hunt(seed=seed, budget=FEW)
        search.inside(claim)
        records.append([finding.untimed().to_json() for finding in findings])
    assert records[0] == records[1] != records[2]


def test_the_counterexample_is_minimal_and_recorded_as_such():
    search, findings, _ = hunt(OneNegative())
    with pytest.raises(ClaimRefuted, match="kernel.strictly_positive fails") as refuted:
        search.inside(CATALOGUE["kernel.strictly_positive"])
    assert refuted.value.finding.scenario["points"]["count"] == 5
    assert refuted.value.finding.scenario["points"]["dimension"] == 2  # five points on a line repeat
    assert [finding.id for finding in findings if finding.minimal] == [refuted.value.finding.id]
    assert "ntkverify replay" in str(refuted.value)


def test_every_scenario_inside_meets_the_premises():
    search, findings, _ = hunt()
    search.inside(CATALOGUE["kernel.strictly_positive"])
    assert len(findings) == TINY.examples and search.settled == {"kernel.strictly_positive"}
    assert not any(finding.broken_premises for finding in findings)


def test_the_search_for_a_simpler_failure_ends():
    failing = Measurement(name="planted", verdict=Verdict.FAILS, value=1.0, allowed=(0.0, 0.0))
    claim = CATALOGUE["initialisation.ntk_rate"]
    search, findings, _ = hunt()
    with pytest.raises(ClaimRefuted):
        search.inside(replace(claim, measure=lambda *_: (failing,)))
    once = {finding.id for finding in findings}
    assert len(once) <= SHRINKING_EXAMPLES + 1

    calls = []

    def only_above(subject, scenario, effort):
        calls.append(scenario)
        return (replace(failing, verdict=Verdict.FAILS if scenario.points.seed > 99 else Verdict.HOLDS),)

    claim = replace(claim, measure=only_above)
    search = replace(search, budget=replace(TINY, stochastic_examples=20))
    with pytest.raises(ClaimRefuted) as refuted:
        search.inside(claim)
    assert refuted.value.finding.scenario["points"]["seed"] > 99
    assert len(calls) <= 20 + SHRINKING_EXAMPLES + 1


def test_a_crash_is_reported_and_does_not_stop_the_record():
    class Crashing(BuiltinSubject):
        def ntk(self, arch, x1, x2):
            raise ZeroDivisionError("planted")

    search, findings, _ = hunt(Crashing())
    with pytest.raises(ClaimRefuted, match="ZeroDivisionError: planted"):
        search.inside(CATALOGUE["kernel.strictly_positive"])
    assert {finding.verdict for finding in findings} == {Verdict.UNDECIDED}
    with pytest.raises(ClaimRefuted, match="ZeroDivisionError: planted"):
        search.outside(CATALOGUE["kernel.strictly_positive"])


def test_outside_the_premises_a_failure_is_a_finding_and_fails_only_on_request():
    claim = CATALOGUE["kernel.strictly_positive"]
    search, findings, _ = hunt()
    found = search.outside(claim)
    assert found.minimal and found.broken_premises == ("distinct inputs",) and found in findings
    assert found.scenario["points"]["count"] == 2
    strict, _, _ = hunt(fail_on_findings=True)
    with pytest.raises(ClaimRefuted):
        strict.outside(claim)


def test_a_scenario_is_measured_once_however_often_it_is_asked_for():
    calls, findings = [], []

    def measure(subject, scenario, effort):
        calls.append(scenario)
        return (Measurement(name="planted", verdict=Verdict.HOLDS, value=0.0, allowed=(0.0, 0.0)),)

    claim = replace(CATALOGUE["kernel.strictly_positive"], measure=measure)
    effort = Effort(level=1e-6, max_samples=1)
    attempt = Attempt(BuiltinSubject(), claim, effort, 0.0, 1, findings.append, lambda *_: None)
    points = Points(source="sphere", count=2, dimension=2)
    scenario = Scenario(architecture=nv.mlp(inputs=2, depth=1), points=points)
    assert attempt(scenario) is attempt(scenario)
    assert len(calls) == len(findings) == 1


def failing_attempt(stochastic):
    """An attempt on a claim that fails on every scenario, and the first of those."""
    failing = Measurement(name="planted", verdict=Verdict.FAILS, value=1.0, allowed=(0.0, 0.0))
    claim = replace(
        CATALOGUE["initialisation.ntk_rate"], measure=lambda *_: (failing,), stochastic=stochastic
    )
    effort = Effort(level=1e-6, max_samples=1)
    attempt = Attempt(BuiltinSubject(), claim, effort, 0.0, 1, lambda _: None, lambda *_: None)
    points = Points(source="sphere", count=2, dimension=2)
    return attempt, Scenario(architecture=nv.mlp(inputs=2, depth=1), points=points, widths=(64,))


@pytest.mark.parametrize("stochastic", [True, False])
def test_the_search_for_a_simpler_failure_of_networks_is_short(stochastic):
    attempt, first = failing_attempt(stochastic)
    for seed in range(SHRINKING_EXAMPLES + 1):
        assert attempt.affords(replace(first, seed=seed))
        attempt(replace(first, seed=seed))
    assert attempt.affords(replace(first, seed=99)) is not stochastic and attempt.affords(first)


@pytest.mark.parametrize("stochastic", [True, False])
def test_the_search_for_a_simpler_failure_ends_after_a_minute(stochastic, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("ntkverify.hunt.attempt.time.monotonic", lambda: now[0])
    attempt, first = failing_attempt(stochastic)
    now[0] = 1000.0  # before it fails, time does not count
    assert attempt.affords(first)
    attempt(first)
    for seconds, affordable in ((SHRINKING_SECONDS - 1, True), (SHRINKING_SECONDS + 1, False)):
        now[0] = 1000.0 + seconds
        assert attempt.affords(replace(first, seed=9)) is affordable and attempt.affords(first)


def test_what_falls_with_refuted_networks_is_not_tried_again():
    search, _, _ = hunt()
    search.refuted.add("training.laziness")
    for fallen in ("equivalence.regression", "equivalence.ensemble"):  # the second by way of the first
        assert search.spares(CATALOGUE[fallen]) == "it falls with training.laziness"
    assert not search.spares(CATALOGUE["initialisation.ntk_rate"])
    assert not replace(search, keep_going=True).spares(CATALOGUE["equivalence.regression"])
    search.refuted.clear()
    search.refuted.add("kernel.oracle")  # which may be wrong at odd inputs alone
    assert not search.spares(CATALOGUE["equivalence.regression"])


def test_each_claim_hunts_with_numbers_of_its_own():
    search, _, _ = hunt()
    drawn = {search._random(claim, "inside").random() for claim in CATALOGUE.values()}
    assert len(drawn) == len(CATALOGUE)


def test_progress_says_what_is_tried_and_how_far_it_is():
    search, _, progress = hunt()
    search.inside(CATALOGUE["kernel.strictly_positive"])
    assert progress[0] == ("kernel.strictly_positive", 1, 10)
    assert [line[1] for line in progress] == list(range(1, len(progress) + 1))


def test_a_budget_too_small_to_see_anything_is_undecided_not_passed():
    search, findings, _ = hunt()
    assert search.inside(CATALOGUE["initialisation.ntk_rate"]) is Verdict.UNDECIDED
    assert not search.settled
    assert findings[0].measurements[1].statistics.needed > 64


def test_the_false_alarm_probability_is_shared_over_claims_and_examples():
    budget = budget_named("quick")
    stochastic = sum(claim.stochastic for claim in CATALOGUE.values())
    assert errors(budget).per_decision == pytest.approx(1e-3 / stochastic / budget.stochastic_examples)
    with pytest.raises(InvalidArgument, match="^budget: got 'huge'"):
        budget_named("huge")


def test_a_subject_that_follows_the_protocol_and_no_more_is_not_blamed():
    class Minimal:
        name = "minimal"

        def ntk(self, arch, x1, x2):
            return BuiltinSubject().ntk(arch, x1, x2)

        def network(self, arch, width, seed):
            return BuiltinSubject().network(arch, width, seed)

        def empirical_ntk(self, net, x1, x2):
            return BuiltinSubject().empirical_ntk(net, x1, x2)

        def supports(self, arch):
            return arch.depth == 1 and arch.activations[0] == nv.Erf()

    search, findings, _ = hunt(Minimal(), budget=FEW)
    for claim in CATALOGUE.values():
        search.inside(claim)
    assert not [finding for finding in findings if finding.error or finding.verdict is Verdict.FAILS]
    assert search.inside(CATALOGUE["initialisation.relu_second_moment"]) is Verdict.OUT_OF_SCOPE
    assert search.outside(CATALOGUE["initialisation.relu_second_moment"]) is None
    assert search.inside(CATALOGUE["initialisation.parameterisations"]) is Verdict.OUT_OF_SCOPE


def test_scenarios_inside_the_premises_are_not_measured_as_outside():
    class Triple(nv.KernelSubject):
        def __init__(self):
            arch = nv.mlp(inputs=2, depth=1, bias_std=1.0)
            super().__init__(name="triple", architecture=arch, ntk=lambda x1, x2: 3 * nv.ntk(arch, x1, x2))

    search, findings, _ = hunt(Triple())
    search.outside(CATALOGUE["initialisation.weight_distributions"])
    assert not findings
