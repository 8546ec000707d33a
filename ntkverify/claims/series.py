"""Networks at every width of a scenario: drawn once, judged several times."""

from collections.abc import Callable

import numpy as np

from ntkverify.claims.judging import SCREEN
from ntkverify.scenarios import Scenario

Replicates = Callable[[int, list[int]], np.ndarray]
"""(width, seeds) -> (columns, networks): some numbers for each of the networks of one width."""


AT_ONCE = 128
"""Networks that are held at a time."""


class WidthSeries:
    """Networks at every width of a scenario, drawn once and kept, so that all judgements see the same.

    screen: replicates that every judgement starts with.
    """

    def __init__(self, replicates: Replicates, scenario: Scenario, screen: int = SCREEN):
        self._replicates, self._scenario, self.screen = replicates, scenario, screen
        self._known: dict[str, np.ndarray] = {}
        self.widths = np.array(scenario.widths, dtype=float)

    def rows(self, column: int, stream: str, start: int, count: int) -> np.ndarray:
        """(count, widths): one column of what `replicates` gives."""
        known = self._known.get(stream)
        if missing := range(0 if known is None else known.shape[1], start + count):
            fresh = np.stack([self._at(width, stream, missing) for width in self._scenario.widths], axis=2)
            self._known[stream] = fresh if known is None else np.concatenate([known, fresh], axis=1)
        return self._known[stream][column, start : start + count]

    # Seeds differ between widths: networks that share their first units were measured to widen
    # the spread of the slope by up to a tenth and of the extrapolated offset by up to a quarter.
    def _at(self, width: int, stream: str, indices: range) -> np.ndarray:
        seeds = [self._scenario.network_seed(stream, index, width) for index in indices]
        parts = (seeds[start : start + AT_ONCE] for start in range(0, len(seeds), AT_ONCE))
        return np.concatenate([np.asarray(self._replicates(width, part)) for part in parts], axis=1)
