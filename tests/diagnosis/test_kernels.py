"""Wrong kernels of other people's: each is refuted, on a minimal scenario, and its slip is named."""

import numpy as np
import pytest
from numpy_kernels import ARCH, BIAS, WEIGHT, WRONG, laplace, ntk, relu_kernels

import ntkverify as nv
from ntkverify.budgets import Budget
from ntkverify.claims import CATALOGUE, Effort, examine
from ntkverify.data import Points
from ntkverify.diagnosis import diagnose, searching
from ntkverify.findings import Verdict
from ntkverify.scenarios import Scenario

TINY = Budget(
    name="tiny", examples=12, stochastic_examples=1, max_samples=4000, widths=(512, 256, 128, 64, 32)
)
VALUES = ["kernel.recursion", "kernel.oracle", "kernel.diagonal"]


def subject(kernel, **fields):
    return nv.KernelSubject(**{"name": "mine", "architecture": ARCH, "ntk": kernel} | fields)


def verdicts(findings):
    return {finding.claim: finding.verdict for finding in findings if not finding.is_outside}


def failures(findings):
    return [finding for finding in findings if finding.minimal and finding.is_defect]


def test_the_right_kernel_holds():
    both = subject(ntk(), nngp=lambda x1, x2: relu_kernels(x1, x2)[0])
    findings = nv.check(both, ["kernel"], budget=TINY)
    assert {finding.verdict for finding in findings if not finding.is_outside} == {
        Verdict.HOLDS,
        Verdict.OUT_OF_SCOPE,
    }
    assert not any(finding.error for finding in findings)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_kernel_fails_and_its_slip_is_ranked_first(name, record_property):
    kernel, slip = WRONG[name]
    failed = failures(nv.check(subject(kernel), VALUES, budget=TINY))
    assert {finding.claim for finding in failed} >= {"kernel.recursion", "kernel.oracle"}
    smallest = min(failed, key=lambda finding: finding.scenario["points"]["count"])
    assert smallest.scenario["points"]["count"] == 2  # what the claim needs at least
    record_property("found by", smallest.diagnosis.suspects[0].slip)
    assert smallest.diagnosis.explained and smallest.diagnosis.suspects[0].slip == slip
    assert slip in str(smallest.diagnosis)


def test_something_else_entirely_is_no_known_slip_and_no_architecture(monkeypatch):
    monkeypatch.setattr(searching, "SECONDS", 2.0)
    (failed,) = failures(nv.check(subject(laplace), ["kernel.recursion"], budget=TINY))
    assert not failed.diagnosis.explained
    assert "no known slip and no architecture explains it" in str(failed.diagnosis)


def test_a_kernel_wrong_on_hard_inputs_alone_is_said_to_be_right_elsewhere():
    def unguarded(x1, x2):
        return np.where(np.abs(x1 @ x2.T) > 1e20, 0.0, ntk()(x1, x2))

    diagnosis = diagnose(subject(unguarded), ARCH)
    assert not diagnosis.suspects and "right on ordinary inputs" in str(diagnosis)


def test_two_slips_that_explain_a_kernel_alike_are_both_named():
    one = nv.mlp(inputs=4, depth=1, weight_std=2**0.5)
    halved = nv.KernelSubject(name="half", architecture=one, ntk=lambda x1, x2: 0.5 * nv.ntk(one, x1, x2))
    slips = [suspect.slip for suspect in diagnose(halved, one).suspects]
    assert "weight variance 1 in the last layer" in slips and "a constant factor, 0.5" in slips


def test_layers_without_an_activation_between_them_are_counted_too():
    three = nv.Architecture(inputs=4, layers=nv.Sequential(*[nv.Linear(1.2, 0.5)] * 3))
    two = nv.Architecture(inputs=4, layers=nv.Sequential(*[nv.Linear(1.2, 0.5)] * 2))
    deeper = nv.KernelSubject(name="deeper", architecture=two, ntk=lambda x1, x2: nv.ntk(three, x1, x2))
    assert diagnose(deeper, two).suspects[0].slip == "one hidden layer more"


def test_right_is_told_from_wrong_without_ntkverifys_own_recursion(monkeypatch):
    """Had ntkverify's own kernels the same fault, integration and finite networks would still see it."""
    from ntkverify import analytic

    right = analytic.ntk
    monkeypatch.setattr(analytic, "ntk", lambda *args: 2 * right(*args))
    points = Points(source="sphere", count=3, dimension=4)
    shallow = nv.mlp(inputs=4, depth=1, weight_std=WEIGHT, bias_std=BIAS)
    scenario = Scenario(architecture=shallow, points=points, widths=(32,))
    true, doubled = (
        subject(lambda x1, x2, factor=factor: factor * ntk(depth=1)(x1, x2), architecture=shallow)
        for factor in (1, 2)
    )
    for name in ("kernel.oracle", "initialisation.ntk_mean"):
        claim, effort = CATALOGUE[name], Effort(level=1e-5, max_samples=20_000)
        assert not claim.broken_premises(scenario)
        found = [examine(claim, kernel, scenario, effort).verdict for kernel in (true, doubled)]
        assert found == [Verdict.HOLDS, Verdict.FAILS]


def test_a_kernel_of_no_known_architecture_is_tried_on_what_holds_for_all():
    findings = nv.check(nv.KernelSubject(name="laplace", ntk=laplace), ["kernel"], budget=TINY)
    held = {claim for claim, verdict in verdicts(findings).items() if verdict is Verdict.HOLDS}
    assert held == {"kernel.symmetric", "kernel.consistent", "kernel.positive_semidefinite", "kernel.finite"}
    signed = nv.KernelSubject(name="distance", ntk=lambda x1, x2: -laplace(x1, x2), inputs=3)
    (failed,) = failures(nv.check(signed, ["kernel.positive_semidefinite"], budget=TINY))
    assert failed.scenario["points"]["dimension"] == 3 and failed.diagnosis is None
    assert failed.undiagnosed == ()
    assert "the random numbers of the inputs" in failed.irrelevant
