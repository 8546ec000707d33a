import math

import pytest

from ntkverify import findings
from ntkverify.errors import InvalidArgument
from ntkverify.findings import Finding, Measurement, Statistics, Verdict, summary, weakest
from ntkverify.runs import Run, find_finding

STATISTICS = Statistics(
    level=1e-6, samples=10, visible=0.1, resolution=0.2, needed=5, power=0.99, method="Student"
)
MEASUREMENT = Measurement(
    name="slope",
    verdict=Verdict.FAILS,
    value=math.inf,
    allowed=(-math.inf, 0.1 + 0.2),
    interval=(math.nan, 1.0),
    statistics=STATISTICS,
    series={"width": (1.0, 2.0)},
)


def finding(**changes) -> Finding:
    fields = {
        "claim": "a.b",
        "subject": "mine",
        "verdict": Verdict.FAILS,
        "scenario": {"seed": 1, "x": [0.1, 2]},
        "level": 1e-6,
        "max_samples": 7,
        "measurements": (MEASUREMENT,),
    }
    return Finding(**fields | changes)


def test_a_finding_reads_back_to_the_last_digit():
    text = finding().to_json()
    assert Finding.from_json(text).to_json() == text
    assert "Infinity" not in text and "NaN" not in text
    again = Finding.from_json(text).measurements[0]
    assert again.allowed == MEASUREMENT.allowed and again.statistics == STATISTICS


def test_the_id_names_the_question_and_not_the_answer():
    assert finding().id == finding(verdict=Verdict.HOLDS, measurements=(), seconds=3.0).id
    assert finding().id != finding(scenario={"seed": 2}).id
    assert finding().id != finding(subject="theirs").id


def test_the_id_leaves_out_what_was_spent_on_the_answer():
    assert finding().id == finding(level=1e-9, max_samples=70_000).id


def test_a_failure_is_a_defect_only_inside_the_premises():
    assert finding().is_defect
    outside = finding(broken_premises=("wide",))
    assert outside.is_outside and not outside.is_defect


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["holds", "fails", "undecided"], "fails"),
        (["holds", "undecided"], "undecided"),
        (["holds", "holds"], "holds"),
        ([], "undecided"),
    ],
)
def test_one_open_question_leaves_a_measurement_open(verdicts, expected):
    assert weakest([Verdict(verdict) for verdict in verdicts]) == expected


def test_a_claim_holds_where_something_was_decided_and_nothing_crashed():
    undecided, outside = finding(verdict=Verdict.UNDECIDED), finding(broken_premises=("wide",))
    holds, crashed = finding(verdict=Verdict.HOLDS), finding(verdict=Verdict.UNDECIDED, error="Traceback")
    assert summary([undecided, outside]) is Verdict.UNDECIDED
    assert summary([undecided, holds]) is Verdict.HOLDS
    assert summary([crashed, holds]) is Verdict.UNDECIDED
    assert summary([crashed, holds, finding()]) is Verdict.FAILS
    assert summary([outside]) is Verdict.OUT_OF_SCOPE


def test_a_run_writes_each_finding_down_at_once_and_reads_it_back(tmp_path):
    run = Run.start(tmp_path, {"spec": ""})
    run.record(finding())
    again = Run.read(tmp_path / "latest")
    assert [f.to_json() for f in again.findings] == [finding().to_json()]
    assert Run.start(tmp_path, {}).folder != run.folder


def test_a_line_cut_short_by_a_killed_run_is_left_out(tmp_path):
    path = tmp_path / "findings.jsonl"
    findings.append(path, finding())
    path.write_text(path.read_text() + finding().to_json()[:50])
    assert len(list(findings.read(path))) == 1


def test_the_same_question_counts_once_with_its_last_answer(tmp_path):
    run = Run.start(tmp_path, {})
    run.record(finding())
    run.record(finding(minimal=True))
    assert [f.minimal for f in run.findings_by_claim()["a.b"]] == [True]


def test_findings_are_found_by_id_or_refused(tmp_path):
    run = Run.start(tmp_path, {})
    run.record(finding())
    assert find_finding(finding().id, tmp_path)[1].to_json() == finding().to_json()
    assert find_finding(f"{run.folder}#{finding().id}", tmp_path / "elsewhere")[1].id == finding().id
    with pytest.raises(InvalidArgument, match="^finding: got 'nope'"):
        find_finding("nope", tmp_path)
    with pytest.raises(InvalidArgument, match=r"^run: got .* but expected a folder with run\.json"):
        find_finding("nope", tmp_path / "elsewhere")


def test_a_record_with_an_unknown_field_is_refused():
    with pytest.raises(InvalidArgument, match="^json: got extra fields"):
        Finding.from_json(finding().to_json().replace('"claim"', '"claims": 1, "claim"'))
