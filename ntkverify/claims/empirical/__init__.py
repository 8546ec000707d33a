"""Claims about the empirical NTK of one module: deterministic, judged at rounding level."""

from typing import Any

import numpy as np
from torch import nn

from ntkverify.claims.claim import Claim, Effort
from ntkverify.claims.empirical.definition import kernel_by_definition, mean_over_outputs, rounding_bound
from ntkverify.claims.kernel.accuracy import judged_within, relative_difference
from ntkverify.findings import Measurement
from ntkverify.premises import MORE_THAN_PARAMETERS
from ntkverify.scenarios import Scenario
from ntkverify.seeds import derive
from ntkverify.strategies import ModuleScenarios
from ntkverify.subjects import Subject, part


def _module(scenario: Scenario) -> tuple[nn.Module, np.ndarray]:
    net = scenario.recipe.build(scenario.points.dimension, scenario.network_seed("module"))
    x = scenario.points.inputs()
    return net, x.astype(scenario.recipe.dtype)


def _variants(subject: Subject) -> dict[str, dict[str, Any]]:
    """Options to call the subject with, by name; none for one that knows none."""
    methods = getattr(subject, "empirical_methods", ())
    return {method: {"method": method} for method in methods} or {"": {}}


def _matrix(subject: Subject, net: nn.Module, x: np.ndarray, options: dict[str, Any]) -> np.ndarray:
    """The whole matrix (n outputs, n outputs) if the subject gives it, else (n, n)."""
    if not options:
        return np.asarray(part(subject, "empirical_ntk")(net, x, x), dtype=float)
    full = np.asarray(part(subject, "empirical_ntk")(net, x, x, outputs="full", **options), dtype=float)
    n, _, outputs, _ = full.shape
    return full.transpose(0, 2, 1, 3).reshape(n * outputs, n * outputs)


def _compared(name: str, got: np.ndarray, expected: np.ndarray, bound: float) -> Measurement:
    diagonal = np.diag(expected)
    return judged_within(name, relative_difference(got, expected, diagonal, diagonal), bound)


def measure_methods_agree(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Every method against the definition, one backward pass for each output of each example."""
    net, x = _module(scenario)
    expected, bound, out = kernel_by_definition(net, x), rounding_bound(subject, net, x), []
    mean = mean_over_outputs(expected, scenario.recipe.outputs)
    for name, options in _variants(subject).items():
        got = np.asarray(part(subject, "empirical_ntk")(net, x, x, **options), dtype=float)
        out.append(_compared(f"{name} mean over outputs".strip(), got, mean, bound))
        if options:
            out.append(_compared(f"{name} in full", _matrix(subject, net, x, options), expected, bound))
    return tuple(out)


def measure_positive_semidefinite(
    subject: Subject, scenario: Scenario, effort: Effort
) -> tuple[Measurement, ...]:
    """The smallest eigenvalue relative to the trace."""
    net, x = _module(scenario)
    bound, out = rounding_bound(subject, net, x), []
    for name, options in _variants(subject).items():
        values, trace = _spectrum(_matrix(subject, net, x, options))
        # Entries that err by at most bound x sqrt(k_ii k_jj) move no eigenvalue by more than bound x trace.
        out.append(
            judged_within(f"{name} -smallest eigenvalue / trace".strip(), max(0.0, -values[0] / trace), bound)
        )
    return tuple(out)


def measure_rank(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """How many eigenvalues stand out of rounding, against the number of parameters."""
    net, x = _module(scenario)
    parameters, bound, out = _count(net), rounding_bound(subject, net, x), []
    for name, options in _variants(subject).items():
        values, trace = _spectrum(_matrix(subject, net, x, options))
        above = int((values > bound * trace).sum())
        out.append(judged_within(f"{name} rank".strip(), above, parameters, "the number of parameters"))
    return tuple(out)


def measure_batch_invariant(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """The matrix against itself from single pairs, from blocks, and from rows in another order."""
    net, x = _module(scenario)
    middle, order = len(x) // 2, derive(scenario.points.seed, "order").permutation(len(x))
    bound, out = rounding_bound(subject, net, x), []
    for name, options in _variants(subject).items():

        def kernel(x1: np.ndarray, x2: np.ndarray, options: dict[str, Any] = options) -> np.ndarray:
            return np.asarray(part(subject, "empirical_ntk")(net, x1, x2, **options), dtype=float)

        gram = kernel(x, x)
        halves = (x[:middle], x[middle:])
        blocks = np.block([[kernel(a, b) for b in halves] for a in halves])
        pairs = [
            [kernel(x[i : i + 1], x[j : j + 1])[0, 0] for j in range(min(3, len(x)))]
            for i in range(min(3, len(x)))
        ]
        for how, got, expected in (
            ("blocks", blocks, gram),
            ("rows in another order", kernel(x[order], x[order]), gram[np.ix_(order, order)]),
            ("single pairs", np.array(pairs), gram[:3, :3]),
        ):
            out.append(_compared(f"{name} {how}".strip(), got, expected, bound))
    return tuple(out)


def _spectrum(matrix: np.ndarray) -> tuple[np.ndarray, float]:
    trace = float(np.abs(np.diag(matrix)).sum())
    return np.linalg.eigvalsh((matrix + matrix.T) / 2), trace or 1.0


def _count(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


ANY_MODULE = ModuleScenarios(counts=(2, 8))


def _claim(name: str, **fields: Any) -> Claim:
    needs, inside = frozenset({"empirical_ntk"}), fields.pop("inside", ANY_MODULE)
    return Claim(id=f"empirical.{name}", needs=needs, stochastic=False, inside=inside, **fields)


METHODS_AGREE = _claim(
    "methods_agree",
    statement="Every way to compute the NTK of a module gives the inner products of its gradients.",
    formula=r"\Theta(x, y)_{ab} = \langle \nabla f_a(x), \nabla f_b(y) \rangle",
    source="Jacot, Gabriel & Hongler 2018, equation 4; Novak, Sohl-Dickstein & Schoenholz 2022, section 3",
    premises=(),
    measure=measure_methods_agree,
)
POSITIVE_SEMIDEFINITE = _claim(
    "positive_semidefinite",
    statement="The NTK of a module has no negative eigenvalue.",
    formula=r"\Theta = J J^\top \ge 0",
    source="a Gram matrix; an eigenvalue of -.24 was reported of neural-tangents (its issue 134)",
    premises=(),
    measure=measure_positive_semidefinite,
)
RANK = _claim(
    "rank_at_most_parameters",
    statement="The rank of a module's NTK is at most the number of its parameters.",
    formula=r"\operatorname{rank}(J J^\top) \le p",
    source="J has p columns",
    premises=(MORE_THAN_PARAMETERS,),
    measure=measure_rank,
    inside=ModuleScenarios(
        counts=(16, 40), dimensions=(1, 2), widths=(2, 1), kinds=("mlp", "residual", "shared", "tied")
    ),
)
BATCH_INVARIANT = _claim(
    "batch_invariant",
    statement="An entry depends on its two points alone: not on the batch, its blocks or its order.",
    formula=r"\Theta(X, Y)_{ij} = \Theta(x_i, y_j)",
    source="definition; broken in neural-tangents (its issue 122)",
    premises=(),
    measure=measure_batch_invariant,
)

CLAIMS = (METHODS_AGREE, POSITIVE_SEMIDEFINITE, RANK, BATCH_INVARIANT)
