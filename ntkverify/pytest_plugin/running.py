"""In which order claims are tried, and in how many processes."""

from __future__ import annotations

import os
from typing import Any

import pytest

from ntkverify.pytest_plugin.parametrize import MARKER

MOST_PROCESSES = 8
"""Each takes some 300 MB and seconds to begin; no run has been tried with more."""


def in_order_of_claims(items: list[pytest.Item]) -> list[pytest.Item]:
    """Returns the tests with those of claims in the order in which claims build on one another: cheap and weak first.

    So a wrong kernel fails before any network is drawn. Tests of one subject stay together, and other tests in place.
    """
    of_claims = list(filter(_is_of_claim, items))
    if not of_claims:
        return items
    from ntkverify.claims import CATALOGUE

    order = {claim_id: number for number, claim_id in enumerate(CATALOGUE)}
    subjects: dict[str, int] = {}

    def rank(item: pytest.Item) -> tuple[int, int]:
        parameters: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
        own = item.nodeid.partition("[")[0] if "subject" in parameters else ""
        subject = subjects.setdefault(
            own + str(getattr(parameters.get("subject"), "name", "")), len(subjects)
        )
        return subject, order.get(getattr(parameters.get("claim"), "id", ""), len(order))

    claims = iter(sorted(of_claims, key=rank))
    return [next(claims) if _is_of_claim(item) else item for item in items]


def _is_of_claim(item: pytest.Item) -> bool:
    return item.get_closest_marker(MARKER) is not None


def share_out(config: pytest.Config) -> None:
    """Makes a run of every claim, without paths, use every core, where pytest-xdist is installed and nothing else was asked.

    That is what `-n auto --dist worksteal` does; `-n 0` keeps the run in one process, and so does `-x`: a wrong kernel
    fails in the first claims, before other processes would have done theirs.
    """
    options = config.option
    everything = (
        config.args_source is pytest.Config.ArgsSource.TESTPATHS and options.markexpr.strip() == MARKER
    )
    if not everything or not config.pluginmanager.hasplugin("xdist") or hasattr(config, "workerinput"):
        return
    asked = (
        options.numprocesses is not None
        or options.dist != "no"
        or options.collectonly
        or options.usepdb
        or options.maxfail
    )
    if not asked and (processes := min(_cores(), MOST_PROCESSES)) > 1:
        options.numprocesses, options.dist = processes, "worksteal"
        options.tx = ["popen"] * processes


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
