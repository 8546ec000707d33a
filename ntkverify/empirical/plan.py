"""Which way each parameter's gradients are computed: the fastest that is right at a few examples."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from ntkverify.empirical.chains import is_plain_chain
from ntkverify.empirical.checks import check_rows
from ntkverify.empirical.contraction import Features
from ntkverify.empirical.jacobian_contraction import jacobian_features
from ntkverify.empirical.plain_gradients import disagreeing, plain_features
from ntkverify.empirical.structured_derivatives import structured_features, unaccounted
from ntkverify.models import Examples, Model

PROBES = 2
"""Examples, the first ones, on which faster gradients are held against plain ones."""


@dataclass(frozen=True)
class Plan:
    """Names of parameters: by layers' rules, by Jacobians of all examples at once, and by plain gradients."""

    rules: frozenset[str] = frozenset()
    jacobians: frozenset[str] = frozenset()
    plain: frozenset[str] = frozenset()

    def without_rules(self, names: Collection[str]) -> "Plan":
        """Returns the plan that forms these parameters' Jacobians instead."""
        return replace(self, rules=self.rules - set(names), jacobians=self.jacobians | set(names))

    @property
    def formed(self) -> frozenset[str]:
        """Names all whose Jacobians are formed."""
        return self.jacobians | self.plain


def plan_for(model: Model, x: Examples, method: str) -> Plan:
    """Tries each way at the first of the examples x; method: of `empirical_ntk`."""
    names, probes = frozenset(model.names), x[:PROBES]
    by_rules = method in ("auto", "structured_derivatives")
    if is_plain_chain(model):
        return Plan(rules=names) if by_rules else Plan(jacobians=names)
    formed = unaccounted(model, probes) if by_rules else names
    return checked(model, probes, Plan(rules=names - formed, jacobians=formed))


def checked(model: Model, probes: Examples, plan: Plan) -> Plan:
    """Returns the plan with plain gradients for those Jacobians that are wrong at the probes."""
    if not plan.jacobians or is_plain_chain(model):
        return plan
    rows = jacobian_features(model, probes, plan.jacobians)
    wrong = disagreeing(model, probes, {name: [rows[name]] for name in plan.jacobians})
    return replace(plan, jacobians=plan.jacobians - wrong, plain=plan.plain | wrong)


def features(model: Model, x: Examples, plan: Plan) -> Features:
    """Returns what the gradients at x are made of."""
    if plan.rules:
        found = structured_features(model, x, plan.rules)
    else:
        check_rows(model, x)
        found = {}
    if plan.jacobians:
        found = found | jacobian_features(model, x, plan.jacobians)
    return found | (plain_features(model, x, plan.plain) if plan.plain else {})
