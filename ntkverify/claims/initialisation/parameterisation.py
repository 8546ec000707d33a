"""The exact relation between the two parameterisations."""

import numpy as np
import torch
from torch import nn

from ntkverify.claims.claim import Claim, Effort
from ntkverify.findings import Measurement, Verdict
from ntkverify.numerics import ROUNDING_CONSTANT, unit_roundoff
from ntkverify.scenarios import Scenario
from ntkverify.strategies import Scenarios
from ntkverify.subjects import Subject, part


def measure_parameterisations(
    subject: Subject, scenario: Scenario, effort: Effort
) -> tuple[Measurement, ...]:
    """The NTK in standard parameterisation against the weighted sum of the NTK's parts, layer by layer."""
    arch, x, width = scenario.arch, scenario.points.inputs(), scenario.widths[0]
    seed = scenario.network_seed("screen", 0)
    net = part(subject, "network")(arch, width, seed)
    standard = np.asarray(
        part(subject, "empirical_ntk")(part(subject, "standard_network")(arch, width, seed), x, x)
    )
    fan_ins = [arch.inputs] + [width] * arch.depth
    modules = [
        module for module in net.modules() if isinstance(getattr(module, "weight", None), nn.Parameter)
    ]
    total = np.zeros_like(standard)
    for module, linear, fan_in in zip(modules, arch.linears, fan_ins, strict=True):
        weight_rate, bias_rate = linear.rates
        total += fan_in / weight_rate * _part(subject, net, module.weight, x)
        if module.bias is not None:
            total += _part(subject, net, module.bias, x) / bias_rate
    size = np.abs(standard).max()
    # A ReLU network without bias may be dead on every point; then both sides are exactly 0.
    error = np.abs(standard - total).max() / (size if size > 0 else 1.0)
    # Sums over fan_in products in every layer, and over the layers.
    bound = ROUNDING_CONSTANT * unit_roundoff(torch.float64) * (sum(fan_ins) + len(fan_ins))
    return (
        Measurement(
            name="relative difference",
            verdict=Verdict.HOLDS if error <= bound else Verdict.FAILS,
            value=float(error),
            allowed=(0.0, bound),
            tolerance=f"{ROUNDING_CONSTANT:g} x unit roundoff x {sum(fan_ins)} summands",
        ),
    )


def _part(subject: Subject, net: nn.Module, parameter: nn.Parameter, x: np.ndarray) -> np.ndarray:
    """The empirical NTK (n, n) of a single parameter."""
    for other in net.parameters():
        other.requires_grad_(other is parameter)
    return np.asarray(part(subject, "empirical_ntk")(net, x, x))


PARAMETERISATIONS = Claim(
    id="initialisation.parameterisations",
    statement="The NTK in standard parameterisation is the sum of the layers' NTKs, each times fan_in over its"
    " weight variance, at any width: so its learning rate must shrink like 1 / width.",
    formula=r"\Theta_{\mathrm{std}} = \sum_l \left( \frac{n_{l-1}}{\sigma_w^2} \Theta_{W_l} "
    r"+ \frac{1}{\sigma_b^2} \Theta_{b_l} \right)",
    source="chain rule; Sohl-Dickstein et al. 2020, section 2",
    premises=(),
    needs=frozenset({"network", "standard_network", "empirical_ntk"}),
    stochastic=False,
    inside=Scenarios(counts=(1, 6), widths=tuple((n,) for n in (64, 16, 4, 1)), bias_stds=(1.0, 0.1, 0.0)),
    measure=measure_parameterisations,
)

CLAIMS = (PARAMETERISATIONS,)
