"""Hypothesis strategies for scenarios and their parts. Each lists the simplest first, and widths
from the largest: Hypothesis shrinks toward the first, and a failure at width 4096 says more than
one at 16.
"""

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ntkverify.activations import BY_NAME, Activation, Erf, ReLU
from ntkverify.architecture import Architecture, Linear, Sequential
from ntkverify.data import REAL, Points
from ntkverify.methods import GradientDescent, Method
from ntkverify.recipes import KINDS, Recipe
from ntkverify.scenarios import Scenario, Training

ACTIVATIONS: tuple[Activation, ...] = (ReLU(), Erf())
CLOSED_FORMS = tuple(activation for kind in BY_NAME.values() for activation in kind.drawn())
"""For claims about kernels alone: those whose outputs stay within the range of numbers on any inputs and at
any depth, which powers and exponentials do not."""
SOURCES = ("sphere", "gaussian", *REAL)
"""Where the inputs of a typical scenario come from."""
HARD_SOURCES = ("near", "antipodes", "duplicates", "hostile")
"""Inputs that kernels have been seen to stumble over."""


@st.composite
def architectures(
    draw,
    *,
    inputs: int,
    depths: Sequence[int] = (1, 2, 3),
    activations: Sequence[Activation] = ACTIVATIONS,
    weight_stds: Sequence[float] = (2**0.5, 1.0, 2.0),
    bias_stds: Sequence[float] = (1.0, 0.5, 0.1),
    weights: Sequence[str] = ("gaussian",),
    first_weights: Sequence[str] = ("gaussian",),
) -> Architecture:
    """Multilayer perceptrons with one output, at scales that keep signals of order 1.

    weights: distributions of all layers but the first, which has its own.
    """
    weight_std, bias_std = draw(st.sampled_from(weight_stds)), draw(st.sampled_from(bias_stds))
    first = Linear(weight_std, bias_std, draw(st.sampled_from(first_weights)))
    other = Linear(weight_std, bias_std, draw(st.sampled_from(weights)))
    activation, depth = draw(st.sampled_from(activations)), draw(st.sampled_from(depths))
    return Architecture(inputs=inputs, layers=Sequential(first, *[activation, other] * depth))


@st.composite
def trainings(
    draw,
    *,
    steps: Sequence[int],
    step_sizes: Sequence[float],
    test_points: int,
    methods: Sequence[Method] = (GradientDescent(),),
) -> Training:
    """Full-batch training of a few lengths, step sizes and methods."""
    return Training(
        steps=draw(st.sampled_from(steps)),
        step_size=draw(st.sampled_from(step_sizes)),
        test_points=test_points,
        method=draw(st.sampled_from(methods)),
    )


@st.composite
def scenarios(
    draw,
    subject: Any,
    seed: int,
    *,
    counts: tuple[int, int],
    dimensions: tuple[int, int] = (1, 8),
    data_seeds: tuple[int, int] = (0, 2**16),
    sources: Sequence[str] = SOURCES,
    widths: Sequence[tuple[int, ...]] = ((),),
    training: SearchStrategy[Training | None] = st.none(),
    profiles: Callable[[int], SearchStrategy[tuple[int | None, ...]]] = lambda depth: st.just(()),
    **architecture: Any,
) -> Scenario:
    """Scenarios that `subject` can be asked about; pairs are the least and the most of something.

    seed: of every network in them; profiles: by depth; `architecture`: options of `architectures`. A subject with an
    architecture, a number of inputs or widths of its own gets scenarios that fit them.
    """
    inputs = inputs_of(subject)
    if inputs is not None:
        sources = [source for source in sources if REAL.get(source, inputs) == inputs]
    source = draw(st.sampled_from(sources))
    # Drawn for real data too: shrinking needs one shape of choices.
    dimension = draw(st.integers(*dimensions))
    dimension = inputs or REAL.get(source, dimension)
    arch = getattr(subject, "architecture", None)
    if not hasattr(subject, "architecture"):
        arch = draw(architectures(inputs=dimension, **architecture))
        assume(getattr(subject, "supports", lambda _: True)(arch))
    points = Points(
        source=source,
        count=draw(st.integers(*counts)),
        dimension=dimension,
        seed=draw(st.integers(*data_seeds)),
    )
    return Scenario(
        architecture=arch,
        points=points,
        widths=draw(st.sampled_from([_fitting(subject, some) for some in widths])),
        seed=seed,
        training=draw(training),
        profile=draw(profiles(arch.depth)) if arch else (),
    )


def inputs_of(subject: Any) -> int | None:
    """The number of features that the subject takes; None for any."""
    arch = getattr(subject, "architecture", None)
    return getattr(subject, "inputs", None) if arch is None else arch.inputs


def _fitting(subject: Any, widths: tuple[int, ...]) -> tuple[int, ...]:
    """The subject's own widths in place of others; in place of a single one, that in their middle."""
    own = getattr(subject, "widths", None)
    if not own or not widths:
        return widths
    return own if len(widths) > 1 else (own[len(own) // 2],)


@st.composite
def module_scenarios(
    draw,
    subject: Any,
    seed: int,
    *,
    counts: tuple[int, int],
    dimensions: tuple[int, int] = (1, 6),
    kinds: Sequence[str] = tuple(KINDS),
    widths: Sequence[int] = (16, 8, 3),
    outputs: Sequence[int] = (1, 2, 3),
) -> Scenario:
    """Scenarios about torch modules of every kind."""
    dimension = draw(st.integers(*dimensions))
    dimension = inputs_of(subject) or dimension
    recipe = Recipe(
        kind=draw(st.sampled_from(kinds)),
        width=draw(st.sampled_from(widths)),
        outputs=draw(st.sampled_from(outputs)),
        bias=draw(st.sampled_from((True, False))),
        activation=draw(st.sampled_from(("relu", "tanh", "gelu"))),
        dtype=draw(st.sampled_from(("float64", "float32"))),
    )
    points = Points(
        source=draw(st.sampled_from(("sphere", "gaussian", "duplicates", "antipodes"))),
        count=draw(st.integers(*counts)),
        dimension=dimension,
        seed=draw(st.integers(0, 2**16)),
    )
    return Scenario(points=points, seed=seed, module=recipe)
