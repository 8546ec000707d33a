"""The pytest side: options, the marker, the `hunt` fixture, and the run's report.

Loaded in every pytest session where ntkverify is installed, so it imports nothing heavy until
a test asks for it, and writes nothing unless claims were tried.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ntkverify.errors import NtkverifyError
from ntkverify.findings import Verdict
from ntkverify.runs import Run

if TYPE_CHECKING:
    from ntkverify.claims import Claim
    from ntkverify.hunt import Hunt

STARTED = pytest.StashKey["tuple[Run, Hunt]"]()
MARKER = "equivalence"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("ntkverify", "verification of neural tangent kernels")
    group.addoption(
        "--ntk-report", metavar="DIR", default="reports", help="where reports go (default: reports)"
    )
    group.addoption(
        "--ntk-subject", metavar="SPEC", help="what to test: path/to/file.py:name or package.module:name"
    )
    group.addoption(
        "--ntk-budget", choices=("quick", "standard", "thorough"), default="standard", help="how hard to look"
    )
    group.addoption(
        "--ntk-seed", metavar="N", type=int, default=0, help="the same seed gives the same findings"
    )
    group.addoption(
        "--ntk-fail-on-findings", action="store_true", help="fail also outside a claim's premises"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{MARKER}: a claim of NTK theory, tried on drawn scenarios")


def parametrize_with_family(family: str):
    """Decorator: runs a test once for every claim of `family`, inside and outside its premises."""
    from ntkverify.claims import CATALOGUE

    cases = [
        pytest.param(claim, premises, id=f"{claim.id}-{premises}")
        for claim in CATALOGUE.values()
        if claim.id.startswith(f"{family}.")
        for premises in ("inside", "outside")
        if getattr(claim, premises)
    ]

    def decorate(test):
        return getattr(pytest.mark, MARKER)(pytest.mark.parametrize(("claim", "premises"), cases)(test))

    return decorate


def try_claim(hunt: Hunt, claim: Claim, premises: str) -> None:
    """Fails where `claim` fails "inside" its premises, or where the budget settled nothing there;
    "outside" them it fails only if the run fails on findings."""
    from ntkverify.hunt import ClaimRefuted
    from ntkverify.reports import scenario_in_words

    refuted = None
    try:
        verdict = hunt.inside(claim) if premises == "inside" else hunt.outside(claim)
    except ClaimRefuted as error:
        refuted = error  # failed below, where pytest does not print the message twice
    if refuted:
        scenario = scenario_in_words(refuted.finding.scenario)
        pytest.fail(f"{refuted}\n  minimal scenario: {scenario}", pytrace=False)
    if verdict is Verdict.OUT_OF_SCOPE:
        pytest.skip(
            f"{hunt.subject.name} brings no {' and '.join(sorted(claim.needs))} that meets the premises"
        )
    if verdict is Verdict.UNDECIDED:
        pytest.fail(
            f"{claim.id} is undecided: the budget ran out. Raise it: --ntk-budget=thorough", pytrace=False
        )


def pytest_report_collectionfinish(config: pytest.Config, items: list[pytest.Item]) -> str | None:
    if config.option.collectonly or not any(item.get_closest_marker(MARKER) for item in items):
        return None
    header = _hunt(config)[0].header
    return "ntkverify: {subject} {subject_version}, budget {budget}, seed {seed}".format_map(header)


@pytest.fixture(scope="session")
def hunt(pytestconfig: pytest.Config) -> Hunt:
    """The search for counterexamples that the options ask for; its findings go into the report."""
    return _hunt(pytestconfig)[1]


def _hunt(config: pytest.Config) -> tuple[Run, Hunt]:
    """The session's run and its hunt, made when first asked for."""
    if STARTED not in config.stash:
        config.stash[STARTED] = _start(config)
    return config.stash[STARTED]


def _start(config: pytest.Config) -> tuple[Run, Hunt]:
    from ntkverify import budgets, hunt, subjects

    spec, seed = config.getoption("ntk_subject"), config.getoption("ntk_seed")
    budget = budgets.budget_named(config.getoption("ntk_budget"))
    try:
        subject = subjects.load(spec) if spec else subjects.BuiltinSubject()
        header = {**hunt.describe(subject, budget, seed), "spec": spec or ""}
    except NtkverifyError as error:
        raise pytest.UsageError(f"--ntk-subject: {error}") from error
    run = Run.start(Path(config.getoption("ntk_report")), header)
    fails = config.getoption("ntk_fail_on_findings")
    search = hunt.Hunt(
        subject=subject,
        budget=budget,
        seed=seed,
        record=run.record,
        progress=_Progress(config),
        fail_on_findings=fails,
    )
    return run, search


class _Progress:
    """One line that says which claim is being tried and how far along it is."""

    SECONDS_BETWEEN_LINES = 10

    def __init__(self, config: pytest.Config):
        self._reporter = config.pluginmanager.get_plugin("terminalreporter")
        self._capture = config.pluginmanager.get_plugin("capturemanager")
        self._last, self._claim = 0.0, ""

    def __call__(self, claim: str, number: int, planned: int) -> None:
        if self._reporter is None:
            return
        line = f"{claim}: scenario {number}" + (f" of {planned}" if number <= planned else ", shrinking")
        with self._capture.global_and_fixture_disabled():
            if self._reporter.isatty:
                self._reporter.rewrite(line, erase=True)
            elif claim != self._claim or time.monotonic() - self._last > self.SECONDS_BETWEEN_LINES:
                self._reporter.write_line(line)
                self._last = time.monotonic()
        self._claim = claim


def pytest_sessionfinish(session: pytest.Session) -> None:
    if STARTED in session.config.stash:
        from ntkverify import reports

        run, _ = session.config.stash[STARTED]
        reports.write(run)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if STARTED in config.stash:
        from ntkverify import reports

        run, _ = config.stash[STARTED]
        terminalreporter.section("ntkverify")
        terminalreporter.write_line(reports.as_text(run))
        terminalreporter.write_line(f"report: {run.folder / reports.HTML}")
