"""The measuring of many networks: in this process or in several, cheap ones and a coarse picture first."""

import math
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from ntkverify.errors import InvalidArgument, NtkverifyError
from ntkverify.maps.store import Key
from ntkverify.maps.values import Problem

OVERHEAD = 4e6
"""What a step costs besides its arithmetic, in multiplications: measured on one thread."""

SECONDS_BETWEEN_LINES = 2.0

Measured = TypeVar("Measured")
Measure = Callable[[Problem, int], Measured]
Keep = Callable[[Key, Measured], None]
"""Writes down what was measured of one network."""


def ordered(keys: Iterable[Key]) -> list[Key]:
    """Puts two networks of every cell first, then ever more of them, each time the cheap ones first."""
    return sorted(keys, key=lambda key: (max(1, key[1].bit_length()), cost(key[0]), key[1]))


def cost(problem: Problem) -> float:
    """Returns what one network costs, in multiplications, by which shares of the work are reckoned."""
    width, points = problem.width, problem.points
    parameters = width * (problem.dimension + 1 + (problem.depth - 1) * width)
    return problem.steps * (OVERHEAD + parameters * (2 * points + 24))


def measure_all(
    keys: Sequence[Key],
    measure: Measure[Measured],
    keep: Keep[Measured],
    *,
    jobs: int,
    progress: Callable[[str], None],
) -> None:
    """Measures the networks and keeps each as it comes, with more than one job in processes of their own.

    An interruption lets what is under way finish, and keeps it.
    Raises InvalidArgument for jobs below 1, NtkverifyError where a process was killed.
    """
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        raise InvalidArgument("jobs", repr(jobs), "an integer >= 1", "1 measures in this process.")
    report = _reporter(keys, progress)

    def kept(key: Key, measured: Measured) -> None:
        keep(key, measured)
        report(key)

    if jobs > 1 and keys:
        _in_processes(keys, measure, kept, jobs)
    else:
        for key in keys:
            kept(key, measure(*key))


def _in_processes(keys: Sequence[Key], measure: Measure[Measured], keep: Keep[Measured], jobs: int) -> None:
    spawn = multiprocessing.get_context("spawn")  # a fork would copy torch's threads in any state
    pool = ProcessPoolExecutor(min(jobs, len(keys)), spawn, initializer=_begin)
    waiting = {pool.submit(measure, problem, index): (problem, index) for problem, index in keys}
    try:
        for future in as_completed(list(waiting)):
            keep(waiting[future], future.result())
            del waiting[future]
    except BrokenProcessPool as error:
        remedy = (
            "What was measured is kept: run it again, with fewer jobs where memory ran out. From a script, "
            'call it under `if __name__ == "__main__":`, or with jobs=1.'
        )
        raise NtkverifyError(f"a measuring process ended before its time. {remedy}") from error
    finally:
        pool.shutdown(cancel_futures=True)
        for future, key in waiting.items():
            if not future.cancelled() and future.exception() is None:
                keep(key, future.result())


def _begin() -> None:
    """Begins a process: Ctrl-C is its parent's affair, and it does not outlive a parent that was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    parent = multiprocessing.parent_process()

    def leave() -> None:
        assert parent is not None, "a process that was begun has a parent"
        parent.join()
        os._exit(1)

    threading.Thread(target=leave, daemon=True).start()


def _reporter(keys: Sequence[Key], progress: Callable[[str], None]) -> Callable[[Key], None]:
    whole, done, count = sum(cost(key[0]) for key in keys), 0.0, 0
    begun = said = -math.inf

    def report(key: Key) -> None:
        nonlocal begun, said, done, count
        now, count = time.monotonic(), count + 1
        done += cost(key[0])
        if count == 1:  # processes take their time to start, which says nothing of what is left
            begun = now
        elif now - said >= SECONDS_BETWEEN_LINES or count == len(keys):
            first = cost(keys[0][0])
            left = (now - begun) * (whole - done) / (done - first)
            progress(f"{done / whole:.0%} done ({count} of {len(keys)} networks), about {left:.0f} s left")
            said = now

    return report
