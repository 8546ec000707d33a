"""The runs of one pytest session: one for each subject, shared by the workers of pytest-xdist."""

from __future__ import annotations

import contextlib
import math
import re
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ntkverify.errors import InvalidArgument, NtkverifyError
from ntkverify.pytest_plugin.progress import Progress
from ntkverify.runs import HEADER, STAMP, NotWritable, Run, writing

if TYPE_CHECKING:
    from ntkverify.hunt import Hunt
    from ntkverify.subjects import Subject


CANNOT_GO_ON = "ntkverify_cannot_go_on"
"""The property of a test by which a worker of pytest-xdist says why no test can be tried."""

SHORTEST_PAUSE, SHARE_OF_RENDERING = 10.0, 20.0
"""Seconds between two renderings, and how many times as long as one takes."""


class Session:
    """Keeps one run and one hunt for each subject that the session tries.

    shared: the name of the run where several processes write it, else ""; writer: which of them this is.
    """

    def __init__(self, config: pytest.Config, shared: str, writer: str):
        self._config, self._shared, self._writer = config, shared, writer
        self._hunts: dict[str, tuple[Run, Hunt]] = {}
        self._chosen: Subject | None = None
        self.finished: list[Run] = []
        self._began, self._rendered, self._took = time.monotonic(), -math.inf, 0.0

    def share(self, session_id: str) -> str:
        """Names the run that the workers of this session write; the same at every call."""
        self._shared = self._shared or f"{time.strftime(STAMP)}-{session_id[:8]}"
        return self._shared

    def hunt(self, subject: Subject | None = None) -> Hunt:
        """Returns the hunt on `subject`, or on the one that the options name, made when first asked for.

        Raises InvalidArgument for another subject of the same name.
        """
        return self._entry(subject)[1]

    def check_folder(self) -> None:
        """Raises UsageError, before any claim is tried, where reports cannot be written."""
        with _usage("--ntk-report"), writing(self._root):
            self._root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self._root) as probe:
                probe.write(b"a line of a journal")

    def described(self) -> str:
        """Says in one line what is tested, where the options say it."""
        return f"ntkverify: {self._entry(None)[0].title}"

    @contextlib.contextmanager
    def ending_where_it_cannot_go_on(self, properties: list[tuple[str, object]]) -> Iterator[None]:
        """Ends the session, with pytest's status for wrong usage, where no test can be tried or recorded.

        A worker tells the process that started it, by the test's `properties`: it cannot end more than itself.
        """
        try:
            yield
            return
        except (pytest.UsageError, NotWritable) as error:
            reason = str(error)
        if not self._writer:
            pytest.exit(reason, returncode=pytest.ExitCode.USAGE_ERROR)
        properties.append((CANNOT_GO_ON, reason))
        pytest.fail(reason, pytrace=False)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Writes the reports of what was done so far, so that a killed run leaves them; seldom, if that takes long.

        A hook that is called also where the tests run in workers. Raises UsageError where one of them cannot go on.
        """
        for name, value in report.user_properties:
            if name == CANNOT_GO_ON and not self._writer:
                raise pytest.UsageError(str(value))
        now = time.monotonic()
        if report.when == "call" and now - self._rendered > max(
            SHORTEST_PAUSE, SHARE_OF_RENDERING * self._took
        ):
            with self.ending_where_it_cannot_go_on([]):
                self._render()
            self._rendered = time.monotonic()
            self._took = self._rendered - now

    def finish(self) -> None:
        """Writes the report of every run."""
        with self.ending_where_it_cannot_go_on([]):
            self.finished = self._render()

    def _render(self) -> list[Run]:
        """Writes reports; what workers found is rendered by the process that started them."""
        if self._writer:
            return []
        runs = [run for run, _ in self._hunts.values()]
        if self._shared:
            headers = self._root.glob(f"{self._shared}*/{HEADER}")  # a worker may be just making a folder
            runs = [Run.read(header.parent) for header in sorted(headers)]
        for run in runs:
            from ntkverify import reports

            run.note(wall_seconds=round(time.monotonic() - self._began, 1))
            reports.write(run)
        return runs

    @property
    def _root(self) -> Path:
        return Path(self._config.getoption("ntk_report"))

    def _entry(self, subject: Subject | None) -> tuple[Run, Hunt]:
        chosen = subject is None
        subject = self._named_by_options() if subject is None else subject
        if subject.name not in self._hunts:
            self._hunts[subject.name] = self._start(subject, chosen)
        run, hunt = self._hunts[subject.name]
        if hunt.subject is not subject and hunt.subject != subject:
            remedy = "Give each subject of a session a name of its own."
            raise InvalidArgument("name", repr(subject.name), "the name of one subject", remedy)
        return run, hunt

    def _named_by_options(self) -> Subject:
        from ntkverify import subjects

        if self._chosen is None:
            spec = self._config.getoption("ntk_subject")
            with _usage("--ntk-subject"):
                self._chosen = subjects.load(spec) if spec else subjects.BuiltinSubject()
        return self._chosen

    def _start(self, subject: Subject, chosen: bool) -> tuple[Run, Hunt]:
        from ntkverify import budgets, hunt

        budget = budgets.budget_named(self._config.getoption("ntk_budget"))
        seed = self._config.getoption("ntk_seed")
        spec = (self._config.getoption("ntk_subject") or "") if chosen else ""
        with _usage(subject.name):  # a library that cannot say its version cannot be tried
            header = {**hunt.describe(subject, budget, seed), "spec": spec}
        if self._shared:
            folder = self._root / (self._shared if chosen else f"{self._shared}-{_slug(subject.name)}")
            run = Run.join(folder, header, self._writer)
        else:
            run = Run.start(self._root, header)
        with _usage("--ntk-timeout"):
            return run, hunt.Hunt(
                subject=subject,
                budget=budget,
                seed=seed,
                record=run.record,
                progress=Progress(self._config),
                fail_on_findings=self._config.getoption("ntk_fail_on_findings"),
                folder=str(run.folder),
                timeout=self._config.getoption("ntk_timeout"),
                keep_going=self._config.getoption("ntk_keep_going"),
            )


@contextlib.contextmanager
def _usage(what: str) -> Iterator[None]:
    """Makes errors of what the options or a subject say those of pytest's command line."""
    try:
        yield
    except NtkverifyError as error:
        raise pytest.UsageError(f"{what}: {error}") from error


def _slug(name: str) -> str:
    """Makes what is fit for a folder's name, and different for different names."""
    return f"{re.sub(r'[^a-zA-Z0-9]+', '-', name).strip('-')}-{zlib.crc32(name.encode()):08x}"
