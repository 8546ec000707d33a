"""Which way each parameter's gradients are computed: the fastest that is right at a few examples."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from ntkverify.empirical.chains import is_plain_chain
from ntkverify.empirical.checks import check_rows
from ntkverify.empirical.contraction import Features
from ntkverify.empirical.jacobian_contraction import jacobian_features
from ntkverify.empirical.plain_gradients import disagreeing, plain_features
from ntkverify.empirical.structured_derivatives import NotByLayerError, structured_features, unaccounted
from ntkverify.models import Examples, Model

PROBES = 2
"""Examples, the first ones, on which faster gradients are held against plain ones."""


class NotBatchedError(Exception):
    """The Jacobians of some parameters, of all examples at once, are wrong; `names` are theirs."""

    def __init__(self, names: frozenset[str]):
        super().__init__(names)
        self.names = names


@dataclass(frozen=True)
class Plan:
    """Names of parameters: by layers' rules, where the method has them, by Jacobians of all examples at once, and by
    plain gradients."""

    rules: frozenset[str] = frozenset()
    jacobians: frozenset[str] = frozenset()
    plain: frozenset[str] = frozenset()

    def without_rules(self, names: Collection[str]) -> "Plan":
        """Returns the plan that forms these parameters' Jacobians instead."""
        return replace(self, rules=self.rules - set(names), jacobians=self.jacobians | set(names))

    def by(self, method: str) -> "Plan":
        """Returns the plan as a method carries it out: without rules but for structured derivatives."""
        return self if method == "structured_derivatives" else self.without_rules(self.rules)

    def after(self, error: NotByLayerError | NotBatchedError) -> "Plan":
        """Returns the plan that takes the next slower way for what went wrong."""
        if isinstance(error, NotByLayerError):
            return self.without_rules(error.names)
        wrong = error.names
        return Plan(rules=self.rules - wrong, jacobians=self.jacobians - wrong, plain=self.plain | wrong)

    @property
    def formed(self) -> frozenset[str]:
        """Names all whose Jacobians are formed."""
        return self.jacobians | self.plain


def plan_for(model: Model, x: Examples) -> Plan:
    """Finds what layers' rules are right for, at the first of the examples x."""
    names = frozenset(model.names)
    formed = frozenset() if is_plain_chain(model) else unaccounted(model, x[:PROBES].not_alone)
    return Plan(rules=names - formed, jacobians=formed)


@dataclass
class Gradients:
    """Computes what the gradients at examples are made of; the first time, Jacobians are held against plain
    gradients."""

    model: Model
    plan: Plan
    checked: bool = False

    def __call__(self, x: Examples) -> Features:
        """Returns the features at x.

        Raises NotByLayerError or NotBatchedError where the plan is wrong there, and InvalidArgument where examples see
        one another.
        """
        model, plan = self.model, self.plan
        if plan.rules:
            found = structured_features(model, x, plan.rules)
        else:
            check_rows(model, x)
            found = {}
        if plan.jacobians:
            rows = jacobian_features(model, x, plan.jacobians)
            if not (self.checked or is_plain_chain(model)):
                _check(model, x[:PROBES], {name: piece[:PROBES] for name, piece in rows.items()})
            self.checked = True
            found = found | rows
        return found | (plain_features(model, x, plan.plain) if plan.plain else {})


def _check(model: Model, x: Examples, rows: Features) -> None:
    if wrong := disagreeing(model, x, {name: [piece] for name, piece in rows.items()}):
        raise NotBatchedError(wrong)
