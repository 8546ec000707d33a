"""What keeps someone's code from hanging, or from ending the process that tries it. Imports no torch."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

AGAIN = 1.0
"""Seconds after which code that caught a TimedOut is sent the next."""


class TimedOut(BaseException):
    """Someone's code ran for longer than it may; no Exception, so that code that goes on after every error does not
    catch it."""


@dataclass
class Limit:
    """Whether the time is up."""

    expired: bool = False

    def stop(self) -> None:
        """Sends no TimedOut any more: the code that was to be ended is."""
        if self.expired:
            signal.setitimer(signal.ITIMER_REAL, 0)


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[Limit]:
    """Raises TimedOut in what runs inside, after `seconds` and every second from then on; never for 0.

    It interrupts Python code: a single call into C, such as one matrix product, is ended when it returns. There is
    no limit outside of the main thread, on Windows, and where something else uses SIGALRM, as pytest-timeout does.
    """
    limit = Limit()
    if not seconds or not _can_interrupt():
        yield limit
        return

    def end(number: int, frame: object) -> NoReturn:
        limit.expired = True
        remedy = "Raise it with --timeout, --ntk-timeout under pytest or timeout= in Python, 0 for none."
        raise TimedOut(f"ended after {seconds:g} s, the limit. {remedy}")

    signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield limit
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


def _can_interrupt() -> bool:
    main = threading.current_thread() is threading.main_thread()
    return main and hasattr(signal, "setitimer") and signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


@contextlib.contextmanager
def exits_raise() -> Iterator[None]:
    """Makes `os._exit` raise SystemExit in what runs inside, as `sys.exit` does, so that it can be caught.

    Processes that are forked there end as they always did. Exits in C are beyond it.
    """
    leave, process = os._exit, os.getpid()

    def refuse(status: int) -> NoReturn:
        if os.getpid() != process:
            leave(status)
        raise SystemExit(f"os._exit({status})")

    os._exit = refuse
    try:
        yield
    finally:
        os._exit = leave
