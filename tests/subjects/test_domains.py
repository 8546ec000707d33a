"""Kernels that are made for some inputs, and called in their own way: judged there, and told how far they reach."""

import math

import numpy as np
import pytest

import ntkverify as nv
from ntkverify import reports
from ntkverify.budgets import Budget
from ntkverify.data import Points
from ntkverify.errors import InvalidArgument, SubjectFailed
from ntkverify.findings import Verdict
from ntkverify.refutation import ClaimRefuted
from ntkverify.runs import Run

TINY = Budget(name="tiny", examples=12, stochastic_examples=1, max_samples=64, widths=(512, 256, 128, 64, 32))
L, RELU = nv.Linear, nv.ReLU()
SPHERE = nv.Domain(unit_norm=True)
ARCH = nv.Architecture(inputs=4, layers=nv.Sequential(L(2.0), RELU, L(2**0.5), RELU, L(2**0.5)))
SOURCES = ["hostile", "duplicates", "near", "antipodes", "axes", "gaussian", "sphere"]


def unit_norm_recursion(x1, x2):
    """Right on the unit sphere only."""
    theta = cosine = np.clip(x1 @ x2.T, -1, 1)
    for _ in range(2):
        angle = np.arccos(np.clip(cosine, -1, 1))
        kappa = (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / np.pi
        theta, cosine = kappa + theta * (np.pi - angle) / np.pi, kappa
    return theta


def right(x1, x2):
    return np.asarray(nv.ntk(ARCH, x1, x2))


def subject(ntk=right, **fields):
    return nv.KernelSubject(**{"name": "mine", "architecture": ARCH, "ntk": ntk} | fields)


def verdicts(findings):
    return {finding.claim: finding.verdict for finding in findings if not finding.is_outside}


def told(findings):
    return [m.tolerance for f in findings if f.is_outside and f.minimal for m in f.measurements if m.is_told]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    "domain",
    [
        nv.Domain(),
        SPHERE,
        nv.Domain(norms=(2.0, 3.0), zero=False),
        nv.Domain(closest_angle=0.2, zero=False),
        nv.Domain(dtype="float32", norms=(0.5, 1.0)),
    ],
    ids=str,
)
def test_points_lie_in_the_domain(source, domain):
    x = Points(source=source, count=9, dimension=4, seed=3, domain=domain).inputs()
    norms = np.linalg.norm(x, axis=1)
    least, most = domain.norms
    inside = (least * (1 - 1e-6) <= norms) & (norms <= most * (1 + 1e-6)) | (domain.zero & (norms == 0))
    assert inside.all()
    if domain.closest_angle:
        cosine = np.abs(x @ x.T / np.outer(norms, norms)) - 2 * np.eye(9)
        assert cosine.max() <= math.cos(domain.closest_angle) + 1e-12
    if domain.dtype == "float32":
        assert np.array_equal(x, x.astype(np.float32))


def test_inputs_that_are_inside_stay_as_they_are():
    plain = Points(source="gaussian", count=9, dimension=4).inputs()
    assert np.array_equal(nv.Domain().fitted(plain), plain)


def test_points_that_find_no_room_are_refused():
    crowded = Points(source="gaussian", count=40, dimension=2, domain=nv.Domain(closest_angle=0.3))
    assert not crowded.have_room
    with pytest.raises(
        InvalidArgument, match="count: got .* of dimension 2, but expected points at angles of 0.3"
    ):
        crowded.inputs()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nv.Domain(norms=(0.0, 1.0)), "norms: got"),
        (lambda: nv.Domain(norms=(2.0, 1.0)), "norms: got"),
        (lambda: nv.Domain(norms=3.0), "norms: got 3.0"),
        (lambda: nv.Domain(closest_angle=-0.1), "closest_angle: got -0.1"),
        (lambda: nv.Domain(dtype="float16"), "dtype: got 'float16'"),
        (lambda: subject(domain="sphere"), "domain: got 'sphere'"),
        (lambda: subject(takes="rows"), "takes: got 'rows'"),
        (lambda: subject(architecture=None, inputs=1, domain=nv.Domain(closest_angle=0.1)), "domain: got"),
    ],
)
def test_what_is_no_domain_is_refused(make, words):
    with pytest.raises(InvalidArgument, match=words):
        make()


def test_a_kernel_of_the_sphere_is_green_there_and_told_how_far_it_reaches():
    findings = nv.check(subject(unit_norm_recursion, domain=SPHERE), ["kernel"], budget=TINY)
    assert set(verdicts(findings).values()) <= {Verdict.HOLDS, Verdict.OUT_OF_SCOPE}
    assert verdicts(findings)["kernel.recursion"] is verdicts(findings)["kernel.oracle"] is Verdict.HOLDS
    assert told(findings) == ["right to 1e-06 for the norm 1 alone; wrong at 0"]
    everywhere = nv.check(subject(unit_norm_recursion), ["kernel.recursion", "kernel.reach"], budget=TINY)
    assert set(verdicts(everywhere).values()) == {Verdict.FAILS} and not told(everywhere)


def test_where_a_kernel_stops_being_right_is_said_as_its_author_would_use_it():
    def clipped(x1, x2):
        norms = np.linalg.norm(x1, axis=1)[:, None] * np.linalg.norm(x2, axis=1)
        return right(x1, x2) * norms / np.maximum(norms, 1e-10) / (norms > 0)

    findings = nv.check(subject(clipped, domain=nv.Domain(zero=False)), ["kernel.reach"], budget=TINY)
    assert verdicts(findings) == {"kernel.reach": Verdict.HOLDS}
    (words,) = told(findings)
    assert words == "right to 1e-06 for norms from 1e-05 to 1e+30; NaN at 0"


def test_a_kernel_that_is_wrong_for_near_inputs_alone_is_told_from_which_angle_on():
    def near(x1, x2):
        apart = 1 - np.abs(x1 @ x2.T) / np.outer(np.linalg.norm(x1, axis=1), np.linalg.norm(x2, axis=1))
        return right(x1, x2) * (1 + 1e-3 * ((apart > 1e-15) & (apart < 1e-3**2 / 2)))

    domain = nv.Domain(zero=False, closest_angle=0.01)
    findings = nv.check(subject(near, domain=domain), ["kernel.reach"], budget=TINY)
    (words,) = told(findings)
    assert words == "right to 1e-06 for norms from 1e-30 to 1e+30; wrong for angles below 0.001 rad"
    assert verdicts(findings) == {"kernel.reach": Verdict.HOLDS}


def test_a_kernel_that_fails_within_its_domain_fails():
    def saturated(x1, x2):
        return right(x1, x2) / (1 + 1e-9 * np.linalg.norm(x1, axis=1)[:, None] ** 2)

    findings = nv.check(subject(saturated), ["kernel.reach"], budget=TINY)
    assert verdicts(findings)["kernel.reach"] is Verdict.FAILS
    narrower = nv.check(
        subject(saturated, domain=nv.Domain(norms=(1e-3, 10.0))), ["kernel.reach"], budget=TINY
    )
    assert verdicts(narrower)["kernel.reach"] is Verdict.HOLDS
    assert told(narrower)[0].startswith("right to 1e-06 for norms from 1e-30 to 3")


CALLS = {
    "matrix": (lambda x: right(x, x), {"takes": "matrix"}),
    "vectors": (lambda x, y: right(x[None], y[None])[0, 0], {"takes": "vectors"}),
    "torch": (lambda x1, x2: nv.ntk(ARCH, x1.double(), x2), {"torch": True}),
    "torch matrix": (lambda x: nv.ntk(ARCH, x.double()), {"takes": "matrix", "torch": True}),
    "torch vectors": (
        lambda x, y: nv.ntk(ARCH, x[None].double(), y[None])[0, 0],
        {"takes": "vectors", "torch": True},
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_each_way_to_be_called_is_found_out_and_then_right(name):
    function, how = CALLS[name]
    with pytest.raises(InvalidArgument) as refused:
        nv.check(subject(function), ["kernel.recursion"], budget=TINY)
    wanted = [f'takes="{how["takes"]}"'] if "takes" in how else []
    wanted += ["torch=True"] if "torch" in how else []
    assert str(refused.value).endswith(f"Pass {' and '.join(wanted)}.")
    x = np.random.default_rng(0).standard_normal((5, 4))
    mine = subject(function, **how)
    np.testing.assert_allclose(mine.ntk(ARCH, x[:2], x), right(x[:2], x), rtol=1e-12)
    np.testing.assert_allclose(mine.ntk(ARCH, x, x), right(x, x), rtol=1e-12)
    findings = nv.check(mine, ["kernel.recursion", "kernel.consistent"], budget=TINY)
    assert set(verdicts(findings).values()) == {Verdict.HOLDS}


def test_a_torch_kernel_keeps_torch_and_its_gradients_are_tested():
    arch = nv.mlp(inputs=4, depth=1, bias_std=0.5)
    kernel = subject(lambda x1, x2: nv.ntk(arch, x1, x2), architecture=arch, torch=True)
    gradients = nv.check(kernel, ["kernel.differentiable"], budget=TINY)
    assert verdicts(gradients) == {"kernel.differentiable": Verdict.HOLDS}

    def halved(x1, x2):
        value = nv.ntk(arch, x1, x2)
        return value / 2 + value.detach() / 2  # its gradient is half of what it should be

    wrong = subject(halved, architecture=arch, torch=True)
    findings = nv.check(wrong, ["kernel.differentiable", "kernel.recursion"], budget=TINY)
    assert verdicts(findings) == {
        "kernel.differentiable": Verdict.FAILS,
        "kernel.recursion": Verdict.HOLDS,
    }


@pytest.mark.parametrize(
    ("ntk", "words"),
    [
        (
            lambda x1, x2: np.full((len(x1), len(x2)), np.nan),
            "ntk: got nan for ordinary inputs .6 of 6 entries.",
        ),
        (lambda x1, x2: right(x1, x2) + np.zeros((len(x1), len(x1))), "as many rows in x1 as in x2 only"),
        (lambda x1, x2: right(x1, x2)[0], r"ntk: got shape \(2,\)"),
        (lambda x1, x2: right(x1, x2).astype(np.float32), r'domain=ntkverify.Domain\(dtype="float32"\)'),
        (lambda x1, x2: right(x1, x2) / len(x1[10]), "ntk: got IndexError in .*test_domains.py, line"),
    ],
)
def test_what_a_trial_call_shows_is_told_in_one_sentence(ntk, words):
    with pytest.raises(InvalidArgument, match=words):
        nv.check(subject(ntk), ["kernel"], budget=TINY)


def test_float32_that_is_meant_gets_float32_and_is_judged_by_it():
    seen = set()

    def single(x1, x2):
        seen.add(x1.dtype)
        return unit_norm_recursion(x1, x2).astype(np.float32)

    domain = nv.Domain(unit_norm=True, dtype="float32")
    mine = subject(single, domain=domain)
    assert mine.accuracy == 1e-3
    findings = nv.check(mine, ["kernel.recursion", "kernel.oracle"], budget=TINY)
    assert set(verdicts(findings).values()) == {Verdict.HOLDS} and seen == {np.dtype(np.float32)}


def test_a_crash_inside_the_domain_is_a_failure_and_told_once(tmp_path):
    def brittle(x1, x2):
        if len(x1) > 3:
            raise KeyError("planted")
        return right(x1, x2)

    run = Run.start(tmp_path, nv.check(subject(brittle), ["kernel.symmetric", "kernel.consistent"]).header)
    for finding in nv.check(subject(brittle), ["kernel.symmetric", "kernel.consistent"], record=run.record):
        assert finding.verdict in (Verdict.FAILS, Verdict.HOLDS)
    (cause,) = reports.causes(reports.rows(run))
    assert cause.claims == ("kernel.symmetric", "kernel.consistent")
    assert "SubjectFailed: ntk raised KeyError" in cause.shown.error
    with pytest.raises(SubjectFailed, match="ntk raised KeyError for points of shapes"):
        subject(brittle).ntk(ARCH, np.ones((4, 4)), np.ones((4, 4)))


def test_the_counterexample_comes_before_any_ratio(tmp_path):
    header = nv.check(subject(), ["kernel.symmetric"], budget=TINY).header
    run = Run.start(tmp_path, header)
    doubled = subject(lambda x1, x2: 2 * right(x1, x2))
    found = nv.check(doubled, ["kernel"], budget=TINY, record=run.record)
    (cause,) = reports.causes(reports.rows(run))
    text = str(ClaimRefuted(cause.shown))
    lines = text.splitlines()
    assert "k(x, y) = " in lines[1] and "but should be" in lines[1]
    assert lines[2].strip().startswith("x = ") and "relative error 1, allowed 1e-06" in lines[3]
    failed = next(m for m in cause.shown.measurements if m.verdict is Verdict.FAILS)
    x, y = (np.array(points) for points in (failed.witness.rows, failed.witness.columns))
    assert failed.witness.got[0][0] == pytest.approx(2 * right(x, y)[0, 0])
    assert failed.witness.wanted[0][0] == pytest.approx(right(x, y)[0, 0], rel=1e-9)
    page = reports.write(run).read_text()
    assert "k(x, y) = " in page and "kernel.recursion" in page
    assert {finding.claim for finding in found if finding.is_defect} == set(cause.claims)


def test_what_is_not_positive_shows_a_small_matrix():
    signed = nv.KernelSubject(
        name="distance", ntk=lambda x1, x2: x1 @ x2.T - 2 * np.abs(x1) @ np.abs(x2.T), inputs=3
    )
    findings = nv.check(signed, ["kernel.positive_semidefinite"], budget=TINY)
    (failed,) = [m for f in findings if f.minimal for m in f.measurements if m.verdict is Verdict.FAILS]
    assert len(failed.witness.got) <= 3
    assert np.linalg.eigvalsh(np.array(failed.witness.got))[0] < 0
    assert "the kernel of x1" in failed.lines[0]


def test_networks_are_not_drawn_for_a_wrong_kernel_unless_asked():
    doubled = subject(lambda x1, x2: 2 * right(x1, x2))
    claims = ["kernel.recursion", "initialisation.ntk_mean"]
    spared = nv.check(doubled, claims, budget=TINY)
    assert spared.header["spared"] == {"initialisation.ntk_mean": "the kernel is wrong"}
    assert set(verdicts(spared)) == {"kernel.recursion"}
    tried = nv.check(doubled, claims, budget=TINY, keep_going=True)
    assert set(verdicts(tried)) == set(claims) and "spared" not in tried.header


def test_a_kernel_that_is_wrong_far_from_ordinary_inputs_alone_gets_its_networks():
    def nan_at_zero(x1, x2):
        return right(x1, x2) / (np.linalg.norm(x1, axis=1)[:, None] > 0)

    findings = nv.check(subject(nan_at_zero), ["kernel.recursion", "initialisation.ntk_mean"], budget=TINY)
    assert "spared" not in findings.header


def test_networks_of_a_kernel_that_equals_ntkverifys_own_are_its_own():
    claims = ["kernel.recursion", "initialisation.ntk_mean"]
    spared = nv.check(subject(), claims, budget=TINY)
    assert "equals ntkverify's own" in spared.header["spared"]["initialisation.ntk_mean"]
    asked_alone = nv.check(subject(), claims[1:], budget=TINY)
    assert set(verdicts(asked_alone)) == {"initialisation.ntk_mean"}
    assert set(verdicts(nv.check(subject(), claims, budget=TINY, keep_going=True))) == set(claims)


def test_zeros_are_not_judged_where_they_are_a_matter_of_convention():
    """Biases from zero: a ReLU unit gets exactly 0 from an input of zeros, and what its derivative is there is a choice."""
    from_zero = nv.Architecture(inputs=4, layers=nv.Sequential(L(2.0, bias_rate=0.25), RELU, L()))
    assert from_zero.is_undetermined_at_zero and not ARCH.is_undetermined_at_zero
    assert not nv.mlp(inputs=4, depth=2, activation=nv.Erf(), bias_rate=0.25).is_undetermined_at_zero
    assert nv.mlp(inputs=4, depth=2, bias_rate=0.25).is_undetermined_at_zero
    assert not nv.mlp(inputs=4, depth=2, bias_std=0.1, bias_rate=0.25).is_undetermined_at_zero
    mine = subject(lambda x1, x2: nv.ntk(from_zero, x1, x2), architecture=from_zero)
    assert mine.domain == nv.Domain(zero=False)


def test_an_nngp_alone_gets_the_claims_about_outputs():
    arch = nv.mlp(inputs=3, depth=1, bias_std=0.5)
    outputs = nv.KernelSubject(name="mine", architecture=arch, nngp=lambda x1, x2: nv.nngp(arch, x1, x2))
    concerned = {claim.id for claim in nv.claims.CATALOGUE.values() if claim.concerns(outputs)}
    assert {"initialisation.output_covariance", "training.last_layer", "kernel.recursion"} <= concerned
