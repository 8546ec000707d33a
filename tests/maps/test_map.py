"""The map as its user meets it: real networks, real processes, the command line, and what goes wrong."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

import ntkverify as nv
from ntkverify.cli import main
from ntkverify.errors import InvalidArgument
from ntkverify.findings import Verdict
from ntkverify.maps import Kind, Map, Problem, Settings, measure_map, store
from ntkverify.maps.measure import measure
from ntkverify.maps.work import ordered

WIDTHS = (16, 32, 64, 128, 256)


def test_it_fails_beyond_the_stable_step_and_falls_below_it():
    seen = nv.map_equivalence(
        ("width", "step_size"), widths=WIDTHS, levels=(0.5, 2.5), tolerance=0.2, points=8, steps=30
    )
    ordinary, large = seen.boundaries
    assert -0.8 < ordinary.slope[0] < -0.2 and ordinary.slope[2] < 0
    assert ordinary.kind in (Kind.WITHIN, Kind.BEYOND)
    assert large.kind is Kind.NONE and "no width was found" in large.sentence
    assert {cell.verdict for cell in seen.cells if cell.level == 2.5} == {Verdict.FAILS}


def test_it_fails_where_labels_are_large():
    seen = nv.map_equivalence(
        ("width", "label_scale"), widths=WIDTHS, levels=(1, 100), activation=nv.Erf(), replicates=3, steps=20
    )
    gaps = {(cell.level, cell.width): cell.gap for cell in seen.cells}
    assert gaps[100, 256] > 3 * gaps[1, 256]
    assert {cell.verdict for cell in seen.cells if cell.level == 100} == {Verdict.FAILS}


class Counted:
    """`measure`, and the keys that it was asked for; raises where the count is `stop`."""

    def __init__(self, stop=None):
        self.keys, self.stop = [], stop

    def __call__(self, problem, replicate):
        if len(self.keys) == self.stop:
            raise KeyboardInterrupt
        self.keys.append((problem, replicate))
        return measure(problem, replicate)


SMALL = Settings(widths=(8, 12, 16, 24, 32), levels=(1, 2), replicates=2, problem=Problem(steps=10))


def test_what_is_there_is_not_measured_again(tmp_path):
    first, wider = Counted(), Counted()
    seen = measure_map(SMALL, first, tmp_path)
    assert len(set(first.keys)) == len(first.keys) == 20
    again = Settings(
        widths=(*SMALL.widths, 40), levels=(1, 2, 3), replicates=3, tolerance=0.3, problem=SMALL.problem
    )
    measure_map(again, wider, tmp_path)
    assert len(wider.keys) == 6 * 3 * 3 - 20 and not set(first.keys) & set(wider.keys)
    assert measure_map(SMALL, Counted(stop=0), tmp_path) == seen
    assert Map.from_json((tmp_path / "map.json").read_text()) == seen


def test_an_interruption_keeps_and_draws_what_was_measured(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        measure_map(SMALL, Counted(stop=13), tmp_path)
    left = Map.from_json((tmp_path / "map.json").read_text())
    assert sum(cell.replicates for cell in left.cells) == 13
    assert (tmp_path / "map.html").is_file()
    rest = Counted()
    assert measure_map(SMALL, rest, tmp_path) == measure_map(SMALL, measure)
    assert len(rest.keys) == 7


SAME = {"widths": (32, 48, 64, 96, 128), "levels": (1,), "replicates": 10, "steps": 200}
COMMAND = "map --widths 32 48 64 96 128 --levels 1 --replicates 10 --steps 200 --jobs 2".split()
NETWORKS = 50
"""Many times more than are measured when it is ended: it should not be through by then."""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT], ids=lambda end: end.name)
def test_an_ended_run_goes_on_and_gives_the_same_map(tmp_path, end):
    process = subprocess.Popen(
        [sys.executable, "-m", "ntkverify.cli", *COMMAND, "--out", str(tmp_path)], start_new_session=True
    )
    deadline = time.monotonic() + 120
    while not _count(tmp_path):
        assert process.poll() is None and time.monotonic() < deadline, "no network in two minutes"
        time.sleep(0.01)
    workers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    # Ctrl-C reaches all of them; a kill that spares the workers must not leave them behind.
    (os.killpg if end is signal.SIGINT else os.kill)(process.pid, end)
    assert process.wait(60) == (130 if end is signal.SIGINT else -end)
    before = _count(tmp_path)
    assert 0 < before < NETWORKS
    _all_gone(workers)
    counted = Counted()
    settings = Settings(problem=Problem(steps=200), widths=SAME["widths"], levels=(1,), replicates=10)
    resumed = measure_map(settings, counted, tmp_path)
    assert len(counted.keys) == NETWORKS - before
    assert resumed.to_json() == nv.map_equivalence(**SAME).to_json()


def _count(folder: Path) -> int:
    if not (folder / "map.sqlite").is_file():
        return 0
    connection = sqlite3.connect(folder / "map.sqlite")
    try:
        return connection.execute("SELECT COUNT(*) FROM networks").fetchone()[0]
    except sqlite3.OperationalError:  # the table is still to come
        return 0
    finally:
        connection.close()


def _all_gone(pids) -> None:
    def alive(pid):
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except FileNotFoundError:
            return False

    deadline = time.monotonic() + 20
    while any(map(alive, pids)):
        assert time.monotonic() < deadline, "workers outlive the process that started them"
        time.sleep(0.05)


def test_a_coarse_picture_and_cheap_networks_come_first():
    problems = [problem for _, problem in SMALL.problems()]
    order = ordered((problem, index) for problem in problems for index in range(4))
    assert [index for _, index in order[:20]].count(2) == 0
    assert order[0][0].width == 8 and order[19][0].width == 32 and order[19][0].depth == 2


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"axes": ("width", "colour")}, "axes"),
        ({"axes": ("depth", "points")}, "axes"),
        ({"axes": ("width",)}, "axes"),
        ({"widths": (32, 64, 128, 256)}, "widths"),
        ({"widths": (32, 64, 128, 256, 256)}, "widths"),
        ({"widths": (0, 32, 64, 128, 256)}, "width"),
        ({"levels": ()}, "levels"),
        ({"levels": (1.5,)}, "depth"),
        ({"levels": (float("inf"),)}, "depth"),
        ({"axes": ("width", "step_size"), "levels": (0.5, 0.0)}, "step_size"),
        ({"tolerance": 0.0}, "tolerance"),
        ({"tolerance": float("nan")}, "tolerance"),
        ({"step_size": -0.5}, "step_size"),
        ({"label_scale": 0}, "label_scale"),
        ({"steps": 0}, "steps"),
        ({"replicates": 1}, "replicates"),
        ({"confidence": 1.0}, "confidence"),
        ({"jobs": 0}, "jobs"),
        ({"activation": nv.Sign()}, "activation"),
        ({"activation": "ReLU"}, "activation"),
        ({"source": "circle"}, "source"),
        ({"widht": 64}, "problem"),
        ({"width": 64}, "problem"),
        ({"axes": "width"}, "axes"),
        ({"axes": 3}, "axes"),
        ({"axes": ("width", ["depth"])}, "axes"),
        ({"widths": 64}, "widths"),
        ({"widths": ["wide"] * 6}, "widths"),
        ({"levels": ["deep"]}, "levels"),
        ({"tolerance": "small"}, "tolerance"),
        ({"confidence": None}, "confidence"),
        ({"weight_std": None}, "weight_std"),
        ({"bias_std": "none"}, "bias_std"),
        ({"seed": 1.5}, "seed"),
    ],
    ids=str,
)
def test_wrong_arguments_name_the_remedy(arguments, argument):
    with pytest.raises(InvalidArgument) as raised:
        nv.map_equivalence(**arguments)
    assert raised.value.argument == argument and raised.value.remedy


def test_a_file_that_is_no_store_is_refused(tmp_path):
    (tmp_path / "map.sqlite").write_text("something of the user's own, longer than a header" * 100)
    with pytest.raises(InvalidArgument, match="a store that a map wrote"):
        measure_map(SMALL, measure, tmp_path)


def test_a_store_that_breaks_later_is_refused(tmp_path):
    measure_map(SMALL, measure, tmp_path)
    path = tmp_path / "map.sqlite"
    path.write_bytes(path.read_bytes()[:4096] + b"x" * (path.stat().st_size - 4096))
    with pytest.raises(InvalidArgument, match="a store that a map wrote"):
        measure_map(SMALL, measure, tmp_path)


def test_bad_input_leaves_an_earlier_map_alone(tmp_path):
    seen = measure_map(SMALL, measure, tmp_path)
    with pytest.raises(InvalidArgument):
        nv.map_equivalence(activation=nv.Sign(), out=tmp_path)
    assert Map.from_json((tmp_path / "map.json").read_text()) == seen


def test_a_diverged_network_is_recorded_as_such(tmp_path):
    wild = Problem(step_size=5.0)
    with store.open_store(tmp_path / "map.sqlite") as kept:
        gaps = measure(wild, 0)
        store.write(kept, (wild, 0), gaps.test, gaps.joint)
        assert store.read(kept, [wild]) == {(wild, 0): (float("inf"), float("inf"))}


def test_the_command_prints_and_writes(tmp_path, capsys):
    arguments = [
        "map",
        "--axes",
        "width",
        "step-size",
        "--levels",
        "0.5",
        "--widths",
        *map(str, SMALL.widths),
    ]
    assert main([*arguments, "--replicates", "2", "--jobs", "1", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert Map.from_json((tmp_path / "map.json").read_text()).sentences[0] in printed
    assert str(tmp_path / "map.html") in printed
    assert main(["map", "--axes", "width", "colour"]) == 2
    assert "step_size" in capsys.readouterr().err
