"""A kernel that is asked for, and how it is to be computed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

from ntkverify.empirical.chains import is_plain_chain
from ntkverify.empirical.choosing import COSTS, Choice, choose_among
from ntkverify.empirical.plan import Gradients, NotBatchedError, Plan, plan_for
from ntkverify.empirical.shapes import Layout, layout_of
from ntkverify.empirical.structured_derivatives import NotByLayerError
from ntkverify.lazy import is_lazy
from ntkverify.models import Examples, Model

METHODS = tuple(COSTS)

Answer = TypeVar("Answer")

NAMED = 3
"""Parameters that a reason names; the others it counts."""


@dataclass(frozen=True)
class Question:
    """A kernel that is asked for: by which methods, and of what size."""

    model: Model
    x1: Examples
    x2: Examples
    method: str
    full: bool
    memory: int

    @cached_property
    def layout(self) -> Layout:
        return layout_of(self.model, self.x1)

    def answer(self, compute: Callable[[Gradients, Choice], Answer]) -> tuple[Answer, Choice]:
        """Returns what `compute` makes of the gradients, and the choice: of the first plan that goes through."""
        plan, choice = self.planned()
        while True:
            try:
                return compute(Gradients(self.model, plan.by(choice.method)), choice), choice
            except (NotByLayerError, NotBatchedError) as error:
                plan = plan.after(error)
                choice = self.choice(plan)

    def planned(self) -> tuple[Plan, Choice]:
        """Returns a plan, and the choice for it; layers' rules are not looked into where another method is cheaper even
        if they hold for all layers."""
        outside = self.layout.outside
        plan = Plan(rules=frozenset(self.model.names) - outside, jacobians=outside)
        choice = self.choice(plan)
        if choice.method != "structured_derivatives" or is_plain_chain(self.model):
            return plan, choice
        plan = plan_for(self.model, self.x1)
        return plan, self.choice(plan)

    def choice(self, plan: Plan) -> Choice:
        """Returns the choice among the methods for a plan."""
        every = METHODS if self.method == "auto" else (self.method,)
        methods = ("structured_derivatives",) if is_lazy(self.model.net) else every
        shape = self.layout.shape(plan.formed if "structured_derivatives" in methods else plan.plain)
        sizes = len(self.x1), len(self.x2)
        choice = choose_among(methods, shape, *sizes, full=self.full, memory=self.memory)
        if not plan.plain:
            return choice
        named, more = sorted(plan.plain)[:NAMED], len(plan.plain) - NAMED
        which = ", ".join(named) + (f" and {more} more" if more > 0 else "")
        return replace(
            choice, reason=f"{choice.reason}; faster gradients of {which} differ, so plain ones are used"
        )
