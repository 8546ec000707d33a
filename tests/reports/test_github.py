from dataclasses import replace

import pytest

from ntkverify import reports
from ntkverify.findings import Verdict
from ntkverify.reports.github import annotations
from ntkverify.reports.render import MOST_MARKDOWN


def test_a_failure_is_an_error_with_its_numbers_on_one_line(failing):
    lines = annotations(failing)
    assert all("\n" not in line and "\r" not in line for line in lines)
    oracle = next(line for line in lines if "kernel.oracle" in line)
    assert oracle.startswith("::error title=kernel.oracle::kernel.oracle failed on 2 sphere points")
    assert "%0ANTK: k(x, y) = " in oracle and "but should be" in oracle and "ntkverify replay" in oracle


def test_a_run_that_holds_has_no_errors_unless_findings_fail(good):
    assert not [line for line in annotations(good) if line.startswith("::error")]
    asked = annotations(good, findings_fail=True)
    assert any("kernel.strictly_positive failed without distinct inputs" in line for line in asked)


def test_what_stayed_open_is_a_warning(good):
    undecided = [replace(f, verdict=Verdict.UNDECIDED) for f in good.findings if f.claim == "kernel.oracle"]
    (line,) = annotations(replace(good, findings=undecided))
    assert line.startswith("::warning title=kernel.oracle::kernel.oracle is undecided after")


def test_characters_of_the_format_are_escaped_and_ten_are_enough(failing):
    some = next(f for f in failing.findings if f.claim == "kernel.oracle" and f.minimal)
    claims = {f"a:b,{number}": failing.header["claims"]["kernel.oracle"] for number in range(15)}
    crashed = [replace(some, claim=claim, error="50% of it\r\nlost: all, none") for claim in claims]
    lines = annotations(replace(failing, header=failing.header | {"claims": claims}, findings=crashed))
    assert len(lines) == 10 and lines[0].startswith("::error title=a%3Ab%2C0::a:b,0 crashed on")
    assert "%0Alost: all, none%0A" in lines[0]
    assert lines[-1] == "::error title=ntkverify::and 6 more; the report has them all"
    percent = replace(
        failing, header=failing.header | {"claims": claims}, findings=[replace(crashed[0], error="50%\r")]
    )
    assert "50%25" in annotations(percent)[0]


@pytest.mark.parametrize("before", ["", "x" * 997_000])
def test_the_summary_is_added_to_and_stays_below_the_limit(failing, tmp_path, before):
    summary, lines = tmp_path / "summary.md", []
    summary.write_text(before)
    reports.announce(failing, lines.append, environment={"GITHUB_STEP_SUMMARY": str(summary)})
    text = summary.read_text()
    assert not lines and text.startswith(before + "# ntkverify: mine") and len(text.encode()) <= MOST_MARKDOWN
    assert ("Left out here" in text) is bool(before)
    reports.announce(failing, lines.append, environment={"GITHUB_ACTIONS": "true"})
    assert lines == annotations(failing)


def test_elsewhere_nothing_is_announced(failing, capsys):
    reports.announce(failing, environment={})
    assert capsys.readouterr().out == ""
