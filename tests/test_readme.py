"""What the README shows works as it stands there."""

import dataclasses
import re
from pathlib import Path

import pytest

import ntkverify as nv
from ntkverify import subjects
from ntkverify.budgets import budget_named
from ntkverify.findings import Verdict

README = (Path(__file__).parents[1] / "README.md").read_text()
PYTHON = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.parametrize("number", range(len(PYTHON)))
def test_examples_run(number):
    exec(PYTHON[number], {})


SUBJECTS = [re.match(r"# (my_\w+)\.py", code)[1] for code in PYTHON if code.startswith("# my_")]
FEW = {
    "my_kernel": ["kernel", "initialisation.ntk_mean"],
    "my_library": ["kernel.recursion", "kernel.oracle"],
    "my_module": ["module"],
}


@pytest.mark.parametrize("name", SUBJECTS)
def test_its_subjects_hold_what_they_claim(name, tmp_path):
    path = tmp_path / f"{name}.py"
    path.write_text(next(code for code in PYTHON if code.startswith(f"# {name}.py")))
    budget = dataclasses.replace(budget_named("quick"), examples=5, stochastic_examples=1)
    findings = nv.check(subjects.load(f"{path}:mine"), FEW[name], budget=budget)
    inside = {finding.claim: finding.verdict for finding in findings if not finding.is_outside}
    assert set(inside.values()) <= {Verdict.HOLDS, Verdict.OUT_OF_SCOPE} and Verdict.HOLDS in inside.values()


def test_its_tests_pass_under_pytest(pytester):
    pytester.makepyfile(
        test_my_kernel=next(code for code in PYTHON if code.startswith("# test_my_kernel.py"))
    )
    result = pytester.runpytest_subprocess("--ntk-budget=quick")
    assert result.ret == 0 and result.parseoutcomes()["xfailed"] == 4


@pytest.mark.parametrize("script", re.findall(r"^(ci/\S+)", README, flags=re.MULTILINE))
def test_its_commands_exist(script):
    assert (Path(__file__).parents[1] / script).stat().st_mode & 0o111
