"""Someone's code that hangs, exits or skips: it is ended, and the process that tries it goes on."""

import contextlib
import os
import signal
import sys
import threading
import time

import pytest

import ntkverify as nv
from ntkverify import guarding
from ntkverify.budgets import Budget
from ntkverify.errors import InvalidArgument
from ntkverify.findings import Verdict
from ntkverify.guarding import TimedOut, exits_raise, time_limit

ARCH = nv.mlp(inputs=3, depth=1, bias_std=1.0)
OS_EXIT = os._exit
FEW = Budget(name="few", examples=3, stochastic_examples=1, max_samples=64, widths=(64, 32, 16, 8, 4))


def hang():
    while True:
        with contextlib.suppress(Exception):  # code that survives every error is ended all the same
            time.sleep(0.01)


def hang_on_after_all():
    for _ in range(2):
        with contextlib.suppress(BaseException):
            hang()


class Library(nv.BuiltinSubject):
    """Does what it is told to when it is asked what it supports, or for a kernel."""

    def __init__(self, supports=lambda: None, ntk=lambda: None):
        super().__init__(name="misbehaving")
        self._supports, self._ntk = supports, ntk

    def supports(self, arch):
        self._supports()
        return super().supports(arch)

    def ntk(self, arch, x1, x2):
        self._ntk()
        return super().ntk(arch, x1, x2)


CRASHES = {
    "sys.exit": (lambda: sys.exit(0), "SystemExit: 0"),
    "os._exit": (lambda: os._exit(0), "SystemExit: os._exit(0)"),
    "a skip of pytest's": (lambda: pytest.skip("later"), "Skipped: later"),
    "an error": (lambda: 1 / 0, "ZeroDivisionError"),
    "a hang": (hang, "TimedOut: ended after 0.3 s, the limit. Raise it with --timeout"),
}


@pytest.mark.parametrize("where", ["ntk", "supports"])
@pytest.mark.parametrize("crash", CRASHES)
def test_a_crash_is_on_record_and_the_hunt_goes_on(crash, where):
    act, words = CRASHES[crash]
    subject = Library(**{where: act})
    timeout = 0.3 if crash == "a hang" else None
    findings = nv.check(subject, ["kernel.symmetric", "kernel.diagonal"], budget=FEW, timeout=timeout)
    assert {finding.claim for finding in findings} == {"kernel.symmetric", "kernel.diagonal"}
    assert {finding.verdict for finding in findings} == {Verdict.UNDECIDED}
    assert all(words in finding.error for finding in findings)
    if crash != "a hang":  # which may be noticed a little late
        assert {bool(finding.scenario) for finding in findings} == {where == "ntk"}  # to measure it again
    assert os._exit is OS_EXIT


def test_code_that_catches_everything_is_ended_too_and_never_holds(tmp_path, monkeypatch):
    monkeypatch.setattr(guarding, "AGAIN", 0.05)
    findings = nv.check(Library(ntk=hang_on_after_all), ["kernel.symmetric"], budget=FEW, timeout=0.3)
    assert {finding.verdict for finding in findings} == {Verdict.UNDECIDED}
    page = nv.write_report(findings, tmp_path).read_text()
    assert "the code that was to be ended went on" in page


def test_a_crash_before_any_scenario_is_in_the_report(tmp_path):
    findings = nv.check(Library(supports=lambda: sys.exit(0)), ["kernel.symmetric"], budget=FEW)
    page = nv.write_report(findings, tmp_path).read_text()
    assert "Crashed" in page and "it crashed before one was drawn" in page and "SystemExit: 0" in page
    assert "it crashed before one was drawn" in (tmp_path / "report.md").read_text()


def test_a_failure_whose_diagnosis_exits_keeps_its_finding():
    def brittle(x1, x2):
        if len(x1) == 7:  # the points of the diagnosis
            sys.exit(0)
        return 2 * nv.ntk(ARCH, x1, x2)

    subject = nv.KernelSubject(name="mine", architecture=ARCH, ntk=brittle)
    (failed,) = [f for f in nv.check(subject, ["kernel.oracle"], budget=FEW) if f.minimal]
    assert failed.verdict is Verdict.FAILS and "known slips: SystemExit: 0" in failed.undiagnosed


def test_an_error_in_recording_ends_the_search():
    tried = []

    def full(finding):
        tried.append(finding)
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        nv.check(Library(), ["kernel.symmetric"], budget=FEW, record=full)
    assert len(tried) == 1


@pytest.mark.parametrize("timeout", [-1, "3", float("nan"), float("inf")])
def test_what_is_no_limit_is_named(timeout):
    with pytest.raises(InvalidArgument, match="^timeout: got"):
        nv.check(Library(), ["kernel.symmetric"], timeout=timeout)


def test_there_is_no_limit_for_zero_and_where_there_cannot_be_one():
    ended = []

    def tries():
        with time_limit(0.01) as limit:
            time.sleep(0.05)
        ended.append(limit.expired)

    with time_limit(0):
        time.sleep(0.01)
    other = threading.Thread(target=tries)
    other.start()
    other.join()
    signal.signal(signal.SIGALRM, lambda number, frame: None)  # as pytest-timeout does
    try:
        tries()
    finally:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    assert ended == [False, False]
    with pytest.raises(TimedOut):
        tries()


def test_processes_that_are_forked_end_as_they_always_did():
    with exits_raise():
        child = os.fork()
        if not child:
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
