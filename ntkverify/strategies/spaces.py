"""Spaces of scenarios, and what a subject leaves of them."""

from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ntkverify.budgets import Budget
from ntkverify.domain import Domain
from ntkverify.scenarios import Scenario
from ntkverify.subjects import Subject


class Space:
    """Scenarios that a claim is worth trying on: a value that says what is drawn, and draws it."""

    def __call__(self, subject: Subject, budget: Budget, seed: int) -> SearchStrategy[Scenario]:
        """Returns the scenarios for a subject, in a run of that budget and seed."""
        raise NotImplementedError

    def __or__(self, other: "Space") -> "Either":
        return Either((self, other))


@dataclass(frozen=True)
class Either(Space):
    """Scenarios from one of several spaces."""

    spaces: tuple[Space, ...]

    def __call__(self, subject: Subject, budget: Budget, seed: int) -> SearchStrategy[Scenario]:
        return st.one_of(*(space(subject, budget, seed) for space in self.spaces))


def own_domain(subject: Subject) -> Domain | None:
    """The inputs that the subject is made for; None for all that there are numbers for."""
    return getattr(subject, "domain", Domain())


def own_inputs(subject: Subject) -> int | None:
    """The number of features that the subject takes; None for any."""
    arch = getattr(subject, "architecture", None)
    return getattr(subject, "inputs", None) if arch is None else arch.inputs
