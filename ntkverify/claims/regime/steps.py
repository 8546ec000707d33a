"""Steps beyond the stable size: the catapult."""

import math

import numpy as np
import torch
from hypothesis import strategies as st

from ntkverify.budgets import Budget
from ntkverify.claims.claim import Claim, Effort
from ntkverify.data import Points
from ntkverify.findings import Measurement, Verdict
from ntkverify.numerics import unit_roundoff
from ntkverify.premises import LARGE_STEPS
from ntkverify.premises.training import PRODUCT
from ntkverify.scenarios import Scenario, Training
from ntkverify.subjects import Subject, part
from ntkverify.training import train

NUDGE = 1e-8
"""Relative change of the start from which the conditioning of a trajectory is read off."""

OPERATIONS = 16
"""Roundings of a step, besides those of its inner products."""


def catapult_map(f: float, kernel: float, rate: float, width: int) -> tuple[float, float]:
    """One step of gradient descent on f^2 / 2 for f = u . v / sqrt n (Lewkowycz et al. 2020, equations 3-4)."""
    return (
        f * (1 - rate * kernel + rate**2 * f**2 / width),
        kernel + rate * f**2 / width * (rate * kernel - 4),
    )


def measure_catapult(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """A network's outputs against the map, and eta times the kernel where training ends.

    step_size s means eta lambda_0 = 2 s: from 2 to 4 the kernel falls below 2 / eta, beyond 4 training diverges.
    """
    width, training = scenario.widths[0], scenario.run
    x, y = np.ones((1, 1)), np.zeros((1, 1))
    net = part(subject, "network")(scenario.arch, [width], scenario.network_seed("catapult"))
    kernel_of = part(subject, "empirical_ntk")
    start, kernel = (
        net(torch.ones(1, 1, dtype=torch.float64)).item(),
        float(np.asarray(kernel_of(net, x, x))[0, 0]),
    )
    rate = 2 * training.step_size / kernel
    run = train(net, x, y, steps=training.steps, learning_rate=rate, allow_unstable=True)
    seen = np.sqrt(2 * np.array(run.losses))
    expected, nudged = (_sizes(f, kernel, rate, width, len(seen)) for f in (start, start * (1 + NUDGE)))
    with np.errstate(invalid="ignore", over="ignore"):
        known = np.isfinite(expected) & np.isfinite(nudged) & np.isfinite(seen)
        response = np.maximum.accumulate(np.abs(nudged - expected)[known]) / NUDGE + expected[known]
        steps = 1 + np.arange(known.sum())
        # u . v sums terms of size 1 in blocks, and is divided by sqrt n.
        relative = OPERATIONS + width**0.5 * math.log2(width) / abs(start)
        bounds = relative * unit_roundoff(torch.float64) * steps * response
        worst = float((np.abs(seen - expected)[known] / np.maximum(bounds, 1e-300)).max())
    end = rate * float(np.asarray(kernel_of(net, x, x))[0, 0]) if np.isfinite(seen[-1]) else np.inf
    diverges = training.step_size > 2
    allowed = (2.0, np.inf) if diverges else (0.0, 2.0)
    return (
        Measurement(
            name="largest difference of an output from the map, over its rounding",
            verdict=Verdict.HOLDS if worst <= 1 else Verdict.FAILS,
            value=worst,
            allowed=(0.0, 1.0),
            tolerance="rounding of every step, as far as the trajectory amplifies it",
            series={"output": tuple(seen.tolist()), "map": tuple(expected.tolist())},
        ),
        Measurement(
            name="learning rate times kernel at the end",
            verdict=Verdict.HOLDS if allowed[0] <= end <= allowed[1] else Verdict.FAILS,
            value=end,
            allowed=allowed,
            tolerance=f"from {2 * training.step_size:g} at the start",
        ),
    )


def _sizes(f: float, kernel: float, rate: float, width: int, count: int) -> np.ndarray:
    """|f| before each step of the map, and after the last: (count,)."""
    out: list[float] = []
    with np.errstate(all="ignore"):
        f, kernel = np.float64(f), np.float64(kernel)  # which overflow to infinity
        for _ in range(count):
            out.append(abs(f))
            f, kernel = catapult_map(f, kernel, rate, width)
    return np.array(out)


def _products(subject: Subject, budget: Budget, seed: int) -> st.SearchStrategy[Scenario]:
    return st.builds(
        lambda width, size, data_seed: Scenario(
            architecture=PRODUCT,
            points=Points(source="gaussian", count=2, dimension=1, seed=data_seed),
            widths=(width,),
            seed=seed,
            training=Training(steps=100, step_size=size, test_points=1),
        ),
        st.sampled_from((1024, 256)),
        st.sampled_from((1.25, 1.75, 2.25)),
        st.integers(0, 2**16),
    )


CATAPULT = Claim(
    id="regime.large_steps",
    statement="Beyond 2 / lambda_max the kernel itself falls until training is stable, and beyond 4 it diverges.",
    formula=r"f' = f \left( 1 - \eta \lambda + \frac{\eta^2 f^2}{n} \right), \quad "
    r"\lambda' = \lambda + \frac{\eta f^2}{n} (\eta \lambda - 4)",
    source="Lewkowycz, Bahri, Dyer, Sohl-Dickstein & Gur-Ari 2020, equations 3-4",
    premises=(LARGE_STEPS,),
    needs=frozenset({"any_architecture", "network"}),
    stochastic=False,
    inside=_products,
    measure=measure_catapult,
)

CLAIMS = (CATAPULT,)
