"""What is measured becomes verdicts, boundaries and sentences: on gaps that were planted."""

import numpy as np
import pytest

from ntkverify.findings import Verdict
from ntkverify.maps import Kind, Settings
from ntkverify.maps.boundary import draw_map
from ntkverify.stats import false_alarms

WIDTHS = (32, 64, 128, 256, 512, 1024)


def settings(**changes) -> Settings:
    return Settings(**{"widths": WIDTHS, "levels": (1,), "tolerance": 0.05} | changes)


def planted(law, spread=0.0, replicates=6, seed=0):
    """Gaps law(width) times lognormal noise, at every width of level 1."""
    rng = np.random.default_rng(seed)
    return {
        (width, 1.0): [(gap, gap) for gap in law(width) * np.exp(spread * rng.standard_normal(replicates))]
        for width in WIDTHS
    }


def root(width: float) -> float:
    return width**-0.5  # at most 5% from width 400 on


def boundary(gaps, **changes):
    return draw_map(settings(**changes), gaps).boundaries[0]


def test_the_interval_covers_the_planted_width_at_its_level():
    def misses(seed):
        low, high = boundary(planted(root, 0.3, seed=seed)).interval
        return not low <= 400 <= high

    seen = false_alarms(misses, trials=400, level=0.05)
    assert seen.within
    assert seen.events >= 4  # 20 expected; an interval that always covers would be no 95% interval


def test_an_exact_law_is_solved_exactly():
    found = boundary(planted(root))
    assert found.kind is Kind.WITHIN and not found.bends
    assert found.width == pytest.approx(400) and found.interval == pytest.approx((400, 400))
    assert found.sentence == "At depth 1 on 16 points, 5% needs width >= 400 (400 to 400)."


def test_a_gap_that_does_not_fall_needs_no_width():
    found = boundary(planted(lambda width: 0.3, 0.2))
    assert found.kind is Kind.NONE and found.width is None
    assert "no width was found for 5%: the gap does not fall over widths 32 to 1,024" in found.sentence


def test_a_small_gap_that_does_not_fall_holds_everywhere():
    found = boundary(planted(lambda width: 0.01, 0.2))
    assert found.kind is Kind.BELOW and found.width is None
    assert "holds at every width measured" in found.sentence


def test_noise_that_hides_the_slope_leaves_it_undecided():
    found = boundary(planted(root, 2.5, replicates=3))
    assert found.kind is Kind.UNDECIDED and "more replicates" in found.sentence


@pytest.mark.parametrize(
    ("tolerance", "kind", "width", "words"),
    [
        (
            0.01,
            Kind.BEYOND,
            10_000,
            "10,000 (10,000 to 10,000), by extrapolation: the widest measured is 1,024",
        ),
        (0.25, Kind.BELOW, 16, "16 (16 to 16), by extrapolation: the narrowest measured is 32"),
    ],
)
def test_a_width_that_was_not_measured_is_said_to_be_extrapolated(tolerance, kind, width, words):
    found = boundary(planted(root), tolerance=tolerance)
    assert found.kind is kind and found.width == pytest.approx(width)
    assert words in found.sentence


def test_an_interval_that_reaches_beyond_the_widths_says_so():
    found = boundary(planted(root, 0.5, seed=3), tolerance=0.038)
    assert found.kind is Kind.WITHIN and found.interval[1] > WIDTHS[-1]
    assert "the upper end lies beyond the widest measured" in found.sentence


def test_gaps_that_bend_are_said_to():
    found = boundary(planted(lambda width: root(width) * np.exp(0.1 * np.log(width / 180) ** 2), 0.01))
    assert found.bends and "bend away from a power law" in found.sentence


def test_divergence_at_the_widest_leaves_no_width():
    gaps = planted(root) | {(1024, 1.0): [(0.01, 0.01)] * 5 + [(np.inf, np.inf)]}
    result = draw_map(settings(), gaps)
    assert result.cells[-1].verdict is Verdict.FAILS and result.cells[-1].diverged == 1
    assert result.boundaries[0].kind is Kind.NONE
    assert "1 of 36 networks diverged, some of them at width 1,024" in result.sentences[0]


def test_narrow_networks_that_diverge_are_left_out_of_the_law():
    gaps = planted(root) | {(32, 1.0): [(np.inf, np.inf)] * 6}
    found = boundary(gaps)
    assert found.fitted == WIDTHS[1:] and found.width == pytest.approx(400)
    assert "6 narrower networks diverged" in found.sentence
    assert (
        "25% needs no more than width 64, the narrowest at which no network diverged; 6 narrower"
        in boundary(gaps, tolerance=0.25).sentence
    )


def test_too_few_widths_beside_divergence_are_undecided():
    gaps = planted(root) | {(64, 1.0): [(np.inf, np.inf)]}
    assert boundary(gaps).kind is Kind.UNDECIDED


@pytest.mark.parametrize(
    ("gaps", "verdict"),
    [
        ([0.02, 0.021, 0.019], Verdict.HOLDS),
        ([0.2, 0.21, 0.19], Verdict.FAILS),
        ([0.02, 0.2, 0.05], Verdict.UNDECIDED),
        ([0.001], Verdict.UNDECIDED),
        ([], Verdict.UNDECIDED),
        ([0.0, 0.0], Verdict.HOLDS),
    ],
)
def test_a_cell_is_judged_by_the_interval_of_its_mean(gaps, verdict):
    cell = draw_map(settings(), {(32, 1.0): [(gap, gap) for gap in gaps]}).cells[0]
    assert (cell.verdict, cell.replicates) == (verdict, len(gaps))


def test_what_a_killed_run_left_is_drawn():
    some = {place: gaps[:2] for place, gaps in planted(root, 0.1).items() if place[0] < 1024}
    result = draw_map(settings(), some)
    assert result.boundaries[0].fitted == WIDTHS[:-1]
    assert result.cells[-1].gap is None
    assert draw_map(settings(), {}).boundaries[0].kind is Kind.UNDECIDED
