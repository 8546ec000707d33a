"""The plugin as its users meet it: pytest run on a folder of properties."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from ntkverify.claims import CATALOGUE
from ntkverify.cli import main
from ntkverify.pytest_plugin.running import in_order_of_claims, share_out
from ntkverify.pytest_plugin.session import Session
from ntkverify.runs import NotWritable, Run

KERNEL_PROPERTY = """
from ntkverify.pytest_plugin import parametrize_with_family

@parametrize_with_family("kernel")
def test_kernel(claim, premises, try_claim):
    try_claim(claim, premises)
"""
ONE_CLAIM = "strictly_positive or killed"
ORDINARY = "def test_nothing():\n    pass\n"
SUBJECTS = """
import numpy as np
import ntkverify as nv

class Indefinite(nv.BuiltinSubject):
    version = "0.3"
    def ntk(self, arch, x1, x2):
        return super().ntk(arch, x1, x2) - 10 * np.eye(len(x1))

wrong = Indefinite(name="indefinite")
right = nv.KernelSubject(
    name="linear readout",
    architecture=nv.mlp(inputs=3, depth=1, bias_std=1.0),
    ntk=lambda x1, x2: nv.ntk(nv.mlp(inputs=3, depth=1, bias_std=1.0), x1, x2),
)
nothing = 3
"""


@pytest.fixture
def project(pytester):
    pytester.makepyfile(test_kernel=KERNEL_PROPERTY, test_ordinary=ORDINARY, subjects=SUBJECTS)
    return pytester


def run(project, *options):
    # A process of its own: pytester forgets in between what was imported, and extension modules
    # cannot be imported twice.
    return project.runpytest_subprocess(
        "-m", "equivalence", "-k", ONE_CLAIM, "--ntk-budget=quick", "--strict-markers", *options
    )


def test_a_run_prints_a_table_and_leaves_a_report(project):
    result = run(project)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "ntkverify: ntkverify *, budget quick, seed 0",
            "kernel.strictly_positive: scenario 1 of 25*",
            "claim * verdict *",
            "kernel.strictly_positive * holds * distinct inputs",
            "report: reports/*/report.html",
        ]
    )
    folder = project.path / "reports" / "latest"
    page = (folder / "report.html").read_text()
    assert "kernel.strictly_positive" in page and "<svg" in page and "distinct inputs" in page
    page = page.replace("http://www.w3.org/2000/svg", "")
    assert "http" not in page and "src=" not in page  # one self-contained file
    assert "**holds**" in (folder / "report.md").read_text()
    outside = [finding for finding in Run.read(folder).findings if finding.is_outside and finding.minimal]
    assert outside[0].scenario["points"]["count"] == 2


def test_ordinary_tests_write_nothing(project):
    project.runpytest_subprocess("test_ordinary.py").assert_outcomes(passed=1)
    assert not (project.path / "reports").exists()


def test_a_wrong_subject_fails_with_its_minimal_scenario(project):
    result = run(project, "--ntk-subject=subjects.py:wrong", "--ntk-report=out")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        [
            "ntkverify: indefinite 0.3, *",
            "*kernel.strictly_positive fails for indefinite",
            "*smallest eigenvalue: the kernel of x1, x2 is *",
            "*got -*, expected at least *",
            "*minimal scenario: 2 sphere points of dimension 1*",
        ]
    )
    assert "Failed inside its premises" in (project.path / "out" / "latest" / "report.html").read_text()


def test_a_kernel_function_is_tried_on_its_own_architecture(project):
    result = run(project, "--ntk-subject=subjects.py:right")
    result.assert_outcomes(passed=2)
    findings = Run.read(project.path / "reports" / "latest").findings
    assert {finding.subject for finding in findings} == {"linear readout"}
    assert {finding.scenario["architecture"]["inputs"] for finding in findings} == {3}


def test_findings_fail_the_run_on_request(project):
    run(project, "--ntk-fail-on-findings").assert_outcomes(passed=1, failed=1)


def test_the_seed_option_repeats_a_run(project):
    def findings(*options):
        run(project, *options)
        return [f.untimed().to_json() for f in Run.read(project.path / "reports" / "latest").findings]

    assert findings("--ntk-seed=7") == findings("--ntk-seed=7") != findings("--ntk-seed=8")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("missing.py:x", "an existing Python file"),
        ("subjects.py:absent", "It defines no 'absent'"),
        ("subjects.py:nothing", "an object with `name`"),
        ("no.such.module:x", "an importable module"),
        ("subjects.py", "Name the object after a colon"),
    ],
)
def test_a_subject_that_cannot_be_loaded_is_named(project, spec, words):
    result = run(project, f"--ntk-subject={spec}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*--ntk-subject: subject: got*{words}*"])


def test_replay_gives_the_same_numbers_to_the_last_digit(project, capsys):
    run(project)
    findings = Run.read(project.path / "reports" / "latest").findings
    assert main(["replay", findings[-1].id]) == 0
    assert "identical to the record, to the last digit" in capsys.readouterr().out
    journal = project.path / "reports" / "latest" / "findings.jsonl"
    value = findings[0].measurements[0].value
    journal.write_text(journal.read_text().replace(repr(value), repr(value + 1e-12)))
    assert main(["replay", findings[0].id]) == 1
    assert "differs from the record" in capsys.readouterr().out
    assert main(["replay", "nothing"]) == 2
    assert "ntkverify: finding: got 'nothing'" in capsys.readouterr().err


def test_a_killed_run_leaves_what_it_had_found_and_a_report_of_it(project):
    project.makepyfile(
        test_zzz_kill="""
        import os, signal, pytest

        @pytest.mark.equivalence
        def test_killed():
            os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    command = [sys.executable, "-m", "pytest", "-m", "equivalence", "-k", ONE_CLAIM, "--ntk-budget=quick"]
    subprocess.run(command, cwd=project.path, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True)
    folder = project.path / "reports" / "latest"
    assert len(Run.read(folder).findings) >= 25
    assert "kernel.strictly_positive" in (folder / "report.html").read_text()
    (folder / "report.html").unlink()
    assert main(["report", str(folder)]) == 0
    assert "kernel.strictly_positive" in (folder / "report.html").read_text()


CLAIMS_OF_A_KERNEL = """
import ntkverify as nv

arch = nv.mlp(inputs=3, depth=1, bias_std=1.0)
right = nv.KernelSubject(name="right", architecture=arch, ntk=lambda x1, x2: nv.ntk(arch, x1, x2))
shifted = nv.KernelSubject(name="shifted", architecture=arch, ntk=lambda x1, x2: nv.ntk(arch, x1, x2) + 1)
FEW = ["kernel.symmetric", "kernel.diagonal", "kernel.oracle"]

@nv.parametrize_with_claims(right, claims=FEW)
def test_right(subject, claim): ...

@nv.parametrize_with_claims(
    shifted, claims=FEW, expected_failures={"kernel.diagonal": "shifted by 1", "kernel.symmetric": "long mended"}
)
def test_shifted(subject, claim):
    assert subject.name == "shifted" and claim.id != "kernel.oracle"
"""


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["one process", "two workers"])
def test_claims_become_tests_and_expected_failures_are_strict(pytester, options):
    pytester.makepyfile(test_claims=CLAIMS_OF_A_KERNEL)
    result = pytester.runpytest_subprocess("--ntk-budget=quick", "--junitxml=junit.xml", *options)
    result.assert_outcomes(passed=3, failed=2, xfailed=1)
    result.stdout.fnmatch_lines_random(
        [
            "*XPASS(strict)*long mended*",
            "*kernel.oracle fails for shifted*",
            "*diagnosis, NTK: explained by a constant added, 1*",
            "right, budget quick, seed 0*",
            "shifted, budget quick, seed 0*",
        ]
    )
    junit = (pytester.path / "junit.xml").read_text()
    assert '<property name="ntkverify_verdict" value="fails" />' in junit
    runs = [Run.read(path.parent) for path in pytester.path.glob("reports/2*/report.html")]
    assert sorted(run.header["subject"] for run in runs) == ["right", "shifted"]
    for run in runs:
        assert {finding.claim for finding in run.findings} == {
            "kernel.symmetric",
            "kernel.diagonal",
            "kernel.oracle",
        }


def test_two_subjects_of_one_name_are_refused(pytester):
    pytester.makepyfile(
        test_claims=CLAIMS_OF_A_KERNEL.replace('name="shifted"', 'name="right"')
        .replace("expected_failures=", "_=")
        .replace(", _={", ", expected_failures={")
    )
    result = pytester.runpytest_subprocess("--ntk-budget=quick")
    assert result.ret == 1
    result.stdout.fnmatch_lines_random(["*name: got 'right', but expected the name of one subject*"])


def test_nothing_is_lost_between_workers(project):
    def found(*options):
        project.runpytest_subprocess(
            "-m", "equivalence", "-k", "symmetric or consistent or finite", "--ntk-budget=quick", *options
        ).assert_outcomes(passed=4)
        run = Run.read(project.path / "reports" / "latest")
        assert (run.folder / "report.html").exists()
        return sorted(finding.untimed().to_json() for finding in run.findings)

    alone, together = found(), found("-n", "2")
    assert alone == together and len(alone) > 80


def test_an_expected_failure_that_is_no_claim_on_the_subject_is_named(pytester):
    pytester.makepyfile(
        test_claims=CLAIMS_OF_A_KERNEL.replace('"kernel.symmetric": "long', '"module.lazy": "long')
    )
    result = pytester.runpytest_subprocess()
    result.stdout.fnmatch_lines(
        ["*expected_failures: got 'module.lazy', but expected one of kernel.symmetric*"]
    )


LEAVING = """
import os
import ntkverify as nv

arch = nv.mlp(inputs=3, depth=1, bias_std=1.0)
calls = []

def leaves_at_its_second_call(x1, x2):
    calls.append(1)
    return nv.ntk(arch, x1, x2) if len(calls) == 1 else os._exit(0)

mine = nv.KernelSubject(name="leaving", architecture=arch, ntk=leaves_at_its_second_call)
at_once = nv.KernelSubject(name="leaving at once", architecture=arch, ntk=lambda x1, x2: os._exit(0))
"""


def test_an_installed_package_brings_its_suite_and_an_exit_is_no_success(pytester):
    """Of a project that has no property of its own, in one process: also without torch's own warnings."""
    pytester.makepyfile(test_ordinary=ORDINARY, leaving=LEAVING)
    nothing = pytester.runpytest_inprocess("-m", "equivalence")
    nothing.stdout.fnmatch_lines(["*to try them all: pytest --pyargs ntkverify.properties -m equivalence*"])
    result = pytester.runpytest_subprocess(
        "--pyargs", "ntkverify.properties", "-m", "equivalence", "-k", "symmetric or methods_agree",
        "--ntk-subject=leaving.py:mine", "--ntk-budget=quick",
    )  # fmt: skip
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(failed=1, skipped=1)
    result.stdout.fnmatch_lines(["*SystemExit: os._exit(0)*", "kernel.symmetric * undecided *"])
    at_once = pytester.runpytest_subprocess(
        "--pyargs", "ntkverify.properties", "-m", "equivalence", "--ntk-subject=leaving.py:at_once"
    )
    assert at_once.ret == pytest.ExitCode.USAGE_ERROR
    at_once.stderr.fnmatch_lines(
        ["*leaving at once, which at its first call ended in SystemExit: os._exit(0)*"]
    )


def test_a_folder_that_cannot_be_written_to_is_one_error_of_usage(project):
    project.makefile("", nobody="")
    result = run(project, "--ntk-report=nobody/reports")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --ntk-report: report: got nobody/reports (Not a directory)*"])
    assert "FAILED" not in result.stdout.str()


def test_a_session_that_cannot_go_on_is_ended_and_a_worker_says_so(pytestconfig):
    """As in a run whose disk is full: alone it ends the session, in a worker the process that started it."""
    alone, worker = (Session(pytestconfig, "", writer) for writer in ("", "gw0"))
    full = NotWritable("report", "x (No space left on device)", "a folder", "Make room.")
    properties = []
    with (
        pytest.raises(pytest.exit.Exception, match="No space left") as ended,
        alone.ending_where_it_cannot_go_on([]),
    ):
        raise full
    assert ended.value.returncode == pytest.ExitCode.USAGE_ERROR
    with pytest.raises(pytest.fail.Exception), worker.ending_where_it_cannot_go_on(properties):
        raise full
    report = SimpleNamespace(user_properties=properties, when="call")
    with pytest.raises(pytest.UsageError, match="No space left"):
        alone.pytest_runtest_logreport(report)


def item(nodeid, claim=None, subject=None):
    """A collected test, as far as its order is concerned."""
    parameters = {"claim": claim and CATALOGUE[claim], "subject": subject and SimpleNamespace(name=subject)}
    given = {name: value for name, value in parameters.items() if value}
    return SimpleNamespace(
        nodeid=nodeid, callspec=SimpleNamespace(params=given), get_closest_marker=lambda name: claim
    )


def test_cheap_claims_come_first_and_other_tests_stay_in_place():
    trained, other = item("a.py::test[1]", "equivalence.regression"), item("b.py::test")
    kernel = item("c.py::test[1]", "kernel.symmetric")
    own = [item("d.py::t[1]", claim, "mine") for claim in ("paper.depth_step", "kernel.oracle")]
    assert in_order_of_claims([trained, other, kernel, *own]) == [kernel, other, trained, *own[::-1]]


@pytest.mark.parametrize(
    "changed, shared",
    [
        ({}, True),
        ({"markexpr": "not equivalence"}, False),
        ({"numprocesses": 0}, False),
        ({"maxfail": 1}, False),
        ({"collectonly": True}, False),
    ],
)
def test_every_claim_is_shared_out_over_the_cores(changed, shared, monkeypatch):
    monkeypatch.setattr("ntkverify.pytest_plugin.running._cores", lambda: 3)
    usual = dict(numprocesses=None, dist="no", tx=[], collectonly=False, usepdb=False, maxfail=0)
    config = SimpleNamespace(
        option=SimpleNamespace(**usual | {"markexpr": "equivalence"} | changed),
        args_source=pytest.Config.ArgsSource.TESTPATHS,
        pluginmanager=SimpleNamespace(hasplugin=lambda name: True),
    )
    share_out(config)
    assert (config.option.dist, config.option.tx) == (("worksteal", ["popen"] * 3) if shared else ("no", []))
