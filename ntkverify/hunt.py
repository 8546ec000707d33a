"""The hunt for counterexamples: Hypothesis draws scenarios, a claim measures them, all is recorded."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings

from ntkverify.budgets import Budget
from ntkverify.claims import CATALOGUE, Claim, Effort, examine
from ntkverify.diagnosis import explained
from ntkverify.findings import Finding, Verdict, summary
from ntkverify.refutation import ClaimRefuted
from ntkverify.reproducible import constants_left_out
from ntkverify.scenarios import Scenario
from ntkverify.seeds import derive
from ntkverify.space import space
from ntkverify.stats import ErrorBudget
from ntkverify.subjects import Subject

OUTSIDE_EXAMPLES = 10
"""Scenarios tried in search of a failure outside the premises, before shrinking."""

SHRINKING_EXAMPLES = 40
"""Scenarios measured, after the first that failed, in search of a simpler one that costs networks."""

ALL_CHECKS = tuple(HealthCheck)


def errors(budget: Budget) -> ErrorBudget:
    """Shares the false-alarm probability of a run out over every example of every stochastic claim."""
    stochastic = sum(claim.stochastic for claim in CATALOGUE.values())
    return ErrorBudget(claims=stochastic, examples=budget.stochastic_examples)


def describe(subject: Subject, budget: Budget, seed: int) -> dict[str, Any]:
    """Collects what a run's header says: the subject, the effort, the error budget and the claims."""
    return {
        "subject": subject.name,
        "subject_version": getattr(subject, "version", ""),
        "budget": budget.name,
        "seed": seed,
        "false_alarm_probability": errors(budget).total,
        "false_alarm_probability_per_decision": errors(budget).per_decision,
        "space": space(),
        "claims": {claim.id: claim.description for claim in CATALOGUE.values()},
        "started": time.strftime("%Y-%m-%d %H:%M:%S"),
    }


@dataclass(frozen=True, kw_only=True)
class Hunt:
    """One run's search: the same seed gives the same findings.

    record: called with every finding as it comes. progress: called before every scenario with
    the claim's id, how many were tried, and how many are planned. folder: of the run, for its messages.
    """

    subject: Subject
    budget: Budget
    seed: int
    record: Callable[[Finding], None]
    progress: Callable[[str, int, int], None]
    fail_on_findings: bool = False
    folder: str = ""

    def inside(self, claim: Claim) -> Verdict:
        """Tries to refute `claim` where its premises hold: HOLDS, UNDECIDED or OUT_OF_SCOPE.

        Raises ClaimRefuted, carrying the minimal counterexample, for a failure or a crash.
        """
        if not claim.concerns(self.subject):
            return self._out_of_scope(claim)
        examples = self.budget.stochastic_examples if claim.stochastic else self.budget.examples
        attempt = _Attempt(self, claim, examples, self.budget.max_samples)

        @hypothesis.seed(self._random(claim, "inside").getrandbits(64))
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,  # a remembered example would make two runs of one seed differ
            suppress_health_check=ALL_CHECKS,
            report_multiple_bugs=False,
            phases=(Phase.generate, Phase.shrink),
        )
        @given(claim.inside(self.subject, self.budget, self.seed))
        def refute(scenario: Scenario) -> None:
            hypothesis.assume(not claim.broken_premises(scenario) and attempt.affords(scenario))
            finding = attempt(scenario)
            if finding.is_defect or finding.error:
                raise ClaimRefuted(finding)

        try:
            with constants_left_out():
                refute()
        except hypothesis.errors.Unsatisfiable:
            pass  # the subject supports no architecture that the claim is about
        except ClaimRefuted as refuted:
            minimal = replace(refuted.finding, minimal=True)
            if minimal.is_defect:
                minimal = explained(minimal, claim, self.subject)
            self.record(minimal)
            raise ClaimRefuted(minimal, self.folder) from None
        return summary(attempt.findings) if attempt.findings else self._out_of_scope(claim)

    def outside(self, claim: Claim) -> Finding | None:
        """Finds the simplest scenario on which `claim` fails because a premise is broken, if there is any.

        Raises ClaimRefuted for it where the run fails on findings, and for a crash.
        """
        if claim.outside is None or not claim.concerns(self.subject):
            return None
        attempt = _Attempt(self, claim, OUTSIDE_EXAMPLES, claim.outside_samples)
        try:
            with constants_left_out():
                scenario = hypothesis.find(
                    claim.outside(self.subject, self.budget, self.seed),
                    lambda scenario: (
                        bool(claim.broken_premises(scenario)) and attempt(scenario).verdict is Verdict.FAILS
                    ),
                    settings=settings(
                        max_examples=OUTSIDE_EXAMPLES,
                        deadline=None,
                        database=None,
                        suppress_health_check=ALL_CHECKS,
                    ),
                    random=self._random(claim, "outside"),
                )
        except (hypothesis.errors.NoSuchExample, hypothesis.errors.Unsatisfiable):
            finding = None
        else:
            finding = explained(replace(attempt(scenario), minimal=True), claim, self.subject)
            self.record(finding)
        for crashed in (known for known in attempt.findings if known.error):
            raise ClaimRefuted(crashed, self.folder)
        if finding and self.fail_on_findings:
            raise ClaimRefuted(finding, self.folder)
        return finding

    def _out_of_scope(self, claim: Claim) -> Verdict:
        """Puts on record that the subject has nothing that the claim is about, or not inside its premises."""
        verdict, name = Verdict.OUT_OF_SCOPE, self.subject.name
        empty = Finding(claim=claim.id, subject=name, verdict=verdict, scenario={}, level=0.0, max_samples=0)
        self.record(empty)
        return verdict

    def _random(self, claim: Claim, *names: str) -> random.Random:
        return random.Random(int(derive(self.seed, claim.id, *names).integers(2**63)))


class _Attempt:
    """Measures each scenario once, however often Hypothesis asks, and records what came out."""

    def __init__(self, hunt: Hunt, claim: Claim, planned: int, max_samples: int):
        self._hunt, self._claim, self._planned = hunt, claim, planned
        self._effort = Effort(level=errors(hunt.budget).per_decision, max_samples=max_samples)
        self._known: dict[Scenario, Finding] = {}

    @property
    def findings(self) -> list[Finding]:
        """Lists what was measured so far."""
        return list(self._known.values())

    def affords(self, scenario: Scenario) -> bool:
        """Tells whether `scenario` is known, or cheap, or the search for a simpler failure is still young."""
        if scenario in self._known or not self._claim.stochastic:
            return True
        failed = [index for index, known in enumerate(self.findings) if known.is_defect or known.error]
        return not failed or len(self._known) - failed[0] <= SHRINKING_EXAMPLES

    def __call__(self, scenario: Scenario) -> Finding:
        if scenario not in self._known:
            self._hunt.progress(self._claim.id, len(self._known) + 1, self._planned)
            finding = examine(self._claim, self._hunt.subject, scenario, self._effort)
            self._known[scenario] = finding
            self._hunt.record(finding)
        return self._known[scenario]
