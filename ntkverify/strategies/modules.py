"""Scenarios about torch modules."""

from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ntkverify.budgets import Budget
from ntkverify.data import Points
from ntkverify.recipes import KINDS, Recipe
from ntkverify.scenarios import Scenario
from ntkverify.strategies.spaces import Space, own_inputs
from ntkverify.subjects import Subject


@dataclass(frozen=True, kw_only=True)
class ModuleScenarios(Space):
    """Scenarios about torch modules of every kind; pairs as in `Scenarios`."""

    counts: tuple[int, int]
    dimensions: tuple[int, int] = (1, 6)
    kinds: tuple[str, ...] = tuple(KINDS)
    widths: tuple[int, ...] = (16, 8, 3)
    outputs: tuple[int, ...] = (1, 2, 3)

    def __call__(self, subject: Subject, budget: Budget, seed: int) -> SearchStrategy[Scenario]:
        return _module_scenarios(self, subject, seed)


@st.composite
def _module_scenarios(draw: st.DrawFn, space: ModuleScenarios, subject: Subject, seed: int) -> Scenario:
    dimension = draw(st.integers(*space.dimensions))
    dimension = own_inputs(subject) or dimension
    recipe = Recipe(
        kind=draw(st.sampled_from(space.kinds)),
        width=draw(st.sampled_from(space.widths)),
        outputs=draw(st.sampled_from(space.outputs)),
        bias=draw(st.sampled_from((True, False))),
        activation=draw(st.sampled_from(("relu", "tanh", "gelu"))),
        dtype=draw(st.sampled_from(("float64", "float32"))),
    )
    points = Points(
        source=draw(st.sampled_from(("sphere", "gaussian", "duplicates", "antipodes"))),
        count=draw(st.integers(*space.counts)),
        dimension=dimension,
        seed=draw(st.integers(0, 2**16)),
    )
    return Scenario(points=points, seed=seed, module=recipe)
