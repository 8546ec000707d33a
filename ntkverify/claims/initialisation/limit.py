"""What random networks tend to as their width grows."""

from dataclasses import replace

import numpy as np
from torch import nn

from ntkverify.activations import Erf
from ntkverify.architecture import Architecture
from ntkverify.claims.claim import Claim, Effort
from ntkverify.claims.convergence import WidthSeries, measure_convergence, measure_offsets
from ntkverify.claims.initialisation.kernels import NARROW_NETWORKS, empirical_kernels, relative_offsets
from ntkverify.empirical import empirical_ntk
from ntkverify.findings import Measurement
from ntkverify.premises import GAUSSIAN_FIRST_LAYER, RANDOM_OUTPUTS, WIDE
from ntkverify.scenarios import Scenario
from ntkverify.strategies import BUDGET_WIDTHS, MODERATE, Scenarios
from ntkverify.subjects import Subject, part


def measure_ntk_rate(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Distance of the empirical NTK to the analytic one over widths, relative to the latter's norm."""
    x = scenario.points.inputs()
    limit = np.asarray(part(subject, "ntk")(scenario.arch, x, x))

    def replicates(width: int, seeds: list[int]) -> np.ndarray:
        return relative_offsets(limit, empirical_kernels(subject, scenario, width, seeds), scenario)

    return measure_convergence(replicates, scenario, effort, resolution=0.02)


OUTPUTS = 256
"""Outputs of one network: given its hidden layers they are independent draws of one another."""


def measure_output_covariance(
    subject: Subject, scenario: Scenario, effort: Effort
) -> tuple[Measurement, ...]:
    """Products of outputs, averaged over the outputs of a network, against the NNGP kernel."""
    x = scenario.points.inputs()
    limit = np.asarray(part(subject, "nngp")(scenario.arch, x, x))
    many, build = _with_outputs(scenario.arch, OUTPUTS), part(subject, "network")

    def replicates(width: int, seeds: list[int]) -> np.ndarray:
        nets = (build(many, scenario.hidden_widths(width), seed) for seed in seeds)
        return relative_offsets(limit, np.stack([_second_moments(net, x) for net in nets]), scenario)

    return measure_offsets(WidthSeries(replicates, scenario), effort, resolution=0.03)


def measure_independent_outputs(
    subject: Subject, scenario: Scenario, effort: Effort
) -> tuple[Measurement, ...]:
    """The mean over pairs of different outputs of the NTK's block between them, relative to the analytic kernel of one."""
    x = scenario.points.inputs()
    limit = np.asarray(part(subject, "ntk")(scenario.arch, x, x))
    several, build = _with_outputs(scenario.arch, max(2, scenario.arch.outputs)), part(subject, "network")
    pairs = np.triu_indices(several.outputs, 1)

    def replicates(width: int, seeds: list[int]) -> np.ndarray:
        nets = (build(several, scenario.hidden_widths(width), seed) for seed in seeds)
        full = np.stack([np.asarray(empirical_ntk(net, x, outputs="full")) for net in nets])
        blocks = full[..., *pairs].mean(axis=-1)
        return relative_offsets(limit, blocks + limit, scenario)  # as if it were the deviation from a limit

    return measure_convergence(replicates, scenario, effort, resolution=0.02)


def _with_outputs(arch: Architecture, outputs: int) -> Architecture:
    return replace(arch, outputs=outputs)


def _second_moments(net: nn.Module, x: np.ndarray) -> np.ndarray:
    parameter = next(net.parameters())
    outputs = net(parameter.new_tensor(x)).detach().cpu().numpy()
    return outputs @ outputs.T / outputs.shape[1]


WIDENING = Scenarios(
    counts=(2, 4), widths=(BUDGET_WIDTHS,), depths=(1, 2), weight_stds=MODERATE, outputs=(4, 3)
)


NTK_RATE = Claim(
    id="initialisation.ntk_rate",
    statement="The empirical NTK tends to the analytic one as width grows, like width^(-1/2).",
    formula=r"\|\Theta_n - \Theta\| = O(n^{-1/2}), \quad \mathbb{E}\, \Theta_n \to \Theta",
    source="Jacot, Gabriel & Hongler 2018, Theorem 1; rate: Huang & Yau 2020, Theorem 2.2",
    premises=(WIDE, GAUSSIAN_FIRST_LAYER),
    needs=frozenset({"architecture"}),
    about=frozenset({"network", "ntk"}),
    implies=("equivalence.regression",),
    stochastic=True,
    inside=WIDENING,
    outside=NARROW_NETWORKS,
    outside_samples=400,
    measure=measure_ntk_rate,
)

WEIGHT_DISTRIBUTIONS = Claim(
    id="initialisation.weight_distributions",
    statement="Weights that are signs, uniform or ternary give the same NTK in the limit as Gaussian ones.",
    formula=r"\lim\limits_{n \to \infty} \Theta_n \text{ depends on } \mathbb{E}\, w "
    r"\text{ and } \mathbb{E}\, w^2 \text{ alone, for weights } w \text{ above the first layer}",
    source="central limit theorem over fan_in; ternary weights: Gu et al. 2022, Theorem 1",
    premises=(WIDE, GAUSSIAN_FIRST_LAYER),
    needs=frozenset({"architecture", "ntk"}),
    stochastic=True,
    inside=replace(WIDENING, weights=("rademacher", "uniform", "ternary")),
    outside=Scenarios(
        counts=(2, 2),
        dimensions=(1, 2),
        data_seeds=(0, 0),
        sources=("gaussian",),
        widths=(BUDGET_WIDTHS,),
        depths=(1,),
        activations=(Erf(),),
        weight_stds=(2.0,),
        bias_stds=(0.0,),
        first_weights=("rademacher",),
    ),
    measure=measure_ntk_rate,
)

OUTPUT_COVARIANCE = Claim(
    id="initialisation.output_covariance",
    statement="The outputs of random networks have the NNGP kernel as their covariance, in the limit.",
    formula=r"\mathbb{E}\, f(x) f(x') \to K(x, x')",
    source="Neal 1996; Lee et al. 2018, equation 5",
    premises=(WIDE, GAUSSIAN_FIRST_LAYER, RANDOM_OUTPUTS),
    needs=frozenset({"architecture", "nngp"}),
    implies=("initialisation.ntk_rate",),
    stochastic=True,
    inside=WIDENING,
    measure=measure_output_covariance,
)

INDEPENDENT_OUTPUTS = Claim(
    id="initialisation.independent_outputs",
    statement="The NTK between two different outputs vanishes like width^(-1/2), and is 0 on average.",
    formula=r"\Theta_n(x, x')_{ij} = O(n^{-1/2}) \text{ for } i \ne j",
    source="Jacot, Gabriel & Hongler 2018, Theorem 1",
    premises=(WIDE, RANDOM_OUTPUTS),
    needs=frozenset({"architecture", "ntk"}),
    stochastic=True,
    inside=WIDENING,
    measure=measure_independent_outputs,
)

CLAIMS = (OUTPUT_COVARIANCE, NTK_RATE, INDEPENDENT_OUTPUTS, WEIGHT_DISTRIBUTIONS)
