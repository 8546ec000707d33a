"""How much the NTK of a finite network fluctuates, exactly."""

import math
from dataclasses import replace

import numpy as np

from ntkverify.activations import ReLU
from ntkverify.claims.claim import Claim, Effort
from ntkverify.claims.convergence import WidthSeries, measure_slope
from ntkverify.claims.initialisation.kernels import HE, empirical_kernels
from ntkverify.claims.judging import judge
from ntkverify.findings import Measurement
from ntkverify.premises import CRITICAL_RELU, GAUSSIAN, NO_BOTTLENECK, ONE_INPUT, WIDE
from ntkverify.scenarios import Scenario
from ntkverify.strategies import BUDGET_WIDTHS, Scenarios
from ntkverify.subjects import Subject, part


def relu_second_moment(widths: list[int]) -> float:
    """E Theta_n(x, x)^2 / (E Theta_n(x, x))^2 of a ReLU network with hidden `widths`, exactly.

    For no bias, one output and weight variance 2 everywhere; follows Hanin & Nica 2020.
    """
    depth = len(widths)
    kept = [(n - 1) / (n + 5) for n in widths]
    layers = range(depth + 1)
    pairs = sum(math.prod(kept[min(a, b) : max(a, b)]) for a in layers for b in layers)
    return math.prod(1 + 5 / n for n in widths) * (1 / 3 + 2 / 3 * pairs / (depth + 1) ** 2)


def measure_second_moment(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """The relative variance of the diagonal of the NTK, in units of the exact value."""
    x = scenario.points.inputs()
    mean = float(np.asarray(part(subject, "ntk")(scenario.arch, x, x))[0, 0])
    variance = relu_second_moment(scenario.hidden_widths()) - 1

    def ratios(seeds: list[int]) -> np.ndarray:
        return (empirical_kernels(subject, scenario, 0, seeds)[:, 0, 0] / mean - 1) ** 2 / variance

    return (
        judge(
            "variance / exact variance",
            ratios,
            scenario,
            (1.0, 1.0),
            effort=effort,
            resolution=0.5,
            screen=400,  # heavy tails: the spread itself must be known well
            tolerance=f"exact: variance {variance:.4g} of the squared mean",
        ),
    )


def measure_concentration(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """How the diagonal of the NTK stops fluctuating, and how much is left at the largest width."""
    x, widest = scenario.points.inputs(), scenario.widths[0]
    mean = float(np.asarray(part(subject, "ntk")(scenario.arch, x, x))[0, 0])
    expected = relu_second_moment([widest] * scenario.arch.depth) - 1
    actual = relu_second_moment(scenario.hidden_widths(widest)) - 1
    for_slope, for_size = effort.split(1, 1)

    def deviations(width: int, seeds: list[int]) -> np.ndarray:
        return empirical_kernels(subject, scenario, width, seeds)[None, :, 0, 0] / mean - 1

    return (
        measure_slope(WidthSeries(lambda *drawn: np.abs(deviations(*drawn)), scenario), for_slope),
        judge(
            "variance at the largest width, in units of what equal widths leave",
            lambda seeds: deviations(widest, seeds)[0] ** 2 / expected,
            scenario,
            (0.0, 1.0),
            effort=for_size,
            resolution=0.5,
            screen=200,
            tolerance=f"the exact law says {actual:.4g} of the squared mean{_floor(scenario)}",
        ),
    )


def _floor(scenario: Scenario) -> str:
    parts = [
        f"; a middle layer of {n} units leaves 3 / {n} = {3 / n:.4g} at any width"
        for n in scenario.profile
        if n
    ]
    return "".join(parts)


HE_RELU = Scenarios(
    counts=(1, 1),
    dimensions=(1, 4),
    data_seeds=(0, 0),
    sources=("sphere",),
    activations=(ReLU(),),
    weight_stds=(HE,),
    bias_stds=(0.0,),
)
UNEQUAL = replace(HE_RELU, profile=((64, 48, 32),))
BIASED = replace(HE_RELU, bias_stds=(1.0, 2.0), depths=(2,), dimensions=(2, 2), profile=((32,),))
GROWING = replace(HE_RELU, widths=(BUDGET_WIDTHS,), depths=(1, 2))
BOTTLENECK = replace(GROWING, depths=(3,), dimensions=(2, 2), profile=((None,), (4,), (None,)))

SECOND_MOMENT = Claim(
    id="initialisation.relu_second_moment",
    statement="The second moment of a ReLU network's NTK follows the exact law in depth and widths.",
    formula=r"\frac{\mathbb{E}\, \Theta_n(x, x)^2}{(\mathbb{E}\, \Theta_n(x, x))^2} = "
    r"\prod_l \left( 1 + \frac{5}{n_l} \right) "
    r"\left( \frac{1}{3} + \frac{2}{3 (L + 1)^2} \sum\limits_{l,m=0}^{L} "
    r"\prod\limits_{i \text{ between } l, m} \frac{n_i - 1}{n_i + 5} \right)",
    source="Hanin & Nica 2020, Theorem 1, made exact",
    premises=(CRITICAL_RELU, GAUSSIAN, ONE_INPUT),
    needs=frozenset({"any_architecture", "network", "ntk"}),
    stochastic=True,
    inside=UNEQUAL,
    outside=BIASED,
    outside_samples=800,
    measure=measure_second_moment,
)

CONCENTRATION = Claim(
    id="initialisation.concentration",
    statement="The NTK stops fluctuating as all hidden layers grow, like width^(-1/2).",
    formula=r"\frac{\operatorname{Var} \Theta_n(x, x)}{(\mathbb{E}\, \Theta_n(x, x))^2} = "
    r"\frac{L (11 L + 7)}{3 (L + 1)\, n} + O(n^{-2})",
    source="Jacot, Gabriel & Hongler 2018, Theorem 1; a bottleneck leaves 3 / width (from the exact law)",
    premises=(WIDE, NO_BOTTLENECK, CRITICAL_RELU, GAUSSIAN, ONE_INPUT),
    needs=frozenset({"any_architecture", "network", "ntk"}),
    implies=("equivalence.regression",),
    stochastic=True,
    inside=GROWING,
    outside=BOTTLENECK,
    outside_samples=400,
    measure=measure_concentration,
)

CLAIMS = (SECOND_MOMENT, CONCENTRATION)
