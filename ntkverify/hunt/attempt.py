"""One claim's attempt on one subject: which scenarios were measured, what came out, and what is still affordable."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from ntkverify.claims import Claim, Effort, examine
from ntkverify.findings import Finding, Verdict
from ntkverify.guarding import Limit, time_limit
from ntkverify.scenarios import Scenario
from ntkverify.subjects import Subject

SHRINKING_EXAMPLES = 40
"""Scenarios measured, after the first that failed, in search of a simpler one that costs networks."""

SHRINKING_SECONDS = 60.0
"""How long a simpler failure is sought: with the first and the last scenario it ends within two minutes."""


class NotRecorded(BaseException):
    """A finding could not be recorded; no Exception, or Hypothesis would search for a simpler one of that kind."""


class Attempt:
    """Measures each scenario once, however often Hypothesis asks, and records what came out."""

    def __init__(
        self,
        subject: Subject,
        claim: Claim,
        effort: Effort,
        seconds: float,
        planned: int,
        record: Callable[[Finding], None],
        progress: Callable[[str, int, int], None],
    ):
        self._subject, self._claim, self._effort, self._seconds = subject, claim, effort, seconds
        self._planned, self._record, self._progress = planned, record, progress
        self._known: dict[Scenario, Finding] = {}
        self._limit = Limit()
        self._failed_at = math.inf

    @contextlib.contextmanager
    def limited(self) -> Iterator[None]:
        """Ends what runs inside when the claim's time is up."""
        with time_limit(self._seconds) as self._limit:
            yield

    @property
    def ended(self) -> bool:
        """Tells whether the claim's time is up."""
        return self._limit.expired

    @property
    def findings(self) -> list[Finding]:
        """Lists what was measured so far."""
        return list(self._known.values())

    def affords(self, scenario: Scenario) -> bool:
        """Tells whether `scenario` is known, or the search for a simpler failure is still young."""
        if scenario in self._known:
            return True
        if self.ended or time.monotonic() - self._failed_at > SHRINKING_SECONDS:
            return False
        if not self._claim.stochastic:
            return True
        failed = [index for index, known in enumerate(self.findings) if known.is_defect or known.error]
        return not failed or len(self._known) - failed[0] <= SHRINKING_EXAMPLES

    def __call__(self, scenario: Scenario) -> Finding:
        if scenario not in self._known:
            self._progress(self._claim.id, len(self._known) + 1, self._planned)
            finding = examine(self._claim, self._subject, scenario, self._effort)
            self._limit.stop()
            if self.ended and not finding.error:
                error = f"its time of {self._seconds:g} s was up, and the code that was to be ended went on\n"
                finding = replace(finding, verdict=Verdict.UNDECIDED, error=error)
            if finding.is_defect or finding.error:
                self._failed_at = min(self._failed_at, time.monotonic())
            self._known[scenario] = finding
            self._record(finding)
        return self._known[scenario]


def without_scenario(claim: Claim, subject: Subject, verdict: Verdict, error: str = "") -> Finding:
    """Returns the finding that no scenario was measured."""
    return Finding(
        claim=claim.id,
        subject=subject.name,
        verdict=verdict,
        scenario={},
        level=0.0,
        max_samples=0,
        error=error,
    )
