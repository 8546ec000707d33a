"""`nv.check`, `nv.write_report` and `ntkverify check`."""

from dataclasses import FrozenInstanceError

import pytest

import ntkverify as nv
from ntkverify.cli import main
from ntkverify.errors import InvalidArgument
from ntkverify.findings import Verdict
from ntkverify.runs import Run

ARCH = nv.mlp(inputs=3, depth=1, bias_std=1.0)
SUBJECTS = """
import ntkverify as nv
arch = nv.mlp(inputs=3, depth=1, bias_std=1.0)
right = nv.KernelSubject(name="right", architecture=arch, ntk=lambda x1, x2: nv.ntk(arch, x1, x2), version="2.1")
wrong = nv.KernelSubject(name="wrong", architecture=arch, ntk=lambda x1, x2: 2 * nv.ntk(arch, x1, x2))
"""


def kernel(factor: float = 1.0, **fields):
    function = {"ntk": lambda x1, x2: factor * nv.ntk(ARCH, x1, x2)}
    return nv.KernelSubject(**{"name": "mine", "architecture": ARCH} | function | fields)


def test_findings_of_a_check_can_be_read_and_reported(tmp_path):
    findings = nv.check(kernel(), ["kernel.symmetric", "kernel.oracle"])
    assert {finding.claim for finding in findings} == {"kernel.symmetric", "kernel.oracle"}
    assert {finding.verdict for finding in findings} == {Verdict.HOLDS}
    page = nv.write_report(findings, tmp_path / "mine")
    assert page == tmp_path / "mine" / "report.html" and "kernel.oracle" in page.read_text()
    run = Run.read(tmp_path / "mine")
    assert (
        run.findings == list(findings) and run.header["subject"] == "mine" and run.header["budget"] == "quick"
    )
    nv.write_report(
        [finding for finding in findings if finding.claim == "kernel.symmetric"], tmp_path / "mine"
    )
    assert {finding.claim for finding in Run.read(tmp_path / "mine").findings} == {"kernel.symmetric"}


def test_a_part_of_what_was_found_still_says_what_was_asked(tmp_path):
    findings = nv.check(kernel(), ["kernel.symmetric"], seed=3)
    some = findings[1:3]
    assert list(some) == list(findings)[1:3] and some[0] is findings[1] is findings[-len(findings) + 1]
    assert some == findings[1:3] != findings and some.header == findings.header
    nv.write_report(some, tmp_path)
    run = Run.read(tmp_path)
    assert run.findings == list(some) and (run.header["budget"], run.header["seed"]) == ("quick", 3)
    with pytest.raises(FrozenInstanceError):
        findings.header = {}


def test_the_same_seed_gives_the_same_findings():
    first, again, other = (
        [finding.untimed() for finding in nv.check(kernel(), ["kernel.symmetric"], seed=seed)]
        for seed in (0, 0, 1)
    )
    assert first == again != other


def test_what_a_subject_does_not_bring_is_out_of_scope_and_costs_nothing():
    findings = nv.check(kernel(), ["training", "module", "empirical"])
    assert {finding.verdict for finding in findings} >= {Verdict.OUT_OF_SCOPE}
    assert not [finding for finding in findings if finding.claim.startswith("module.") and finding.scenario]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((3,), "subject: got 3"),
        ((kernel(), ["kernel.nothing"]), "claim: got 'kernel.nothing'"),
        ((kernel(), "kernel"), r"Pass a list: \['kernel'\]"),
        ((kernel(), None, 0, "huge"), "budget: got 'huge'"),
        ((kernel(), None, 0, ["quick"]), r"budget: got \['quick'\]"),
        ((kernel(), 3), "claims: got 3"),
        ((kernel(), []), "claims: got none"),
        ((kernel(), [None]), "claim: got None"),
        ((kernel(), None, "0"), "seed: got '0', but expected an integer"),
        ((kernel(), None, 1.5), "seed: got 1.5"),
        ((nv.BuiltinSubject,), "subject: got <class .* Make one: BuiltinSubject"),
    ],
)
def test_wrong_arguments_are_named(arguments, words):
    with pytest.raises(InvalidArgument, match=words):
        nv.check(*arguments)


def test_a_report_is_about_one_subject(tmp_path):
    both = [*nv.check(kernel(), ["kernel.symmetric"]), *nv.check(kernel(name="other"), ["kernel.symmetric"])]
    with pytest.raises(InvalidArgument, match="findings of mine, other"):
        nv.write_report(both, tmp_path)
    with pytest.raises(InvalidArgument, match="no findings"):
        nv.write_report([], tmp_path)


@pytest.mark.parametrize("what", [3, None, "findings", [3], kernel(), {"a": 1}])
def test_what_is_no_findings_is_named(tmp_path, what):
    with pytest.raises(InvalidArgument, match="^findings: got .* Pass what nv.check returns"):
        nv.write_report(what, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_report_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidArgument, match=r"^report: got .*file/below \(Not a directory\)"):
        nv.write_report(nv.check(kernel(), ["kernel.symmetric"]), tmp_path / "file" / "below")


def test_the_command_prints_what_failed_and_why(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "subjects_to_check.py").write_text(SUBJECTS)
    claims = ["--claims", "kernel.symmetric", "kernel.oracle"]
    assert main(["check", "subjects_to_check.py:right", *claims]) == 0
    assert "right 2.1, budget quick, seed 0" in capsys.readouterr().out
    assert main(["check", "subjects_to_check.py:wrong", *claims, "--report", "out"]) == 1
    printed = capsys.readouterr().out
    assert "kernel.oracle fails for wrong" in printed and "explained by a constant factor, 2" in printed
    replayed = printed.partition("ntkverify replay '")[2].partition("'")[0]
    assert main(["replay", replayed]) == 0
    assert main(["replay", replayed, "--subject", "subjects_to_check.py:right"]) == 2
    assert "the one recorded, 'wrong'" in capsys.readouterr().err
    assert (tmp_path / "out" / "latest" / "report.html").exists()
    assert main(["check", "nothing.py:x"]) == 2
    assert "an existing Python file" in capsys.readouterr().err
