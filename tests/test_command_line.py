"""What the command line says where there is no verdict, and with which exit status."""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import ntkverify as nv
from ntkverify import cli, runs
from ntkverify.cli import check, main
from ntkverify.runs import Run

SUBJECTS = """
import ctypes, os, sys
import ntkverify as nv

arch = nv.mlp(inputs=3, depth=1, bias_std=1.0)
calls = []

def subject(name, act, late=3):
    def ntk(x1, x2):
        calls.append(x1)
        if len(calls) > late:
            act()
        return nv.ntk(arch, x1, x2)
    return nv.KernelSubject(name=name, architecture=arch, ntk=ntk)

def interrupt():
    raise KeyboardInterrupt

right = subject("right", lambda: None)
exits = subject("exits", lambda: sys.exit(0))
interrupted = subject("interrupted", interrupt, late=50)
native = subject("native", lambda: ctypes.CDLL(None)._exit(0), late=20)
class MyLibrary:
    name = "a class"
    def ntk(self, arch, x1, x2): ...
"""
SYMMETRIC = ("--claims", "kernel.symmetric")


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ends.py").write_text(SUBJECTS)
    return tmp_path


def refused(capsys, *words):
    """Runs the command, which has to refuse in one line on standard error; returns that line."""
    assert main(list(words)) == 2
    error = capsys.readouterr().err
    lines = [line for line in error.splitlines() if ": scenario " not in line]
    assert len(lines) == 1 and lines[0].startswith("ntkverify: "), error
    return lines[0]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("x = (", "broken.py, line 1, raises SyntaxError: '(' was never closed"),
        ("\n1 / 0", "broken.py, line 2, raises ZeroDivisionError: division by zero"),
        ("import sys\nsys.exit(0)", "broken.py, line 2, raises SystemExit: 0"),
        ("import os\n\nos._exit(0)", "broken.py, line 3, raises SystemExit: os._exit(0)"),
        ("import no_such_thing", "ModuleNotFoundError: No module named 'no_such_thing'"),
        ("x = 1", "expected an object with `name`"),
        ("class x:\n    name = 'a'\n    ntk = print", "expected an object, not its class. Make one: x(...)"),
        ("class X:\n    name = 3\n    ntk = print\nx = X()", "name: got 3, but expected a string"),
    ],
)
def test_a_subject_that_cannot_be_had_is_told_in_one_line(place, capsys, code, words):
    (place / "broken.py").write_text(code)
    assert words in refused(capsys, "check", "broken.py:x")


def test_a_package_whose_own_import_is_missing_is_told_from_one_that_is_not_there(place, capsys, monkeypatch):
    monkeypatch.syspath_prepend(place)
    (place / "half_there.py").write_text("import no_such_thing")
    assert "raises ModuleNotFoundError: No module named 'no_such_thing'" in refused(
        capsys, "check", "half_there:x"
    )
    assert "expected an importable module" in refused(capsys, "check", "no.such:x")


def test_a_claim_that_exits_is_a_crash_and_no_success(place, capsys):
    assert main(["check", "ends.py:exits", *SYMMETRIC]) == 1
    printed = capsys.readouterr().out
    assert re.search(r"kernel.symmetric +undecided", printed) and "SystemExit: 0" in printed


def test_nothing_that_was_tried_is_no_success(place, capsys):
    assert "some that are about right" in refused(capsys, "check", "ends.py:right", "--claims", "module")


def test_an_interrupted_check_writes_what_it_has_and_says_so(place, capsys):
    claims = ["--claims", "kernel.symmetric", "kernel.oracle", "kernel.diagonal"]
    assert main(["check", "ends.py:interrupted", *claims]) == 130
    out, err = capsys.readouterr()
    claim = re.search(r"ntkverify: interrupted while (kernel\.\w+) was tried", err)[1]
    assert "kernel.symmetric" in out and "report: reports/" in out
    for name in ("report.html", "report.md"):
        assert f"Interrupted while {claim} was tried" in (place / "reports" / "latest" / name).read_text()


@pytest.mark.parametrize("root", ["file", "file/below", "dangling", "/proc/nothing"])
def test_a_folder_that_cannot_be_written_to_is_told_before_anything_is_tried(place, capsys, root):
    (place / "file").write_text("")
    (place / "dangling").symlink_to("/proc/nothing/here")
    line = refused(capsys, "check", "ends.py:right", "--report", root)
    assert line.startswith(f"ntkverify: report: got {root} (") and "name another folder: --report" in line


def test_a_disk_that_fills_up_ends_the_check(place, capsys, monkeypatch):
    def full(path, finding):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(runs, "append", full)
    assert "(No space left on device)" in refused(capsys, "check", "ends.py:right", *SYMMETRIC)


LINE = (
    '{"claim": "a.b", "level": 0.1, "max_samples": 1, "scenario": %s, "subject": "s", "verdict": "holds"}\n'
)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("run.json", b"{", "run.json (Expecting property name"),
        ("run.json", b"[1]", "run.json (it holds [1])"),
        ("run.json", b"\xff\xfe\x00", "run.json ("),
        ("run.json", b"{}", "(KeyError: 'claims')"),
        ("findings.jsonl", LINE.encode() % b"{}" + b"nonsense\n", "findings.jsonl, line 2: 'nonsense"),
        ("findings.jsonl", b"3\n", "findings.jsonl, line 1: "),
        ("findings.jsonl", b"\xff\n", "findings.jsonl, line 1: 'utf-8' codec"),
        (
            "findings.jsonl",
            LINE.replace("a.b", "kernel.oracle").encode() % b'{"points": 3}',
            "expected a run as ntkverify wrote it",
        ),
    ],
)
def test_a_broken_record_is_told_in_one_line(place, capsys, name, text, words):
    run = Run.start(place / "reports", {"claims": {"kernel.oracle": {}}, "false_alarm_probability": 0.001})
    (run.folder / name).write_bytes(text)
    assert words in refused(capsys, "report", "reports/latest")


@pytest.mark.parametrize("content", [b"nonsense", b"", b"PK\x03\x04 cut short"])
def test_a_broken_data_file_is_told_in_one_line(place, capsys, content):
    (place / "data.npz").write_bytes(content)
    assert "Write it with numpy.savez" in refused(capsys, "explain", "--data", "data.npz")


def test_an_array_in_place_of_several_is_told_in_one_line(place, capsys):
    np = pytest.importorskip("numpy")
    np.save(place / "data.npy", np.ones(3))
    assert "a .npz with x, y and x_test" in refused(capsys, "explain", "--data", "data.npy")


def test_a_broken_store_of_a_map_is_told_in_one_line(place, capsys):
    (place / "map.sqlite").write_bytes(b"nonsense" * 100)
    assert "a store that a map wrote" in refused(capsys, "map", "--out", str(place), "--jobs", "1")


def test_what_nobody_foresaw_is_no_verdict(place, capsys, monkeypatch):
    monkeypatch.setattr(check, "check", None)
    assert main(["check", "ends.py:right"]) == 2
    assert "TypeError" in capsys.readouterr().err


def test_every_option_has_help():
    parsers = [argparse.ArgumentParser()]
    commands = parsers[0].add_subparsers()
    for name in ("check", "explain", "map", "paper", "replay", "report"):
        getattr(cli, name).add_command(commands)
    for name, parser in commands.choices.items():
        for action in parser._actions:
            assert action.help or action.metavar == "DIR", (name, action.dest)


def test_version_and_statuses_are_told(capsys):
    for option, words in (("--version", "ntkverify 0."), ("--help", "130: interrupted")):
        with pytest.raises(SystemExit) as left:
            main([option])
        assert left.value.code == 0 and words in capsys.readouterr().out


def test_a_process_that_is_ended_from_within_is_not_taken_for_a_success(place):
    command = [sys.executable, "-m", "ntkverify", "check", "ends.py:native", *SYMMETRIC]
    ended = subprocess.run(command, cwd=place, env=_environment(), capture_output=True, text=True)
    assert ended.returncode == 2 and "ended with status 0 before it was done" in ended.stderr
    assert Run.read(place / "reports" / "latest").findings  # what was found is kept


WATCHED = """
import os, signal, sys, time
from ntkverify.cli.watching import watched

def interrupted_twice():
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        os.kill(os.getppid(), signal.SIGINT)  # which hands it on: one Ctrl-C
        time.sleep(0.2)
        return 130
    return 0

def ended_by_its_parents_signal():
    os.kill(os.getppid(), signal.SIGTERM)
    time.sleep(60)

commands = [lambda: 0, lambda: 1, lambda: os._exit(0), lambda: os.execv("/bin/true", ["true"]),
            lambda: os.kill(os.getpid(), signal.SIGKILL), ended_by_its_parents_signal, interrupted_twice]
print([watched(command) for command in commands])
"""


def test_the_status_is_the_commands_or_says_that_it_was_ended():
    ended = subprocess.run(
        [sys.executable, "-c", WATCHED], env=_environment(), capture_output=True, text=True, timeout=60
    )
    expected = [0, 1, 2, 2, 128 + signal.SIGKILL, 128 + signal.SIGTERM, 130]
    assert json.loads(ended.stdout) == expected, ended.stderr


def _environment():
    return os.environ | {"PYTHONPATH": str(Path(nv.__file__).parents[1])}
