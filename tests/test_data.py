import numpy as np
import pytest

import ntkverify as nv
from ntkverify.data import REAL, Points
from ntkverify.errors import InvalidArgument
from ntkverify.scenarios import Scenario, Training


@pytest.mark.parametrize("source", REAL)
def test_real_data_is_standardised_and_subsampled(source):
    whole = Points(source=source, count=442, dimension=REAL[source], seed=1)
    assert whole.inputs().shape == (442, REAL[source])
    assert whole.targets().shape == (442, 1)
    assert abs(whole.targets().mean()) < 0.2
    if source == "diabetes":  # all of it
        np.testing.assert_allclose(whole.inputs().mean(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(whole.inputs().std(axis=0), 1)
    part = Points(source=source, count=5, dimension=REAL[source], seed=1)
    np.testing.assert_array_equal(part.inputs(), whole.inputs()[:5])
    other = Points(source=source, count=5, dimension=REAL[source], seed=2)
    assert not np.array_equal(part.inputs(), other.inputs())


def test_generated_points():
    sphere = Points(source="sphere", count=6, dimension=4).inputs()
    np.testing.assert_allclose((sphere**2).sum(axis=1), 4)
    duplicates = Points(source="duplicates", count=3, dimension=2).inputs()
    np.testing.assert_array_equal(duplicates[0], duplicates[-1])
    assert not np.array_equal(duplicates[0], duplicates[1])
    antipodes = Points(source="antipodes", count=6, dimension=4).inputs()
    np.testing.assert_array_equal(antipodes[3:], -antipodes[:3])
    near = Points(source="near", count=6, dimension=4).inputs()
    np.testing.assert_allclose((near**2).sum(axis=1), 4)
    apart = np.linalg.norm(near[1::2] - near[::2], axis=1)
    assert (apart > 0).all() and (apart < 0.02).all()


def test_real_targets_are_those_of_their_rows():
    whole = Points(source="diabetes", count=442, dimension=10, seed=1)
    x, y = whole.inputs(), whole.targets()
    left = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    assert (left**2).mean() < 0.5  # of 1; a linear fit to other rows leaves nearly all


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (lambda: Points(source="mnist", count=1, dimension=1), "source"),
        (lambda: Points(source="sphere", count=0, dimension=1), "count"),
        (lambda: Points(source="digits", count=1, dimension=10), "dimension"),
        (lambda: Points(source="diabetes", count=443, dimension=10).inputs(), "count"),
        (lambda: Training(steps=0, step_size=0.5, test_points=1), "steps"),
        (lambda: scenario(points=Points(source="sphere", count=2, dimension=3)), "points"),
        (lambda: scenario(widths=(4, 0)), "widths"),
        (lambda: scenario(training=Training(steps=1, step_size=0.5, test_points=2)), "test_points"),
    ],
)
def test_impossible_scenarios_are_refused(make, argument):
    with pytest.raises(InvalidArgument, match=f"^{argument}: got"):
        make()


def scenario(**changes) -> Scenario:
    fields = {
        "architecture": nv.mlp(inputs=2, depth=1),
        "points": Points(source="sphere", count=2, dimension=2),
        "widths": (8, 4),
    }
    return Scenario(**fields | changes)


def test_a_scenario_reads_back():
    for one in (scenario(), scenario(training=Training(steps=3, step_size=0.1, test_points=1))):
        assert Scenario.from_plain(one.to_plain()) == one


def test_a_profile_fixes_some_layers():
    deep = scenario(architecture=nv.mlp(inputs=2, depth=3), profile=(None, 4, None))
    assert deep.hidden_widths(8) == [8, 4, 8]


def test_scenarios_never_share_random_numbers():
    assert scenario().network_seed("screen", 0) != scenario(widths=(8, 5)).network_seed("screen", 0)
    assert scenario().network_seed("screen", 0) != scenario().network_seed("confirm", 0)
    assert scenario().network_seed("screen", 0) == scenario().network_seed("screen", 0)
