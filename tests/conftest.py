"""Shared by all tests: pytest's own test bench, torch on one thread, which small work prefers, and a table
of the planted faults at the end: which claim found which."""

import pytest
import torch

from ntkverify.lazy import layer

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def scale_lazy_layers(monkeypatch):
    """Plants a fault: scale_lazy_layers(factor) makes the weights of lazy layers that many times too large."""
    right = layer.LazyLinear.__init__

    def plant(factor: float) -> None:
        def wrong(self, matrix, bias, weight_std, bias_std):
            right(self, matrix, bias, factor * weight_std, bias_std)

        monkeypatch.setattr(layer.LazyLinear, "__init__", wrong)

    return plant


FOUND_BY = "found by"
"""The property under which a test of planted faults records the claims that found one."""


def pytest_terminal_summary(terminalreporter):
    reports = terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", [])
    found = {
        report.nodeid.partition("[")[2][:-1]: dict(report.user_properties)[FOUND_BY]
        for report in reports
        if FOUND_BY in dict(report.user_properties)
    }
    if found:
        terminalreporter.section("planted faults, and the claims that found them")
        for fault, claims in found.items():
            terminalreporter.line(f"{fault:{max(map(len, found))}}  {claims or 'NONE'}")
