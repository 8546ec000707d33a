"""Claims about the shape of a kernel: what holds for every pair of points, whatever the activation."""

from dataclasses import replace

import numpy as np

from ntkverify.claims.claim import Claim, Effort
from ntkverify.claims.kernel.accuracy import compared, kernels, rounding_bound
from ntkverify.findings import Measurement
from ntkverify.premises import ANY_NORM, HOMOGENEOUS, ISOTROPIC, UNBIASED
from ntkverify.scenarios import Scenario
from ntkverify.seeds import derive
from ntkverify.strategies import (
    ANY_ACTIVATION,
    ANY_LAYERS,
    CLOSED_FORMS,
    HARD_SOURCES,
    RATES,
    SOURCES,
    Metrics,
    Scenarios,
)
from ntkverify.subjects import Subject


def measure_symmetric(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """k(x, y) against k(y, x): in the Gram matrix, and between two sets of different size."""
    x = scenario.points.inputs()
    few = x[: len(x) // 3 + 1]
    bound, out = rounding_bound(subject, scenario.architecture, x), []
    for name, kernel in kernels(subject, scenario.architecture).items():
        gram = kernel(x, x)
        diagonal = np.diag(gram)
        several = diagonal[: len(few)], diagonal
        crossed = kernel(few, x), kernel(x, few).T
        out += [
            compared(f"{name}, Gram matrix", gram, gram.T, (diagonal, diagonal), bound, (x, x), "k(y, x)"),
            compared(f"{name}, two sets", *crossed, several, bound, (few, x), "k(y, x)"),
        ]
    return tuple(out)


def measure_consistent(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """The Gram matrix against itself put together from blocks, from single pairs, and in another order."""
    x = scenario.points.inputs()
    everything, middle = np.arange(len(x)), len(x) // 2
    order = derive(scenario.points.seed, "order").permutation(len(x))
    bound, out = rounding_bound(subject, scenario.architecture, x), []
    for name, kernel in kernels(subject, scenario.architecture).items():
        gram = kernel(x, x)
        blocks = [[kernel(a, b) for b in (x[:middle], x[middle:])] for a in (x[:middle], x[middle:])]
        pairs = [[kernel(x[i : i + 1], x[j : j + 1])[0, 0] for j in order[:3]] for i in order[:3]]
        for how, got, rows, columns in (
            ("blocks", np.block(blocks), everything, everything),
            ("two sets of one size", kernel(x[:-1], x[1:]), everything[:-1], everything[1:]),
            ("rows in another order", kernel(x[order], x[order]), order, order),
            ("single pairs", np.array(pairs), order[:3], order[:3]),
        ):
            one, other = (np.diag(gram)[chosen] for chosen in (rows, columns))
            wanted, points = gram[np.ix_(rows, columns)], (x[rows], x[columns])
            words = f"{name}, {how}"
            out.append(compared(words, got, wanted, (one, other), bound, points, "in the Gram matrix"))
    return tuple(out)


def measure_rotation_invariant(
    subject: Subject, scenario: Scenario, effort: Effort
) -> tuple[Measurement, ...]:
    """The Gram matrix of the inputs against that of the inputs turned by a random orthogonal matrix."""
    x = scenario.points.inputs()
    turn = np.linalg.qr(derive(scenario.points.seed, "turn").standard_normal((x.shape[1],) * 2))[0]
    bound, out = rounding_bound(subject, scenario.architecture, x), []
    for name, kernel in kernels(subject, scenario.architecture).items():
        gram = kernel(x, x)
        diagonal = np.diag(gram)
        turned = kernel(x @ turn, x @ turn)
        out.append(
            compared(name, turned, gram, (diagonal, diagonal), bound, (x @ turn,) * 2, "before turning")
        )
    return tuple(out)


def measure_homogeneous(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """k(s x, t y) against (s t)^p k(x, y), p the product of the activations' degrees."""
    arch, x = scenario.arch, scenario.points.inputs()
    factors = _factors(scenario, x)
    degree = int(np.prod([activation.homogeneous or 0 for activation in arch.activations]))
    bound, out = rounding_bound(subject, arch, x, factors * x), []
    for name, kernel in kernels(subject, arch).items():
        gram = kernel(x, x)
        expected = (factors @ factors.T) ** degree * gram
        diagonal = np.diag(expected)
        scaled = factors * x
        got, scales = kernel(scaled, scaled), (diagonal, diagonal)
        out.append(compared(name, got, expected, scales, bound, (scaled, scaled), "by homogeneity"))
    return tuple(out)


def _factors(scenario: Scenario, x: np.ndarray) -> np.ndarray:
    """Factors (n, 1) by which rows x (n, d) may be scaled without leaving the domain."""
    factors = derive(scenario.points.seed, "factors").choice([1e-3, 0.5, 1.0, 7.0, 1e3], (len(x), 1))
    if not scenario.points.domain:
        return factors
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    least, most = scenario.points.domain.norms
    inside = np.clip(factors * norms, least, most)
    return np.divide(inside, norms, out=np.ones_like(norms), where=norms > 0)


ANY_POINTS = Scenarios(
    counts=(2, 12),
    sources=(*SOURCES, *HARD_SOURCES),
    activations=ANY_ACTIVATION,
    bias_stds=(1.0, 0.1, 0.0),
    **ANY_LAYERS,
)


LARGE = replace(ANY_POINTS, counts=(129, 160), activations=CLOSED_FORMS)
"""More points than are evaluated at once."""


SYMMETRIC = Claim(
    id="kernel.symmetric",
    statement="Kernels are symmetric in their two arguments.",
    formula=r"k(x, y) = k(y, x)",
    source="an inner product of gradients: Jacot, Gabriel & Hongler 2018, section 4",
    premises=(),
    about=frozenset({"nngp", "ntk"}),
    stochastic=False,
    inside=ANY_POINTS,
    measure=measure_symmetric,
)
CONSISTENT = Claim(
    id="kernel.consistent",
    statement="An entry depends on its two points alone: not on the batch, its blocks or its order.",
    formula=r"k(X, Y)_{ij} = k(x_i, y_j)",
    source="definition of a kernel; empirical kernels of neural-tangents broke it (its issue 122)",
    premises=(),
    about=frozenset({"nngp", "ntk"}),
    stochastic=False,
    inside=ANY_POINTS | ANY_POINTS | LARGE,
    measure=measure_consistent,
)
ROTATION_INVARIANT = Claim(
    id="kernel.rotation_invariant",
    statement="Turning all inputs changes nothing: Gaussian weights have no preferred direction.",
    formula=r"k(Q x, Q y) = k(x, y) \text{ for orthogonal } Q",
    source="Daniely, Frostig & Singer 2016, section 3 (inputs enter through <x, y>, |x|, |y| alone)",
    premises=(ISOTROPIC,),
    needs=frozenset({"architecture"}),
    about=frozenset({"nngp", "ntk"}),
    stochastic=False,
    inside=replace(ANY_POINTS, metrics=Metrics()),
    measure=measure_rotation_invariant,
)
HOMOGENEITY = Claim(
    id="kernel.homogeneous",
    statement="Without biases and with homogeneous activations, scaling an input scales the kernel.",
    formula=r"k(s x, t y) = (s t)^p\, k(x, y) \text{ for } s, t > 0",
    source="Bietti & Mairal 2019, Lemma 1 (ReLU, p = 1)",
    premises=(UNBIASED, HOMOGENEOUS, ANY_NORM),
    needs=frozenset({"architecture"}),
    about=frozenset({"nngp", "ntk"}),
    stochastic=False,
    inside=replace(
        ANY_POINTS,
        activations=tuple(a for a in ANY_ACTIVATION if a.homogeneous),
        bias_stds=(0.0,),
        rates=tuple((weights, None) for weights, _ in RATES),
    ),
    measure=measure_homogeneous,
)

CLAIMS = (SYMMETRIC, CONSISTENT, ROTATION_INVARIANT, HOMOGENEITY)
