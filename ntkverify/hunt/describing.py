"""What a run says of itself before it begins: its header, and the errors that it may make."""

import time
from typing import Any

from ntkverify.budgets import Budget
from ntkverify.claims import CATALOGUE
from ntkverify.domain import Domain
from ntkverify.space import space
from ntkverify.stats import ErrorBudget
from ntkverify.subjects import Subject


def errors(budget: Budget) -> ErrorBudget:
    """Shares the false-alarm probability of a run out over every example of every stochastic claim."""
    stochastic = sum(claim.stochastic for claim in CATALOGUE.values())
    return ErrorBudget(claims=stochastic, examples=budget.stochastic_examples)


def describe(subject: Subject, budget: Budget, seed: int) -> dict[str, Any]:
    """Collects what a run's header says: the subject, the effort, the error budget and the claims."""
    return {
        "subject": subject.name,
        "subject_version": getattr(subject, "version", ""),
        "domain": str(getattr(subject, "domain", Domain()) or ""),
        "budget": budget.name,
        "seed": seed,
        "false_alarm_probability": errors(budget).total,
        "false_alarm_probability_per_decision": errors(budget).per_decision,
        "space": space(),
        "claims": {claim.id: claim.description for claim in CATALOGUE.values()},
        "started": time.strftime("%Y-%m-%d %H:%M:%S"),
    }
