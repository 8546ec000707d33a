"""`ntkverify report --compare`: what changed from one run to the next."""

import json
from dataclasses import replace

import pytest

from ntkverify.cli import main
from ntkverify.findings import Verdict
from ntkverify.reports import compare
from ntkverify.runs import Run


@pytest.fixture
def rewritten(good, tmp_path):
    """Writes `good` again with other findings or another header; returns the folder."""

    def write(change=lambda finding: finding, **header):
        run = Run.start(tmp_path / str(len(list(tmp_path.iterdir()))), good.header | header)
        for finding in filter(None, map(change, good.findings)):
            run.record(finding)
        return run.folder

    return write


def shown(capsys, *folders) -> tuple[int, str]:
    code = main(["report", "--compare", *map(str, folders)])
    return code, capsys.readouterr().out


def test_a_run_is_like_itself_whatever_the_time_it_took(good, rewritten, capsys):
    code, text = shown(capsys, good.folder, rewritten(lambda finding: replace(finding, seconds=1e3)))
    assert code == 0 and text.endswith("questions in common; nothing changed\n")


def test_a_fault_shows_as_other_verdicts_other_answers_and_new_findings(good, failing, capsys):
    code, text = shown(capsys, good.folder, failing.folder)
    assert code == 1
    assert (
        "kernel.oracle: holds -> fails" in text
        and "regime.large_steps: " not in text.partition("new findings")[0]
    )
    assert "new findings:\n" in text and "kernel.oracle fails on 2 sphere points" in text
    assert "other answers to the same question" in text
    assert shown(capsys, failing.folder, good.folder)[1].count("vanished findings:") == 1


def test_a_last_digit_counts(good, rewritten):
    def nudge(finding):
        measured = [replace(m, value=m.value + 1e-12) for m in finding.measurements]
        return replace(finding, measurements=tuple(measured)) if finding.claim == "kernel.oracle" else finding

    comparison = compare(Run.read(good.folder), Run.read(rewritten(nudge)))
    assert {pair[0].claim for pair in comparison.answers} == {"kernel.oracle"}
    assert not comparison.verdicts and not comparison.new and not comparison.settings


def test_settings_versions_and_claims_that_are_gone(good, rewritten, capsys):
    def change(finding):
        return finding.claim != "kernel.oracle" and replace(
            finding, versions=finding.versions | {"torch": "9.9"}
        )

    code, text = shown(capsys, good.folder, rewritten(change, budget="thorough", subject_version="2"))
    torch = good.findings[0].versions["torch"]
    assert code == 1 and f"version of torch: {torch} -> 9.9" in text
    assert (
        "budget: quick -> thorough" in text
        and f"subject_version: {good.header['subject_version']} -> 2" in text
    )
    assert "kernel.oracle: holds -> not tried" in text


def test_a_change_of_verdict_alone_is_seen(good, rewritten, capsys):
    open_question = next(f for f in good.findings if f.claim == "kernel.oracle").id

    def change(finding):
        return replace(finding, verdict=Verdict.UNDECIDED) if finding.id == open_question else finding

    code, text = shown(capsys, good.folder, rewritten(change))
    assert code == 1 and f"kernel.oracle ({open_question}): holds -> undecided" in text


def test_runs_of_other_budgets_and_other_numbers_of_claims_compare_the_same_questions(
    good, rewritten, capsys
):
    """Another level and other draws change the numbers of random measurements, and no question."""

    def spend(finding):
        measured = [replace(m, value=m.value * 1.01) if m.statistics else m for m in finding.measurements]
        more = {"level": finding.level / 10, "max_samples": 10 * finding.max_samples}
        return replace(finding, measurements=tuple(measured), **more)

    random = [finding for finding in good.findings if any(m.statistics for m in finding.measurements)]
    assert random
    code, text = shown(capsys, good.folder, rewritten(spend))
    assert code == 0 and text.endswith("questions in common; nothing changed\n")

    def change(finding):
        return (
            replace(spend(finding), verdict=Verdict.FAILS) if finding.id == random[0].id else spend(finding)
        )

    code, text = shown(capsys, good.folder, rewritten(change))
    assert code == 1 and f"({random[0].id}): {random[0].verdict} -> fails" in text


def test_the_number_of_folders_is_checked(good, capsys):
    assert main(["report", "--compare", str(good.folder)]) == 2
    assert "DIR: got 1 folders, but expected two runs to compare" in capsys.readouterr().err
    assert main(["report", str(good.folder), str(good.folder)]) == 2
    header = json.loads((good.folder / "run.json").read_text())
    assert header["space"]["hidden layers"] == {"least": 0, "most": None}
