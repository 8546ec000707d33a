"""What a long trial says of itself: which claim is tried, how far along it is, and for how long yet."""

import time

SECONDS_BETWEEN_LINES = 10


class Pace:
    """Tells how far along a claim is; called before every scenario, as `Hunt.progress` is."""

    def __init__(self) -> None:
        self.claim, self._started, self._told = "", 0.0, 0.0

    def line(self, claim: str, number: int, planned: int) -> str:
        """Returns a line; number: of the scenario that is tried now, from 1 on."""
        now = time.monotonic()
        if claim != self.claim:
            self.claim, self._started, self._told = claim, now, 0.0
        if number > planned:
            return f"{claim}: scenario {number}, shrinking"
        seconds = (now - self._started) / max(1, number - 1) * (planned - number + 1)
        left = f", about {_duration(seconds)} left" if number > 1 and seconds >= 1 else ""
        return f"{claim}: scenario {number} of {planned}{left}"

    def is_due(self) -> bool:
        """Tells, once, whether enough time has gone by for another line."""
        due = self._told == 0.0 or time.monotonic() - self._told > SECONDS_BETWEEN_LINES
        if due:
            self._told = time.monotonic()
        return due


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
