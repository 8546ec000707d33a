"""Progress in pytest's terminal."""

from typing import Any

import pytest

from ntkverify.pace import Pace


class Progress:
    """Writes one line that says which claim is being tried and how far along it is."""

    def __init__(self, config: pytest.Config):
        self._reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
        self._capture: Any = config.pluginmanager.get_plugin("capturemanager")
        self._pace = Pace()

    def __call__(self, claim: str, number: int, planned: int) -> None:
        if self._reporter is None:
            return
        line = self._pace.line(claim, number, planned)
        with self._capture.global_and_fixture_disabled():
            if self._reporter.isatty:
                self._reporter.rewrite(line, erase=True)
            elif self._pace.is_due():
                self._reporter.write_line(line)
