"""The hunt for counterexamples: Hypothesis draws scenarios, a claim measures them, all is recorded."""

import contextlib
import math
import random
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import hypothesis
from hypothesis import Phase, given

from ntkverify.budgets import Budget
from ntkverify.claims import Claim, Effort
from ntkverify.diagnosis import Diagnoses, explained
from ntkverify.errors import InvalidArgument
from ntkverify.findings import Finding, Verdict, summary
from ntkverify.guarding import TimedOut, exits_raise, time_limit
from ntkverify.hunt.attempt import SHRINKING_EXAMPLES, Attempt, NotRecorded, without_scenario
from ntkverify.hunt.describing import describe, errors
from ntkverify.hunt.sparing import check_concerned, reason_to_spare
from ntkverify.refutation import ClaimRefuted
from ntkverify.reproducible import constants_left_out, settings_of
from ntkverify.scenarios import Scenario
from ntkverify.seeds import derive
from ntkverify.subjects import Subject

OUTSIDE_EXAMPLES = 10
"""Scenarios tried in search of a failure outside the premises, before shrinking."""


@dataclass(frozen=True, kw_only=True)
class Hunt:
    """One run's search: the same seed gives the same findings.

    record: called with every finding as it comes. progress: called before every scenario with
    the claim's id, how many were tried, and how many are planned. folder: of the run, for its messages.
    timeout: seconds after which a claim is ended, inside its premises and outside, 0 for never; None for the budget's.
    keep_going: try what `spares` spares. known: diagnoses, each made once a run.
    settled, refuted: claims that were found to hold, and to fail.
    Raises InvalidArgument for a seed or timeout that is none, and a subject that no claim is about.
    """

    subject: Subject
    budget: Budget
    seed: int
    record: Callable[[Finding], None]
    progress: Callable[[str, int, int], None]
    fail_on_findings: bool = False
    folder: str = ""
    timeout: float | None = None
    keep_going: bool = False
    known: Diagnoses = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    refuted: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        derive(self.seed)  # which checks it
        check_concerned(self.subject)
        if not (isinstance(self.seconds, int | float) and 0 <= self.seconds < math.inf):
            remedy = "Pass seconds, 0 for no limit."
            raise InvalidArgument("timeout", repr(self.timeout), "a finite number >= 0, or None", remedy)

    @property
    def seconds(self) -> float:
        """Is how long a claim may take."""
        return self.budget.seconds if self.timeout is None else self.timeout

    def spares(self, claim: Claim) -> str:
        """Says why `claim` need not be tried, as `reason_to_spare` does; "" where it is to be."""
        known = self.known, self.settled, self.refuted
        return "" if self.keep_going else reason_to_spare(claim, self.subject, *known)

    def inside(self, claim: Claim) -> Verdict:
        """Tries to refute `claim` where its premises hold: HOLDS, UNDECIDED or OUT_OF_SCOPE.

        Raises ClaimRefuted, carrying the minimal counterexample, for a failure or a crash.
        """
        with self._crashes_recorded(claim):
            verdict = self._inside(claim)
        self.settled.update([claim.id] * (verdict is Verdict.HOLDS))
        return verdict

    def _inside(self, claim: Claim) -> Verdict:
        if not claim.concerns(self.subject):
            return self._out_of_scope(claim)
        examples = self.budget.stochastic_examples if claim.stochastic else self.budget.examples
        attempt = self._attempt(claim, examples, self.budget.max_samples)

        @hypothesis.seed(self._random(claim, "inside").getrandbits(64))
        @settings_of(examples, report_multiple_bugs=False, phases=(Phase.generate, Phase.shrink))
        @given(claim.inside(self.subject, self.budget, self.seed))
        def refute(scenario: Scenario) -> None:
            hypothesis.assume(not claim.broken_premises(scenario) and attempt.affords(scenario))
            finding = attempt(scenario)
            if finding.is_defect or finding.error:
                raise ClaimRefuted(finding)

        try:
            with constants_left_out(), attempt.limited():
                refute()
        except hypothesis.errors.Unsatisfiable:
            pass  # the subject supports no architecture that the claim is about
        except ClaimRefuted as refuted:
            minimal = replace(refuted.finding, minimal=True)
            if minimal.is_defect:
                self.refuted.add(claim.id)
                minimal = self._explained(minimal, claim)
            self.keep(minimal)
            raise ClaimRefuted(minimal, self.folder) from None
        return summary(attempt.findings) if attempt.findings else self._out_of_scope(claim)

    def outside(self, claim: Claim) -> Finding | None:
        """Finds the simplest scenario on which `claim` fails because a premise is broken, if there is any.

        Raises ClaimRefuted for it where the run fails on findings, and for a crash.
        """
        with self._crashes_recorded(claim):
            return self._outside(claim)

    def _outside(self, claim: Claim) -> Finding | None:
        if claim.outside is None or not claim.concerns(self.subject):
            return None
        attempt = self._attempt(claim, OUTSIDE_EXAMPLES, claim.outside_samples)
        try:
            with constants_left_out(), attempt.limited():
                scenario = hypothesis.find(
                    claim.outside(self.subject, self.budget, self.seed),
                    lambda scenario: (
                        bool(claim.broken_premises(scenario))
                        and not attempt.ended
                        and attempt(scenario).verdict is Verdict.FAILS
                    ),
                    settings=settings_of(OUTSIDE_EXAMPLES),
                    random=self._random(claim, "outside"),
                )
        except (hypothesis.errors.NoSuchExample, hypothesis.errors.Unsatisfiable):
            finding = None
        else:
            finding = self._explained(replace(attempt(scenario), minimal=True), claim)
            self.keep(finding)
        for crashed in (known for known in attempt.findings if known.error):
            raise ClaimRefuted(crashed, self.folder)
        if finding and self.fail_on_findings:
            raise ClaimRefuted(finding, self.folder)
        return finding

    def _out_of_scope(self, claim: Claim) -> Verdict:
        """Puts on record that the subject has nothing that the claim is about, or not inside its premises."""
        self.keep(without_scenario(claim, self.subject, Verdict.OUT_OF_SCOPE))
        return Verdict.OUT_OF_SCOPE

    def keep(self, finding: Finding) -> None:
        """Records a finding; an error in that ends the search."""
        try:
            self.record(finding)
        except Exception as error:
            raise NotRecorded from error

    @contextlib.contextmanager
    def _crashes_recorded(self, claim: Claim) -> Iterator[None]:
        """Records what crashes, exits or hangs between two scenarios, such as the subject's `supports`."""
        try:
            with exits_raise():
                yield
        except (ClaimRefuted, KeyboardInterrupt):
            raise
        except NotRecorded as failed:
            assert failed.__cause__, "it is raised from the error"
            raise failed.__cause__ from None
        except BaseException:
            crashed = without_scenario(claim, self.subject, Verdict.UNDECIDED, traceback.format_exc())
            self.record(crashed)
            raise ClaimRefuted(crashed, self.folder) from None

    def _explained(self, finding: Finding, claim: Claim) -> Finding:
        try:
            with time_limit(self.seconds):
                return explained(finding, claim, self.subject, self.known)
        except TimedOut as error:
            return replace(finding, undiagnosed=(str(error),))

    def _attempt(self, claim: Claim, planned: int, max_samples: int) -> Attempt:
        effort = Effort(level=errors(self.budget).per_decision, max_samples=max_samples)
        return Attempt(self.subject, claim, effort, self.seconds, planned, self.keep, self.progress)

    def _random(self, claim: Claim, *names: str) -> random.Random:
        return random.Random(int(derive(self.seed, claim.id, *names).integers(2**63)))


__all__ = ["SHRINKING_EXAMPLES", "ClaimRefuted", "Hunt", "describe", "errors"]
