"""Scenarios about fully connected networks and their kernels."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ntkverify.activations import DRAWN, GROWING, Activation, Erf, ReLU
from ntkverify.architecture import Architecture, Linear, Sequential
from ntkverify.budgets import Budget
from ntkverify.data import REAL, Points
from ntkverify.domain import Domain
from ntkverify.methods import GradientDescent, Method
from ntkverify.scenarios import Scenario, Training
from ntkverify.strategies.layers import NO_METRIC, NTK_PARAMETERIZED, Metrics
from ntkverify.strategies.spaces import Space, own_domain, own_inputs
from ntkverify.subjects import Subject

ACTIVATIONS: tuple[Activation, ...] = (ReLU(), Erf())
CLOSED_FORMS = DRAWN
"""Those whose outputs stay within the range of numbers on any inputs and at any depth."""
ANY_ACTIVATION = (*DRAWN, *GROWING)
"""For claims about kernels alone: with powers and exponentials, whose kernels may leave that range."""
MODERATE = (2**0.5, 1.0, 1.6)
"""Deviations of weights at which networks of two layers scatter little enough for some hundred to show an offset."""
SOURCES = ("sphere", "gaussian", *REAL)
"""Where the inputs of a typical scenario come from."""
HARD_SOURCES = ("near", "antipodes", "duplicates", "hostile")
"""Inputs that kernels have been seen to stumble over."""


@dataclass(frozen=True, kw_only=True)
class Trainings:
    """Full-batch training of a few lengths, step sizes and methods."""

    steps: tuple[int, ...]
    step_sizes: tuple[float, ...]
    test_points: int
    methods: tuple[Method, ...] = (GradientDescent(),)


@dataclass(frozen=True)
class BudgetWidths:
    """The widths over which the run's budget fits convergence."""

    def __call__(self, budget: Budget) -> tuple[int, ...]:
        return budget.widths


BUDGET_WIDTHS = BudgetWidths()


@dataclass(frozen=True, kw_only=True)
class Scenarios(Space):
    """Scenarios that a subject can be asked about; pairs are the least and the most of something.

    A subject with an architecture, a number of inputs or widths of its own gets scenarios that fit them.
    widths: one series of them, largest first, or what tells it from the budget. profile: what each hidden layer's
    units are chosen from, None where the width rules; a single entry stands for every layer. The rest is of
    multilayer perceptrons: weights are those of all layers but the first, which has its own. unlike:
    whether each layer has deviations and an activation of its own, and a Linear may stand behind a Linear. rates:
    weight_rate and bias_rate, chosen layer by layer where the subject knows rates and metrics. zero_heads: whether the last layer's weights and biases start at
    zero, and move. unstated: the domain of a subject that is made for all inputs; beyond: inputs are not brought into
    the subject's domain.
    """

    counts: tuple[int, int]
    dimensions: tuple[int, int] = (1, 8)
    data_seeds: tuple[int, int] = (0, 2**16)
    sources: tuple[str, ...] = SOURCES
    widths: tuple[tuple[int, ...] | Callable[[Budget], tuple[int, ...]], ...] = ((),)
    training: Trainings | None = None
    profile: tuple[tuple[int | None, ...], ...] = ()
    depths: tuple[int, ...] = (1, 2, 3)
    activations: tuple[Activation, ...] = ACTIVATIONS
    outputs: tuple[int, ...] = (1,)
    weight_stds: tuple[float, ...] = (2**0.5, 1.0, 2.0)
    bias_stds: tuple[float, ...] = (1.0, 0.5, 0.1)
    weights: tuple[str, ...] = ("gaussian",)
    first_weights: tuple[str, ...] = ("gaussian",)
    unlike: tuple[bool, ...] = (False,)
    rates: tuple[tuple[float | None, float | None], ...] = NTK_PARAMETERIZED
    zero_heads: tuple[bool, ...] = (False,)
    metrics: Metrics = NO_METRIC
    unstated: Domain | None = None
    beyond: bool = False

    def __call__(self, subject: Subject, budget: Budget, seed: int) -> SearchStrategy[Scenario]:
        return _scenarios(self, subject, budget, seed)


@st.composite
def _trainings(draw: st.DrawFn, space: Trainings) -> Training:
    return Training(
        steps=draw(st.sampled_from(space.steps)),
        step_size=draw(st.sampled_from(space.step_sizes)),
        test_points=space.test_points,
        method=draw(st.sampled_from(space.methods)),
    )


@st.composite
def _architectures(draw: st.DrawFn, space: Scenarios, inputs: int, moving: bool) -> Architecture:
    depth, unlike = draw(st.sampled_from(space.depths)), draw(st.sampled_from(space.unlike))
    linears, activations = draw(_layers(space, depth, unlike))
    bare = draw(st.integers(0, depth - 1)) if unlike and depth else 0
    metric = None
    if moving:
        for place, linear in enumerate(linears):
            weight_rate, bias_rate = draw(st.sampled_from(space.rates))
            linears[place] = replace(linear, weight_rate=weight_rate, bias_rate=bias_rate)
        if draw(st.sampled_from(space.zero_heads)):
            last = linears[-1]
            linears[-1] = Linear(0.0, 0.0, weight_rate=last.weight_std**2, bias_rate=last.bias_std**2)
        metric = space.metrics.of(draw(st.sampled_from(space.metrics.kinds)), inputs)
    hidden = [
        (linear,) if bare and place == bare else (linear, activation)
        for place, (linear, activation) in enumerate(zip(linears, activations, strict=False))
    ]
    layers = [layer for block in hidden for layer in block]
    outputs = draw(st.sampled_from(space.outputs))
    return Architecture(
        inputs=inputs, outputs=outputs, layers=Sequential(*layers, linears[-1]), metric=metric
    )


@st.composite
def _layers(
    draw: st.DrawFn, space: Scenarios, depth: int, unlike: bool
) -> tuple[list[Linear], list[Activation]]:
    """Draws depth + 1 Linear layers and depth activations; all alike, but for the first layer's weights, or not."""

    def linear(weights: tuple[str, ...]) -> Linear:
        weight_std, bias_std = (draw(st.sampled_from(stds)) for stds in (space.weight_stds, space.bias_stds))
        return Linear(weight_std, bias_std, draw(st.sampled_from(weights)))

    def activation() -> Activation:
        return draw(st.sampled_from(space.activations))

    first = linear(space.first_weights)
    if unlike:
        return [first, *(linear(space.weights) for _ in range(depth))], [activation() for _ in range(depth)]
    other = replace(first, weights=draw(st.sampled_from(space.weights)))
    return [first, *[other] * depth], [activation()] * depth


@st.composite
def _scenarios(draw: st.DrawFn, space: Scenarios, subject: Subject, budget: Budget, seed: int) -> Scenario:
    inputs, sources = own_inputs(subject), list(space.sources)
    if inputs is not None:
        sources = [source for source in sources if REAL.get(source, inputs) == inputs]
    source = draw(st.sampled_from(sources))
    domain = None if space.beyond else own_domain(subject) or space.unstated
    # Drawn for real data too: shrinking needs one shape of choices.
    least, most = space.dimensions
    if domain and domain.closest_angle:
        least, most = max(2, least), max(2, most)  # on a line all are parallel
    dimension = draw(st.integers(least, most))
    dimension = inputs or REAL.get(source, dimension)
    arch = getattr(subject, "architecture", None)
    if not hasattr(subject, "architecture"):
        arch = draw(_architectures(space, dimension, getattr(subject, "knows_rates", False)))
        assume(getattr(subject, "supports", lambda _: True)(arch))
    points = Points(
        source=source,
        count=draw(st.integers(*space.counts)),
        dimension=dimension,
        seed=draw(st.integers(*space.data_seeds)),
        domain=domain,
    )
    assume(points.have_room)
    widths = [some(budget) if callable(some) else some for some in space.widths]
    return Scenario(
        architecture=arch,
        points=points,
        widths=draw(st.sampled_from([_fitting(subject, some) for some in widths])),
        seed=seed,
        training=draw(_trainings(space.training) if space.training else st.none()),
        profile=draw(_profiles(space, arch.depth)) if arch else (),
    )


def _profiles(space: Scenarios, depth: int) -> SearchStrategy[tuple[int | None, ...]]:
    if not space.profile:
        return st.just(())
    choices = space.profile * depth if len(space.profile) == 1 else space.profile
    return st.tuples(*map(st.sampled_from, choices))


def _fitting(subject: Subject, widths: tuple[int, ...]) -> tuple[int, ...]:
    """The subject's own widths in place of others; in place of a single one, that in their middle."""
    own = getattr(subject, "widths", None)
    if not own or not widths:
        return widths
    return own if len(widths) > 1 else (own[len(own) // 2],)
