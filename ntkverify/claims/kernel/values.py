"""Claims about a kernel's values, against integration that shares no code with the closed forms."""

from dataclasses import replace

import numpy as np
import torch

from ntkverify import oracle
from ntkverify.analytic import in_metric
from ntkverify.analytic.tiles import evaluate
from ntkverify.claims.claim import Claim, Effort
from ntkverify.claims.kernel.accuracy import (
    check_finite,
    compared,
    judged_within,
    kernels,
    reference,
    rounding_bound,
)
from ntkverify.findings import Measurement
from ntkverify.premises import SEPARATED
from ntkverify.premises.inputs import sine
from ntkverify.scenarios import Scenario
from ntkverify.strategies import ANY_ACTIVATION, ANY_LAYERS, HARD_SOURCES, SOURCES, Scenarios
from ntkverify.subjects import Subject
from ntkverify.witness import Witness


def measure_diagonal(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """k(x, x) for every input against the scalar recursion by integration, relative to itself."""
    arch, x = scenario.arch, scenario.points.inputs()
    bound, out = rounding_bound(subject, arch, x), []
    fine, coarse = ([oracle.kernels_of_point(arch, point, panels) for point in x] for panels in (48, 24))
    for name, kernel in kernels(subject, arch).items():
        # Asked as a cross-kernel, so that an entry is known as diagonal by its points alone.
        got = np.diag(kernel(x, x.copy()))
        expected = np.array([values[name] for values in fine])
        doubt = np.abs(expected - [values[name] for values in coarse])
        out.append(_integrated(name, got, expected, np.abs(expected), bound, doubt, (x, x)))
    return tuple(out)


def measure_oracle(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """k(x, y) of the first two inputs against integration in the plane."""
    arch, points = scenario.arch, scenario.points.inputs()[:2]
    bound = rounding_bound(subject, arch, points) / sine(scenario)
    fine, coarse = (oracle.kernels_of_pair(arch, points[0], points[1], panels) for panels in (36, 24))
    scales = [oracle.kernels_of_point(arch, point) for point in points]
    out = []
    for name, kernel in kernels(subject, arch).items():
        got = kernel(points[:1], points[1:])[0]
        scale = np.sqrt(scales[0][name] * scales[1][name])
        doubt = np.array([abs(fine[name] - coarse[name])])
        pair = points[:1], points[1:]
        out.append(_integrated(name, got, np.array([fine[name]]), scale, bound, doubt, pair))
    return tuple(out)


def measure_recursion(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Every entry of the Gram matrix against ntkverify's own kernel, as it is evaluated for large matrices."""
    arch, x = scenario.arch, scenario.points.inputs()
    bound, points, out = rounding_bound(subject, arch, x), torch.from_numpy(x), []
    for name, kernel in kernels(subject, arch).items():
        expected = evaluate(name.lower(), reference(subject, arch), in_metric(arch, points), None).numpy()
        check_finite(expected)
        diagonal = np.diag(expected)
        out.append(compared(name, kernel(x, x), expected, (diagonal, diagonal), bound, (x, x)))
    return tuple(out)


def _integrated(
    name: str,
    got: np.ndarray,
    wanted: np.ndarray,
    scale: np.ndarray,
    bound: float,
    doubt: np.ndarray,
    points: tuple[np.ndarray, np.ndarray],
) -> Measurement:
    """Holds numbers got (n,) of pairs of points, (n, d) each, against integrals; scale: what they are relative to.

    doubt: (n,), how far two resolutions of the integrals differ; the finer one is better than that.
    """
    check_finite(wanted)
    unsure = np.divide(doubt, scale, out=np.zeros_like(wanted), where=scale > 0).max()
    relative = np.divide(np.abs(got - wanted), scale, out=np.zeros_like(wanted), where=scale > 0)
    relative = np.where((scale == 0) & (got != 0) | ~np.isfinite(got), np.inf, relative)
    worst = int(relative.argmax())
    one, other = (tuple(x[worst].tolist()) for x in points)
    witness = Witness(
        rows=(one,), columns=(other,), got=((float(got[worst]),),), wanted=((float(wanted[worst]),),)
    )
    explained = f"rounding, and {unsure:.1g} from the integration"
    return judged_within(name, float(relative.max()), bound + float(unsure), explained, witness=witness)


ANYWHERE = Scenarios(
    counts=(2, 12),
    sources=(*SOURCES, *HARD_SOURCES),
    activations=ANY_ACTIVATION,
    bias_stds=(1.0, 0.1, 0.0),
    **ANY_LAYERS,
)

DIAGONAL = Claim(
    id="kernel.diagonal",
    statement="The kernel of a point with itself follows a recursion in one number, its variance.",
    formula=r"q' = \sigma_w^2\, \mathbb{E}[\phi(u)^2] + \sigma_b^2,\ u\, \sim\, N(0, q); \quad "
    r"\Theta' = r_w\, \mathbb{E}[\phi(u)^2] + r_b + \sigma_w^2\, \mathbb{E}[\phi'(u)^2]\, \Theta",
    source="Poole et al. 2016, equation 3; Jacot, Gabriel & Hongler 2018, Theorem 1",
    premises=(),
    needs=frozenset({"architecture"}),
    about=frozenset({"nngp", "ntk"}),
    implies=("initialisation.ntk_mean",),
    stochastic=False,
    inside=replace(ANYWHERE, counts=(2, 5), sources=(*SOURCES, "duplicates", "antipodes")),
    measure=measure_diagonal,
)
ORACLE = Claim(
    id="kernel.oracle",
    statement="Kernels equal what numeric integration of their definition gives.",
    formula=r"K' = \sigma_w^2\, \mathbb{E}[\phi(u) \phi(v)] + \sigma_b^2; \quad "
    r"\Theta' = r_w\, \mathbb{E}[\phi(u) \phi(v)] + r_b + \sigma_w^2\, \mathbb{E}[\phi'(u) \phi'(v)]\, \Theta",
    source="Lee et al. 2018, equation 5; Jacot, Gabriel & Hongler 2018, Theorem 1",
    premises=(SEPARATED,),
    needs=frozenset({"architecture"}),
    about=frozenset({"nngp", "ntk"}),
    implies=("initialisation.ntk_mean", "equivalence.regression"),
    stochastic=False,
    inside=replace(ANYWHERE, counts=(2, 2)),
    measure=measure_oracle,
)

RECURSION = Claim(
    id="kernel.recursion",
    statement="Kernels equal ntkverify's own, entry by entry, on all inputs.",
    formula=r"K' = \sigma_w^2\, \mathbb{E}[\phi(u) \phi(v)] + \sigma_b^2; \quad "
    r"\Theta' = r_w\, \mathbb{E}[\phi(u) \phi(v)] + r_b + \sigma_w^2\, \mathbb{E}[\phi'(u) \phi'(v)]\, \Theta, \text{ in closed form}",
    source="Lee et al. 2018, equation 5; Jacot, Gabriel & Hongler 2018, Theorem 1",
    premises=(),
    needs=frozenset({"architecture"}),
    about=frozenset({"nngp", "ntk"}),
    implies=("initialisation.ntk_mean", "equivalence.regression"),
    stochastic=False,
    inside=ANYWHERE,
    measure=measure_recursion,
)

CLAIMS = (DIAGONAL, ORACLE, RECURSION)
