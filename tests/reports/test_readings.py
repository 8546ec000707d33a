"""What is read off many findings at once: regions reached, outcomes over depth and width, what falls."""

import json
import math
from dataclasses import fields, replace

import pytest

import ntkverify as nv
from ntkverify.axes import Axis
from ntkverify.causes import Diagnosis
from ntkverify.data import Points
from ntkverify.findings import Measurement, Statistics, Verdict
from ntkverify.recipes import Recipe
from ntkverify.reports.coverage import missed, reached, tally
from ntkverify.reports.falling import fallen_claims, weakest
from ntkverify.reports.grouping import causes
from ntkverify.reports.heat import heat
from ntkverify.reports.laws import laws
from ntkverify.reports.pictures import pictures
from ntkverify.reports.reading import AXES, LINEAR, MODULE, layers
from ntkverify.reports.table import Row, rows
from ntkverify.reports.totals import smallest_seen, totals
from ntkverify.reports.words import measurement_in_words, scenario_in_words
from ntkverify.scenarios import Scenario
from ntkverify.space import space
from ntkverify.witness import Witness

CLAIMS = {
    "a": {"implies": ["b"]},
    "b": {"implies": ["c", "d"]},
    "c": {"implies": ["a"]},
    "d": {"implies": []},
    "e": {"implies": ["gone"]},
}


def at(finding, depth: int, width: int, **changes):
    layers = finding.scenario["architecture"]["layers"]["layers"]
    layers = {"type": "Sequential", "layers": [layers[0], *layers[1:3] * depth]}
    architecture = finding.scenario["architecture"] | {"layers": layers}
    widths = {"architecture": architecture, "widths": [width] if width else [], "module": None}
    return replace(finding, scenario=finding.scenario | widths, **changes)


def test_axes_of_the_space_are_those_that_reports_read():
    assert set(space()) == set(AXES)


def test_defaults_that_records_leave_out_are_those_of_the_values():
    defaults = [
        {field.name: field.default for field in fields(kind) if field.name in told}
        for kind, told in ((nv.Linear, LINEAR), (Recipe, MODULE))
    ]
    assert defaults == [LINEAR, MODULE]


def test_nothing_is_said_of_an_architecture_that_is_not_known(good):
    points = Points(source="sphere", count=2, dimension=3)
    scenario = Scenario(points=points).to_plain()
    assert scenario_in_words(scenario) == "2 sphere points of dimension 3."
    run = replace(good, findings=[replace(good.findings[0], scenario=scenario)])
    reach = {one.axis: one.tried for one in reached(run)}
    about = ("hidden layers", "biases", "activation", "weight distribution", "outputs", "width")
    assert {reach[axis] for axis in about} == {"nothing"} and reach["number of points"] == "2"


def test_layers_are_read_in_order_with_how_their_parameters_start_and_move():
    inner = nv.Sequential(nv.ReLU(), nv.Linear(weight_rate=0.0, bias_std=0.5), nv.Erf())
    stack = nv.Sequential(nv.Linear(bias_rate=0.3), inner, nv.Linear(weight_rate=2.0))
    arch = nv.Architecture(inputs=3, layers=stack)
    record = Scenario(architecture=arch, points=Points(source="sphere", count=2, dimension=3)).to_plain()
    kinds = [layer["type"] for layer in layers(record)]
    assert kinds == ["Linear", "ReLU", "Linear", "Erf", "Linear"]
    assert AXES[Axis.RATES](record) == {"as spread", "from zero", "frozen", "own"}
    assert AXES[Axis.BIASES](record) == {"with"}
    from_zero = nv.mlp(inputs=3, depth=1, bias_rate=0.3)
    record = Scenario(architecture=from_zero, points=Points(source="sphere", count=2, dimension=3)).to_plain()
    assert AXES[Axis.BIASES](record) == {"with"}


def test_what_is_spent_inside_the_premises_is_held_against_what_was_promised(good):
    seen = Statistics(level=0.4, samples=9, visible=0.1, resolution=0.2, needed=9, power=0.9, method="")
    measured = Measurement(
        name="a mean", verdict=Verdict.HOLDS, value=0.0, allowed=(0.0, 1.0), statistics=seen
    )
    inside = replace(good.findings[0], measurements=(measured, measured), broken_premises=())
    outside = replace(at(inside, 3, 64), broken_premises=("wide",))
    for promised, overspent in ((0.8, False), (0.7, True)):
        run = replace(
            good,
            findings=[inside, inside, outside],
            header=good.header | {"false_alarm_probability": promised},
        )
        cost = totals(run)
        assert (cost.scenarios, cost.decisions, cost.overspent) == (2, 2, overspent)
        assert cost.spent == pytest.approx(0.8)


def test_the_least_power_and_decided_measurements_alone_are_told(good):
    def measured(verdict: Verdict, visible: float, power: float) -> Measurement:
        seen = Statistics(
            level=0.1, samples=9, visible=visible, resolution=0.2, needed=9, power=power, method=""
        )
        return Measurement(name="a mean", verdict=verdict, value=0.0, allowed=(0.0, 1.0), statistics=seen)

    some = measured(Verdict.HOLDS, 0.1, 0.9), measured(Verdict.FAILS, 0.3, 0.8)
    undecided = measured(Verdict.UNDECIDED, 7.0, 0.5)
    words = smallest_seen([replace(good.findings[0], measurements=(*some, undecided))])
    assert words == ["a mean: one of 0.1 to 0.3 (by scenario) beyond the allowed range, with probability 0.8"]


def test_a_kernel_tried_somewhere_says_nothing_of_trained_networks_there(good):
    kernel = [finding for finding in good.findings if not finding.scenario.get("training")]
    reach = {one.axis: one.tried for one in reached(replace(good, findings=kernel))}
    assert reach["number of points"] != "nothing" == reach["number of points of trained networks"]


def test_regions_never_reached_lie_below_between_and_above(good):
    run = replace(good, findings=[at(good.findings[0], depth, 0) for depth in (1, 2, 12)])
    reach = {one.axis: one for one in reached(run)}
    assert reach["hidden layers"].tried == "1, 2, 12"
    assert reach["hidden layers"].never == "below 1, between 2 and 12, above 12"
    assert reach["width"].never == "any" and reach["training method"].tried == "nothing"
    assert "GELU" in reach["activation"].never.split(", ")
    assert reached(replace(run, header={})) == []


def test_what_a_claim_never_tried_is_told_of_the_axes_that_it_has(good):
    some = [at(good.findings[0], 1, 0)]
    never = {str(axis): values.split(", ") for axis, values in missed(good, some)}
    assert "Erf" in never["activation"] and "ReLU" not in never["activation"]
    assert never["activation"][-1].endswith(" more")
    assert "diabetes" in never["data"] and "training method" not in never and "hidden layers" not in never
    assert missed(good, []) == []


def test_a_row_says_how_long_its_claim_took(good):
    for row in rows(good):
        seconds = [f.seconds for f in good.findings_by_claim()[row.claim] if f.scenario]
        assert row.seconds == pytest.approx(sum(seconds))


def test_a_scenario_out_of_scope_was_not_tried(good):
    run = replace(good, findings=[at(good.findings[0], 7, 0, verdict=Verdict.OUT_OF_SCOPE)])
    assert {one.tried for one in reached(run)} == {"nothing"}


def test_tallies_count_findings(good):
    some = [at(good.findings[0], depth, 0) for depth in (2, 1, 2)]
    assert tally(some, "hidden layers") == "1 \N{MULTIPLICATION SIGN}1, 2 \N{MULTIPLICATION SIGN}2"
    assert tally([at(good.findings[0], depth, 0) for depth in range(1, 20)], "hidden layers").endswith(
        ", and 7 more"
    )


def test_outcomes_are_counted_by_depth_and_width(good):
    outcomes = [(1, 64, "holds"), (1, 64, "fails"), (2, 0, "undecided"), (2, 64, "holds")]
    seen = heat(
        [at(good.findings[0], depth, width, verdict=Verdict(word)) for depth, width, word in outcomes]
    )
    assert seen.columns == ("the limit", "64") and [name for name, _ in seen.rows] == ["1", "2"]
    assert [[cell.words for cell in cells] for _, cells in seen.rows] == [
        ["", "1 hold, 1 fail"],
        ["1 undecided", "1 hold"],
    ]
    assert seen.rows[0][1][1].kind == "fails" and seen.rows[0][1][1].share == 50
    assert heat([good.findings[0]]) is None


def test_many_depths_are_put_together(good):
    seen = heat([at(good.findings[0], depth, 0) for depth in range(300)])
    assert len(seen.rows) <= 8
    assert sum(cell.outcomes.total() for _, cells in seen.rows for cell in cells) == 300


def test_failures_of_one_diagnosis_are_told_once_by_the_clearest(good):
    diagnosis = Diagnosis(kernel="NTK", distance=0.5, accuracy=1e-12, suspects=())
    seen = Witness(rows=((1.0,),), columns=((2.0,),), got=((3.0,),), wanted=((4.0,),))

    def row(claim: str, witness: Witness | None, why: Diagnosis | None) -> Row:
        failed = Measurement(
            name="NTK", verdict=Verdict.FAILS, value=1.0, allowed=(0.0, 0.0), witness=witness
        )
        defect = replace(
            at(good.findings[0], 1, 0),
            claim=claim,
            verdict=Verdict.FAILS,
            measurements=(failed,),
            diagnosis=why,
        )
        return Row(
            claim=claim, verdict=Verdict.FAILS, inside=(defect,), outside=(), defect=defect, findings=()
        )

    rows = [row("a", None, diagnosis), row("b", None, None), row("c", seen, diagnosis), row("d", None, None)]
    assert [(cause.shown.claim, cause.claims) for cause in causes(rows)] == [
        ("c", ("a", "c")),
        ("b", ("b",)),
        ("d", ("d",)),
    ]


@pytest.mark.parametrize(
    ("allowed", "words"),
    [
        ((1.0, 1.0), "expected 1."),
        ((-math.inf, 2.0), "expected at most 2."),
        ((3.0, math.inf), "expected at least 3."),
        ((1.0, 2.0), "expected 1 to 2."),
    ],
)
def test_what_was_expected_is_said_with_the_ends_that_it_has(allowed, words):
    measured = Measurement(name="a mean", verdict=Verdict.FAILS, value=9.0, allowed=allowed)
    assert measurement_in_words(measured) == f"a mean: got 9, {words}"


def test_what_was_decided_is_shown_before_what_is_richer(good):
    poor = at(good.findings[0], 1, 0, verdict=Verdict.HOLDS)
    rich = at(good.findings[0], 9, 0, verdict=Verdict.UNDECIDED)
    row = Row(claim="a", verdict=Verdict.HOLDS, inside=(rich, poor), outside=(), defect=None, findings=())
    assert row.evidence is poor and replace(row, inside=(rich,)).evidence is rich


def test_what_falls_is_followed_to_the_end():
    assert fallen_claims("a", CLAIMS) == ["b", "c", "d"] and fallen_claims("e", CLAIMS) == ["gone"]
    assert weakest(["b", "d", "e"], CLAIMS) == ["b", "e"]
    assert weakest(["a", "b", "c", "d"], CLAIMS) == ["a", "b", "c"]  # in a circle no one comes first


def test_the_smallest_violation_seen_is_that_of_the_least_precise_scenario(good):
    oracle = [f for f in good.findings if f.claim == "kernel.oracle"]
    bounds = [m.allowed[1] for f in oracle for m in f.measurements if m.name == "NTK"]
    assert any(
        line.startswith("NTK: anything above") and f"{max(bounds):.2g}" in line
        for line in smallest_seen(oracle)
    )
    rate = [f for f in good.findings if f.claim == "initialisation.ntk_rate"]
    decided = [replace(m, verdict=Verdict.HOLDS) for m in rate[0].measurements]
    visible = f"{decided[0].statistics.visible:.2g}"
    assert f"one of {visible} beyond" in smallest_seen([replace(rate[0], measurements=tuple(decided))])[0]


@pytest.mark.parametrize(
    "series",
    [
        {"eigenvalue": (float("nan"), 1.0)},
        {"eigenvalue": (0.0, 0.0)},
        {"eigenvalue": (-2.0, -1.0)},
        {"eigenvalue": (2.0, 1.0), "rounding bound": (0.0, 0.0)},
        {"network": (1.0, float("inf"), float("nan")), "kernel": (0.0, 1.0, 2.0)},
        {"step": (0.0, 5.0), "network": (1.0, 0.5), "kernel": (1.0, 0.4)},
        {
            "width": (8.0, 4.0),
            "distance": (0.0, 1.0),
            "fitted": (1.0, 2.0),
            "predicted": (1.0, 2.0),
            "slope": (1.0, 0.0, 2.0),
            "prefactor": (1.0, 1.0, 1.0),
        },
        {"something": ()},
    ],
)
def test_odd_series_do_not_stop_a_report(good, series):
    measured = replace(good.findings[0].measurements[0], series=series)
    drawings = pictures(replace(good.findings[0], measurements=(measured,)))
    assert all(drawing.svg.startswith("<svg") and drawing.words for drawing in drawings)


def test_a_bound_and_a_theory_are_told_by_their_columns(good):
    def drawn(**series) -> str:
        measured = replace(good.findings[0].measurements[0], series=series)
        return pictures(replace(good.findings[0], measurements=(measured,)))[0].svg

    assert "rounding bound" in drawn(**{"eigenvalue": (4.0, 1.0), "rounding bound": (1e-3, 1e-3)})
    assert "rounding bound" not in drawn(eigenvalue=(4.0, 1.0))
    assert "var(--orange)" in drawn(network=(1.0, 0.5), kernel=(1.0, 0.4))
    assert "var(--orange)" not in drawn(network=(1.0, 0.5), other=(1.0, 0.4))


def test_laws_are_shown_once_for_each_kind_of_networks(good):
    curve = {"slope": (-0.5, -0.6, -0.4), "prefactor": (2.0, 1.0, 3.0)}
    measured = replace(good.findings[0].measurements[0], name="a rate", series=curve)
    scenario = good.findings[0].scenario | {"widths": [512, 64]}
    deep = json.loads(json.dumps(scenario))
    deep["architecture"]["layers"]["layers"] *= 2
    one, two = (replace(good.findings[0], measurements=(measured,), scenario=s) for s in (scenario, deep))
    alike = replace(one, scenario=scenario | {"seed": 7})  # another question of the same kind
    rows = laws([one, alike, one, two])
    assert len(rows) == 2 and len({row.networks for row in rows}) == 2
    assert rows[0][1:] == ("64 to 512", "a rate", "fitted 2 (1 to 3) x width^-0.5 (-0.6 to -0.4)")
    assert laws([good.findings[0]]) == []
