"""The pytest side: options, markers, the `try_claim` fixture, and the runs' reports.

Loaded in every pytest session where ntkverify is installed, so it imports nothing heavy until
a test asks for it, and writes nothing unless claims were tried.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any, TypeGuard

import pytest

from ntkverify.budgets import BUDGETS, TIMEOUT_HELP
from ntkverify.pytest_plugin.parametrize import (
    MARKER,
    TRIES_CLAIMS,
    parametrize_with_claims,
    parametrize_with_family,
)
from ntkverify.pytest_plugin.running import in_order_of_claims, share_out
from ntkverify.pytest_plugin.session import Session
from ntkverify.pytest_plugin.trial import try_claim as _try_claim

if TYPE_CHECKING:
    from ntkverify.claims import Claim
    from ntkverify.subjects import Subject

SESSION = pytest.StashKey[Session]()
EVERY_CLAIM = f"pytest --pyargs ntkverify.properties -m {MARKER}"
WORKER_RUN = "ntkverify_run"
"""Under which the name of the run reaches the workers of pytest-xdist."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("ntkverify", "verification of neural tangent kernels")
    group.addoption(
        "--ntk-report", metavar="DIR", default="reports", help="where reports go (default: reports)"
    )
    group.addoption(
        "--ntk-subject", metavar="SPEC", help="what to test: path/to/file.py:name or package.module:name"
    )
    group.addoption(
        "--ntk-budget",
        choices=tuple(BUDGETS),
        default="standard",
        help="how hard to look (default: standard)",
    )
    group.addoption(
        "--ntk-seed",
        metavar="N",
        type=int,
        default=0,
        help="the same seed gives the same findings (default: 0)",
    )
    group.addoption("--ntk-timeout", metavar="SECONDS", type=float, help=TIMEOUT_HELP)
    group.addoption(
        "--ntk-keep-going",
        action="store_true",
        help="draw networks even where kernels have settled the matter",
    )
    group.addoption(
        "--ntk-fail-on-findings", action="store_true", help="fail also outside a claim's premises"
    )


def pytest_configure(config: pytest.Config) -> None:
    share_out(config)
    config.addinivalue_line("markers", f"{MARKER}: a claim of NTK theory, tried on drawn scenarios")
    worker = getattr(config, "workerinput", {})
    config.stash[SESSION] = Session(config, worker.get(WORKER_RUN, ""), worker.get("workerid", ""))
    config.pluginmanager.register(config.stash[SESSION])


def pytest_report_header(config: pytest.Config) -> str | None:
    spec = config.getoption("ntk_subject")
    return spec and f"ntkverify subject: {spec}"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = in_order_of_claims(items)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tells a worker of pytest-xdist the run that all of them write into."""
    node.workerinput[WORKER_RUN] = node.config.stash[SESSION].share(node.workerinput["testrunuid"])


def pytest_report_collectionfinish(config: pytest.Config, items: list[pytest.Item]) -> str | None:
    claims = [item for item in items if item.get_closest_marker(MARKER)]
    own = [_arguments(item)["subject"] for item in claims if _brings_its_subject(item)]
    named = dict.fromkeys(f"ntkverify: {one.name} {getattr(one, 'version', '')}".strip() for one in own)
    if not claims and MARKER in config.option.markexpr:
        named[f"ntkverify: no claims were collected here; to try them all: {EVERY_CLAIM}"] = None
    is_worker = hasattr(config, "workerinput")  # where an error would reach nobody before a test is run
    if claims and not config.option.collectonly and not is_worker:
        config.stash[SESSION].check_folder()
        if len(own) < len(claims):
            named[config.stash[SESSION].described()] = None
    return "\n".join(named) or None


@pytest.fixture
def try_claim(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Provides try_claim(claim, premises="inside", subject=None), which fails where the claim does.

    See `trial.try_claim`; a subject of None stands for the one that the options name.
    """
    session, properties = request.config.stash[SESSION], request.node.user_properties

    def attempt(claim: Claim, premises: str = "inside", subject: Subject | None = None) -> None:
        with session.ending_where_it_cannot_go_on(properties):
            _try_claim(session.hunt(subject), claim, premises, properties)

    return attempt


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    """Makes tests of `parametrize_with_claims` try their claim before their own body."""
    if _brings_its_subject(pyfuncitem):
        arguments, properties = _arguments(pyfuncitem), pyfuncitem.user_properties
        session = pyfuncitem.config.stash[SESSION]
        with session.ending_where_it_cannot_go_on(properties):
            hunt = session.hunt(arguments["subject"])
            for premises in ("inside", "outside"):
                with _expected_failures_must_be_tried(pyfuncitem):
                    _try_claim(hunt, arguments["claim"], premises, properties)
    return (yield)


@contextlib.contextmanager
def _expected_failures_must_be_tried(item: pytest.Item) -> Iterator[None]:
    """Fails an expected failure that is skipped: a claim that is never tried cannot be known to fail."""
    try:
        yield
    except pytest.skip.Exception as skipped:
        if item.get_closest_marker("xfail"):
            pytest.fail(
                f"expected to fail, but out of scope: {skipped}. Drop it from expected_failures.",
                pytrace=False,
            )
        raise


def _brings_its_subject(item: pytest.Item) -> TypeGuard[pytest.Function]:
    return isinstance(item, pytest.Function) and hasattr(item.function, TRIES_CLAIMS)


def _arguments(item: pytest.Function) -> dict[str, Any]:
    return dict(item.callspec.params)


def pytest_sessionfinish(session: pytest.Session) -> None:
    session.config.stash[SESSION].finish()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for run in config.stash[SESSION].finished:
        from ntkverify import reports

        terminalreporter.section("ntkverify")
        terminalreporter.write_line(run.title)
        terminalreporter.write_line(reports.verdict_table(run))
        terminalreporter.write_line(f"report: {run.folder / reports.HTML}")
        fails = config.getoption("ntk_fail_on_findings")
        reports.announce(run, terminalreporter.write_line, findings_fail=fails)


__all__ = ["parametrize_with_claims", "parametrize_with_family"]
