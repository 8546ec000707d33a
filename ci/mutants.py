"""Tests the tests: plants small bugs in a copy of the core, one at a time, and says what catches each.

Usage: python ci/mutants.py [--only NAME_OR_AREA ...] [--jobs 2] [--suite] [--out FILE]

The bugs stand in ci/mutations/, by area. What was caught is kept in FILE, and tried again only where the mutated file or
the edit is another one; what survived is tried each time. Exits with 1 where a bug survives without a stated reason.
"""

import argparse
import contextlib
import dataclasses
import hashlib
import importlib.util
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from mutations import AREAS, Mutant

ROOT = Path(__file__).resolve().parents[1]

SECONDS, SUITE_SECONDS = 300, 1200
"""How long the tests of one mutant may take, and its claims."""

SURVIVED, TIMED_OUT = "survived", "timed out"

PYTEST = (sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "-rfE", "-p", "no:cacheprovider")
TESTS = ("-m", "not equivalence")
SUITE = ("-m", "equivalence", "--ntk-budget=quick", "properties")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What caught a mutant: the first test and the first claim that failed, SURVIVED or TIMED_OUT.

    key: of the mutated file and the edit. suite: None where claims weren't tried.
    """

    name: str
    key: str
    tests: str
    suite: str | None = None

    @property
    def is_caught(self) -> bool:
        """Tells whether a test failed."""
        return self.tests not in (SURVIVED, TIMED_OUT)


def main() -> int:
    """Tries mutants and prints a table; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="NAME_OR_AREA", help=f"areas: {', '.join(AREAS)}")
    parser.add_argument("--jobs", type=int, default=2, help="copies that are tested at a time")
    parser.add_argument("--suite", action="store_true", help="try claims, too: many minutes")
    parser.add_argument("--out", type=Path, default=ROOT / ".mutants.jsonl")
    options = parser.parse_args()
    mutants = chosen(options.only)
    if not mutants:
        parser.error(f"no mutant and no area is called {' or '.join(options.only)}")
    outcomes = tried(mutants, options.jobs, options.suite, options.out)
    broken = failing_without({outcome.tests for outcome in outcomes if "::" in outcome.tests})
    print(table(mutants, outcomes))
    for test in broken:
        print(f"fails without any mutant, so it catches none: {test}")
    unexplained = [
        mutant
        for mutant, outcome in zip(mutants, outcomes, strict=True)
        if not mutant.survives and (not outcome.is_caught or outcome.tests in broken)
    ]
    return int(bool(unexplained))


def chosen(only: list[str] | None) -> list[Mutant]:
    """Returns the mutants of those names or areas; all for None."""
    return [
        mutant
        for area, mutants in AREAS.items()
        for mutant in mutants
        if only is None or {area, mutant.name} & set(only)
    ]


def tried(mutants: list[Mutant], jobs: int, suite: bool, out: Path) -> list[Outcome]:
    """Tries each mutant in one of `jobs` copies, unless `out` says what caught it; adds what is found to `out`."""
    known = read(out)
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(jobs) as pool:
        copies: queue.Queue[Path] = queue.Queue()
        for _ in range(jobs):
            copies.put(stack.enter_context(copy_of_tree()))

        def one(mutant: Mutant) -> Outcome:
            folder = copies.get()
            try:
                outcome = outcome_of(mutant, folder, known.get(mutant.name), suite)
            finally:
                copies.put(folder)
            if outcome != known.get(mutant.name):
                with out.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps(dataclasses.asdict(outcome)) + "\n")
                print(f"{mutant.name}: {outcome.tests}", flush=True)
            return outcome

        return list(pool.map(one, mutants))


def read(out: Path) -> dict[str, Outcome]:
    """Reads the last outcome of each mutant."""
    lines = out.read_text(encoding="utf-8").splitlines() if out.is_file() else []
    return {outcome.name: outcome for outcome in (Outcome(**json.loads(line)) for line in lines)}


@contextlib.contextmanager
def copy_of_tree() -> Iterator[Path]:
    """Yields a folder with a copy of all files that git tracks, as they are now."""
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        for path in filter(None, listed.split("\0")):
            if (ROOT / path).is_file():
                (Path(name) / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / path, Path(name) / path)
        yield Path(name)


def outcome_of(mutant: Mutant, folder: Path, known: Outcome | None, suite: bool) -> Outcome:
    """Runs the tests of a mutant, and with `suite` its claims, in a copy; leaves out what is known."""
    text = (folder / "ntkverify" / mutant.file).read_text(encoding="utf-8")
    mutated = mutant.applied(text)
    key = hashlib.sha256("\0".join([text, mutated]).encode()).hexdigest()[:16]
    known = known if known and known.key == key else None
    tests = known.tests if known and known.is_caught else None
    claims = known.suite if known and known.suite != TIMED_OUT else None
    with planted(folder / "ntkverify" / mutant.file, text, mutated):
        if tests is None:
            tests = first_failure(folder, [*TESTS, *mutant.tests], SECONDS)
        if suite and claims is None and mutant.families:
            claims = first_failure(folder, [*SUITE, "-k", mutant.families], SUITE_SECONDS)
    return Outcome(name=mutant.name, key=key, tests=tests, suite=claims)


@contextlib.contextmanager
def planted(path: Path, text: str, mutated: str) -> Iterator[None]:
    """Writes the mutated text of a file, and the right one at the end."""
    try:
        _write(path, mutated)
        yield
    finally:
        _write(path, text)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    # Compiled code is told from its source by size and second, in which two mutants may be alike.
    Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)


def first_failure(folder: Path, arguments: list[str], seconds: float) -> str:
    """Runs pytest in a copy; returns the id of what failed first, SURVIVED, or TIMED_OUT.

    Raises RuntimeError where pytest could not run.
    """
    code, output = run(folder, arguments, seconds)
    # What one mutant failed on is no news of the next.
    shutil.rmtree(folder / ".hypothesis", ignore_errors=True)
    if code is None:
        return TIMED_OUT
    if code == 0:
        return SURVIVED
    failed = failures(output)
    if not failed:
        raise RuntimeError(f"pytest {' '.join(arguments)} ended with {code}:\n{output[-2000:]}")
    return failed[0]


def failures(output: str) -> list[str]:
    """Returns the ids of what failed, or could not be collected, by pytest's summary."""
    return re.findall(r"^(?:FAILED|ERROR) (\S+?(?:\[.*?\])?)(?: - .*)?$", output, flags=re.MULTILINE)


def run(folder: Path, arguments: list[str], seconds: float | None) -> tuple[int | None, str]:
    """Runs pytest on a copy; returns its exit status, None where the time was up, and what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1", "COLUMNS": "1000"}
    process = subprocess.Popen(
        [*PYTEST, *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # so that what it starts can be ended with it
    )
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None, ""
    return process.returncode, output


def failing_without(tests: set[str]) -> list[str]:
    """Returns those of the tests that fail in a copy without any mutant."""
    if not tests:
        return []
    with copy_of_tree() as folder:
        _, output = run(folder, [*TESTS, "--maxfail=1000", *sorted(tests)], None)
    return failures(output)


def table(mutants: list[Mutant], outcomes: list[Outcome]) -> str:
    """Returns a line for each mutant with what caught it, and the counts."""
    rows = []
    for mutant, outcome in zip(mutants, outcomes, strict=True):
        reason = f" ({mutant.survives})" if mutant.survives else ""
        claims = f"; claims: {outcome.suite}" if outcome.suite else ""
        rows.append(f"{mutant.name:<72} {outcome.tests}{reason}{claims}")
    caught = sum(outcome.is_caught for outcome in outcomes)
    tried = [outcome.suite for outcome in outcomes if outcome.suite]
    found = sum(claim not in (SURVIVED, TIMED_OUT) for claim in tried)
    counts = f"{caught} of {len(mutants)} caught by tests; {found} of {len(tried)} by claims"
    return "\n".join([*sorted(rows, key=lambda row: SURVIVED not in row), counts])


if __name__ == "__main__":
    sys.exit(main())
