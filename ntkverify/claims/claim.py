"""A claim: what theory promises, under which premises, and how it is measured."""

import functools
import importlib.metadata
import platform
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis.strategies import SearchStrategy

from ntkverify.budgets import Budget
from ntkverify.errors import BeyondNumbers, SubjectFailed
from ntkverify.findings import Finding, Measurement, Verdict, weakest
from ntkverify.numerics import one_thread
from ntkverify.premises import Premise
from ntkverify.scenarios import Scenario
from ntkverify.stats import Effort
from ntkverify.subjects import Subject, has

ScenarioSpace = Callable[[Any, Budget, int], SearchStrategy[Scenario]]
"""(subject, budget, seed) -> the scenarios worth trying."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One promise of theory.

    id: "family.name". formula: in LaTeX, as between dollar signs.
    needs, about: parts (`subjects.PARTS`) of which a subject must bring all, and at least
    one: a claim that relates parts to one another is worth trying on a subject that brings any of them.
    implies: ids of claims that cannot be trusted where this one fails.
    stochastic: it draws networks, so its verdict has a false-alarm rate.
    inside, outside: scenarios that meet the premises, and ones chosen to break them (None where
    no premise is worth breaking). outside_samples: draws per width there; a theorem that breaks
    mostly breaks by much.
    measure: (subject, scenario, effort) -> what was measured.
    """

    id: str
    statement: str
    formula: str
    source: str
    premises: tuple[Premise, ...]
    needs: frozenset[str] = frozenset()
    about: frozenset[str] = frozenset()
    implies: tuple[str, ...] = ()
    stochastic: bool
    inside: ScenarioSpace
    outside: ScenarioSpace | None = None
    outside_samples: int = 128
    measure: Callable[[Any, Scenario, Effort], tuple[Measurement, ...]]

    @property
    def description(self) -> dict[str, Any]:
        """What a report says of the claim, as plain JSON."""
        return {
            "statement": self.statement,
            "formula": self.formula,
            "source": self.source,
            "premises": {premise.name: premise.statement for premise in self.premises},
            "implies": list(self.implies),
            "needs": " and ".join(
                [*sorted(self.needs), *([" or ".join(sorted(self.about))] if self.about else [])]
            ),
        }

    def concerns(self, subject: Subject) -> bool:
        """Whether the subject brings what the claim is about."""
        some = not self.about or any(has(subject, part) for part in self.about)
        return some and all(has(subject, part) for part in self.needs)

    def broken_premises(self, scenario: Scenario) -> tuple[str, ...]:
        """The names of the premises that `scenario` does not meet."""
        return tuple(premise.name for premise in self.premises if not premise.holds(scenario))


def examine(claim: Claim, subject: Subject, scenario: Scenario, effort: Effort) -> Finding:
    """Measures `claim` on `scenario`. Never raises: a crash is a finding, undecided, with its traceback."""
    started = time.perf_counter()
    measurements: tuple[Measurement, ...] = ()
    error = ""
    if claim.concerns(subject):
        try:
            with one_thread():
                measurements = claim.measure(subject, scenario, effort)
            spent = sum(m.statistics.level for m in measurements if m.statistics)
            assert spent <= effort.level * (1 + 1e-9), f"{claim.id} spends {spent:g} of {effort.level:g}"
            verdict = weakest([measurement.verdict for measurement in measurements])
            if not measurements:  # the subject brings nothing that the claim is about
                verdict = Verdict.OUT_OF_SCOPE
        except KeyboardInterrupt:
            raise
        except BeyondNumbers:
            verdict = Verdict.OUT_OF_SCOPE
        except SubjectFailed:  # which is what was to be found out
            verdict, error = Verdict.FAILS, traceback.format_exc()
        except BaseException:  # whatever a subject's code raises must not end the run: exits and skips, too
            verdict, error = Verdict.UNDECIDED, traceback.format_exc()
    else:
        verdict = Verdict.OUT_OF_SCOPE
    return Finding(
        claim=claim.id,
        subject=subject.name,
        verdict=verdict,
        scenario=scenario.to_plain(),
        level=effort.level,
        max_samples=effort.max_samples,
        broken_premises=claim.broken_premises(scenario),
        measurements=measurements,
        error=error,
        versions=_versions(subject),
        seconds=time.perf_counter() - started,
    )


_version = functools.cache(importlib.metadata.version)


def _versions(subject: Subject) -> dict[str, str]:
    """What the numbers may depend on."""
    packages = ("ntkverify", "torch", "numpy", "scipy")
    return {
        "python": platform.python_version(),
        **{name: _version(name) for name in packages},
        subject.name: getattr(subject, "version", ""),
    }
