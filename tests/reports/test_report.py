"""What the page and the Markdown say of a run."""

import cProfile
import json
import re
from dataclasses import replace
from html import unescape

import pytest
from conftest import write_subject

from ntkverify import reports, subjects
from ntkverify.cli import main
from ntkverify.findings import Finding, Verdict
from ntkverify.reports import pinning
from ntkverify.reports.render import markdown
from ntkverify.reports.words import scenario_in_words
from ntkverify.runs import Run
from ntkverify.scenarios import Scenario


def words(run: Run) -> str:
    """The page as one line of text."""
    page = (run.folder / "report.html").read_text()
    return re.sub(r"\s+", " ", unescape(re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL)))


def minimal(run: Run, claim: str) -> Finding:
    return next(finding for finding in run.findings if finding.claim == claim and finding.minimal)


def test_the_top_says_what_was_spent_and_what_was_not_tried(good):
    text, spent = (
        words(good),
        sum(
            m.statistics.level
            for f in good.findings
            for m in f.measurements
            if m.statistics and not f.is_outside
        ),
    )
    assert f"{spent:.2g} spent of 0.001 promised" in text
    seconds = sum(finding.seconds for finding in {finding.id: finding for finding in good.findings}.values())
    assert f"{seconds:.1f} s of measuring" in text
    deepest = max(
        len(f.scenario["architecture"]["layers"]["layers"]) // 2
        for f in good.findings
        if not f.scenario.get("module")
    )
    assert f"above {deepest}" in text[text.index("hidden layers") :][:60]
    assert "Sigmoid" in text and "rademacher" in text and "convolutional" in text
    assert "module tanh" in text[text.index("activation of trained networks") :]


def test_a_failure_is_told_in_full(failing):
    text, finding = words(failing), minimal(failing, "kernel.oracle")
    assert (
        "The weakest of them" in text
        and "What falls with it: initialisation.ntk_mean, equivalence.regression, " in text
        and "equivalence.interpolation" in text.partition("What falls with it: ")[2].partition(".  ")[0]
    )
    assert scenario_in_words(finding.scenario) in text
    wrong = next(m for m in finding.measurements if m.verdict is Verdict.FAILS)
    assert f"relative error {wrong.value:.3g}, allowed {wrong.allowed[1]:.3g}" in text
    assert wrong.witness.lines[0] in text and wrong.witness.lines[1] in text  # before any ratio
    assert "could be anything else and it would fail all the same: the seed" in text
    assert "NTK: explained by <the last layer is left out>." in text
    assert "moving kernel 0.01 25.0% -1/2; -0.50 (-0.60 to -0.40)" in text
    assert json.dumps(finding.scenario, sort_keys=True) in text
    assert text.count("✗ fails") > 3


def test_the_test_to_keep_names_its_subject_where_the_run_knows_it(failing):
    finding = minimal(failing, "kernel.oracle")
    unknown = replace(failing, header=failing.header | {"spec": ""})
    assert "subject = ...  # put 'mine' here" in pinning.pinned_test(unknown, finding)
    builtin = replace(
        failing, header=failing.header | {"spec": "", "subject": subjects.BuiltinSubject().name}
    )
    assert "subject = subjects.BuiltinSubject()\n" in pinning.pinned_test(builtin, finding)


@pytest.mark.parametrize("claim", ["kernel.oracle", "kernel.strictly_positive"])
def test_the_command_that_it_gives_replays_the_finding(failing, claim, capsys):
    page, name = unescape((failing.folder / "report.html").read_text()), minimal(failing, claim).id
    command = next(line for line in re.findall("ntkverify replay [^<]+", page) if name in line)
    assert main([word.strip("'") for word in command.split()[1:]]) == 0
    assert "identical to the record" in capsys.readouterr().out


@pytest.mark.parametrize("claim", ["kernel.oracle", "kernel.strictly_positive"])
def test_the_test_that_it_gives_fails_until_the_fault_is_gone(failing, claim):
    page, finding = (failing.folder / "report.html").read_text(), minimal(failing, claim)
    anchor = page.index(f'id="finding-{finding.id}"')
    snippet = unescape(re.search(r"<pre[^>]*>(from hypothesis.*?)</pre>", page[anchor:], re.DOTALL).group(1))
    name = claim.replace(".", "_")

    def run_it():
        namespace = {}
        exec(compile(snippet, "snippet", "exec"), namespace)
        namespace[f"test_{name}"]()

    with pytest.raises(AssertionError, match=claim):
        run_it()
    if not finding.is_outside:
        try:
            write_subject(failing.folder.parents[1], 0)
            run_it()
        finally:
            write_subject(failing.folder.parents[1], 1)


def test_a_scenario_too_long_to_show_is_read_from_the_run(failing, monkeypatch):
    finding = minimal(failing, "kernel.oracle")
    monkeypatch.setattr(pinning, "LONGEST", 10)
    snippet, namespace = pinning.pinned_test(failing, finding), {}
    assert "from_json" not in snippet
    exec(compile(snippet, "snippet", "exec"), namespace)
    with pytest.raises(AssertionError, match="kernel.oracle"):
        namespace["test_kernel_oracle"]()


def test_whole_numbers_replay_too(failing, capsys):
    rank = next(f for f in failing.findings if f.claim == "empirical.rank_at_most_parameters")
    assert main(["replay", f"{failing.folder}#{rank.id}"]) == 0
    assert "identical to the record" in capsys.readouterr().out


def test_scenarios_read_back_from_json(failing):
    for finding in failing.findings:
        scenario = Scenario.from_plain(finding.scenario)
        assert Scenario.from_json(scenario.to_json()) == scenario
        assert json.loads(scenario.to_json()) == finding.scenario


def test_many_like_layers_are_said_once():
    linear = {"type": "Linear", "weight_std": 1.0, "bias_std": 0.0, "weights": "gaussian"}
    layers = [linear, *[{"type": "LeakyReLU", "slope": 0.25}, linear] * 100]
    scenario = {
        "architecture": {"layers": {"type": "Sequential", "layers": layers}},
        "points": {"count": 1, "source": "sphere", "dimension": 2},
        "widths": [],
        "profile": [],
        "training": None,
    }
    assert scenario_in_words(scenario).endswith(
        "100 times (LeakyReLU(slope=0.25), Linear(weight_std=1, bias_std=0))."
    )


@pytest.mark.slow
def test_sixty_claims_of_a_thousand_findings_make_a_small_page_in_few_calls(failing, tmp_path):
    measured = [finding for finding in failing.findings if finding.measurements]
    richest = max(measured, key=lambda finding: sum(map(len, finding.measurements[0].series)))
    some = [finding for finding in measured if finding.measurements[0].series] + [richest]
    claims = {
        f"family{number % 7}.claim{number}": failing.header["claims"]["kernel.oracle"] for number in range(60)
    }
    layers = failing.findings[0].scenario["architecture"]["layers"]["layers"]
    deep = {"type": "Sequential", "layers": [*layers[:1], *layers[1:] * 100]}
    run = Run(folder=tmp_path, header=failing.header | {"claims": dict(sorted(claims.items()))})
    for claim in claims:
        for number in range(1000):
            finding = some[number % len(some)]
            scenario = finding.scenario | {"seed": number}
            if number > 990:
                scenario["architecture"] = scenario["architecture"] | {"layers": deep}
            ends = {
                "minimal": number > 990,
                "error": "long\n" * 9999 * (number == 999),
                "broken_premises": ("wide",) * (number % 4),
            }
            wordy = finding.measurements * 20 if number > 990 else finding.measurements
            run.findings.append(replace(finding, claim=claim, scenario=scenario, measurements=wordy, **ends))
    calls = cProfile.Profile()
    page = calls.runcall(reports.write, run)
    assert sum(entry.callcount for entry in calls.getstats()) < 1500 * len(run.findings)
    assert page.stat().st_size < 2_100_000
    assert (tmp_path / "report.md").stat().st_size < 1024 * 1000
    assert page.read_text().count("<article>") == 60


def test_a_page_of_markdown_that_is_cut_says_so_and_keeps_whole_sections(failing):
    whole = markdown(failing)
    sections = re.split(r"(?=\n## )", whole)
    short = markdown(failing, len(whole.encode()) - 1)
    kept = re.split(r"(?=\n## )", short.partition("\nLeft out here: ")[0])
    assert 1 < len(kept) < len(sections) and [part.strip() for part in kept] == [
        part.strip() for part in sections[: len(kept)]
    ]
    assert f"the last {len(sections) - len(kept)} of {len(sections)} sections" in short
    assert len(short.encode()) < len(whole.encode())
    assert markdown(failing, len(whole.encode())) == whole
    assert markdown(failing, 0) == ""
