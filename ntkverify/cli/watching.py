"""A command in a process of its own: one that ends before it is done is never taken for one that succeeded."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable

DONE, FAILED, NO_VERDICT, INTERRUPTED = 0, 1, 2, 130
STATUSES = (DONE, FAILED, NO_VERDICT, INTERRUPTED)

COMPLETE = 100
"""What a command that came to its end adds to its status. A process that was ended by the code under test exits with
0, or with some error: neither is one of these."""

TOGETHER = 0.5
"""Seconds within which two interrupts are one: a terminal sends Ctrl-C to both processes, and one hands it on."""


def watched(command: Callable[[], int]) -> int:
    """Runs the command in a process forked from this one, and returns its status, NO_VERDICT where it ended early.

    Signals are handed on. Where processes cannot be forked, on Windows, it runs in this one.
    """
    if not hasattr(os, "fork"):
        return command()
    ours, parents = os.pipe()
    child = os.fork()
    if not child:
        os.close(parents)
        _begin(ours)
        sys.exit(COMPLETE + command())
    before = {
        number: signal.signal(number, lambda number, frame: os.kill(child, number))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    for number, handler in before.items():
        signal.signal(number, handler)
    if status - COMPLETE in STATUSES:
        return status - COMPLETE
    how = f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
    print(
        f"ntkverify: ended {how} before it was done. The code under test may have ended the process, or memory ran out;"
        " what a check had found is kept, in the latest folder of its reports: `ntkverify report DIR` shows it.",
        file=sys.stderr,
    )
    return NO_VERDICT if status >= 0 else 128 - status


def _begin(pipe: int) -> None:
    """Begins the process: it does not outlive its parent, and takes interrupts that come together for one."""
    leave = os._exit

    def follow() -> None:
        os.read(pipe, 1)  # nothing is ever written: it returns when the parent is gone
        leave(NO_VERDICT)

    threading.Thread(target=follow, daemon=True).start()
    last = -TOGETHER

    def interrupt(number: int, frame: object) -> None:
        nonlocal last
        before, last = last, time.monotonic()
        if last - before > TOGETHER:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
