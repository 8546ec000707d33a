"""What a long trial says of itself."""

import time
from typing import Any

import pytest


class Progress:
    """Writes one line that says which claim is being tried and how far along it is."""

    SECONDS_BETWEEN_LINES = 10

    def __init__(self, config: pytest.Config):
        self._reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
        self._capture: Any = config.pluginmanager.get_plugin("capturemanager")
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
