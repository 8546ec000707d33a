"""The integrals that define the duals, in mpmath: what `duals.json` keeps of them, since they take minutes.

`python -m tests.activations.integrals` computes them again.
"""

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mpmath as mp

import ntkverify as nv

KEPT = Path(__file__).with_name("duals.json")
DIGITS = 25

mp.mp.dps = 30
NODES = 20
SQUARE = 0.7
G = mp.mpf(SQUARE)


@dataclass(frozen=True)
class Case:
    """An activation, and the same function and its derivative in mpmath (None where it has no NTK)."""

    activation: nv.ReLU
    function: Callable
    derivative: Callable | None


CASES = [
    Case(nv.ReLU(), lambda x: max(x, 0), lambda x: mp.mpf(x > 0)),
    Case(nv.LeakyReLU(0.25), lambda x: x if x > 0 else x / 4, lambda x: mp.mpf(1 if x > 0 else 0.25)),
    Case(nv.Abs(), abs, mp.sign),
    Case(nv.ABReLU(-0.5, 2.0), lambda x: 2 * x if x > 0 else -x / 2, lambda x: mp.mpf(2 if x > 0 else -0.5)),
    Case(nv.RectifiedMonomial(2), lambda x: max(x, 0) ** 2, lambda x: 2 * max(x, 0)),
    Case(nv.RectifiedMonomial(3), lambda x: max(x, 0) ** 3, lambda x: 3 * max(x, 0) ** 2),
    Case(nv.Sign(), mp.sign, None),
    Case(nv.Erf(), mp.erf, lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x)),
    Case(nv.GELU(), lambda x: x * mp.ncdf(x), lambda x: mp.ncdf(x) + x * mp.npdf(x)),
    Case(nv.Sin(), mp.sin, mp.cos),
    Case(nv.Cos(), mp.cos, lambda x: -mp.sin(x)),
    Case(
        nv.RBF(SQUARE),
        lambda x: mp.sqrt(2) * mp.sin(mp.sqrt(2 * G) * x + mp.pi / 4),
        lambda x: 2 * mp.sqrt(G) * mp.cos(mp.sqrt(2 * G) * x + mp.pi / 4),
    ),
    Case(nv.Exp(), mp.exp, mp.exp),
    Case(nv.Gaussian(SQUARE), lambda x: mp.exp(-G * x * x), lambda x: -2 * G * x * mp.exp(-G * x * x)),
    Case(nv.Monomial(1), lambda x: x, lambda x: mp.mpf(1)),
    Case(nv.Monomial(2), lambda x: x**2, lambda x: 2 * x),
    Case(nv.Monomial(3), lambda x: x**3, lambda x: 3 * x**2),
    Case(nv.Hermite(3), lambda x: (x**3 - 3 * x) / mp.sqrt(6), lambda x: (3 * x**2 - 3) / mp.sqrt(6)),
    Case(
        nv.Hermite(4),
        lambda x: (x**4 - 6 * x**2 + 3) / mp.sqrt(24),
        lambda x: (4 * x**3 - 12 * x) / mp.sqrt(24),
    ),
    Case(nv.Tanh(), mp.tanh, lambda x: mp.sech(x) ** 2),
    Case(nv.Sigmoid(), lambda x: 1 / (1 + mp.exp(-x)), lambda x: mp.exp(-x) / (1 + mp.exp(-x)) ** 2),
    Case(
        nv.SiLU(),
        lambda x: x / (1 + mp.exp(-x)),
        lambda x: 1 / (1 + mp.exp(-x)) + x * mp.exp(-x) / (1 + mp.exp(-x)) ** 2,
    ),
    Case(
        nv.Custom(lambda x: x / (1 + x**2) ** 0.5, accuracy=1e-6),
        lambda x: x / mp.sqrt(1 + x * x),
        lambda x: (1 + x * x) ** -1.5,
    ),
]
POINTS = [("1", "1", "1e-8"), ("0.5", "0.5", "3.14159"), ("4", "3", "1.5")]


@functools.cache
def legendre(n: int) -> list[tuple[mp.mpf, mp.mpf]]:
    """Gauss-Legendre nodes and weights on [-1, 1], by Newton's method on the recurrence."""
    rule = []
    for i in range(1, n + 1):
        x = mp.cos(mp.pi * (i - mp.mpf(1) / 4) / (n + mp.mpf(1) / 2))
        for _ in range(7):
            before, value = mp.mpf(1), x
            for k in range(2, n + 1):
                before, value = value, ((2 * k - 1) * x * value - (k - 1) * before) / k
            slope = n * (x * value - before) / (x * x - 1)
            x -= value / slope
        rule.append((x, 2 / ((1 - x * x) * slope**2)))
    return rule


def panels(breaks: list) -> list[tuple[mp.mpf, mp.mpf]]:
    return [
        ((low + high) / 2 + (high - low) / 2 * x, (high - low) / 2 * w)
        for low, high in zip(breaks, breaks[1:], strict=False)
        if high > low
        for x, w in legendre(NODES)
    ]


def mean_of_square(function, deviation) -> mp.mpf:
    nodes = panels([mp.mpf(i) / 2 for i in range(-26, 27)])
    return mp.fsum(w * mp.npdf(z) * function(deviation * z) ** 2 for z, w in nodes)


def expected(case: Case, a: str, b: str, angle: str) -> dict[str, mp.mpf]:
    """Polar integrals of the definitions; the deficits as those of squared differences."""
    s, t, theta = mp.sqrt(mp.mpf(a)), mp.sqrt(mp.mpf(b)), mp.mpf(angle)
    alpha, beta = (mp.sqrt(mean_of_square(case.function, deviation)) for deviation in (s, t))
    rays = [-mp.pi / 2, theta - mp.pi / 2, mp.pi / 2, theta + mp.pi / 2, 3 * mp.pi / 2]
    halves = sorted([*rays, *((x + y) / 2 for x, y in zip(rays, rays[1:], strict=False))])
    radial = [
        (r, w * r * mp.exp(-r * r / 2) / (2 * mp.pi)) for r, w in panels([mp.mpf(2 * i) for i in range(7)])
    ]
    sums = dict.fromkeys(("covariance", "minus", "plus", "derivative"), mp.mpf(0))
    for direction, share in panels(halves):
        along, aside = s * mp.cos(direction), t * mp.cos(direction - theta)
        for r, weight in radial:
            u, v = case.function(r * along), case.function(r * aside)
            w = share * weight
            sums["covariance"] += w * u * v
            sums["minus"] += w * (u / alpha - v / beta) ** 2 / 2
            sums["plus"] += w * (u / alpha + v / beta) ** 2 / 2
            if case.derivative:
                sums["derivative"] += w * case.derivative(r * along) * case.derivative(r * aside)
    return sums | {"variance": alpha**2}


def name(case: Case, point: tuple[str, str, str]) -> str:
    """The key of a case at a point, in the file of what is kept."""
    kind = "Custom" if isinstance(case.activation, nv.Custom) else repr(case.activation)
    return f"{kind} at {', '.join(point)}"


def kept() -> dict[str, dict[str, mp.mpf]]:
    """Every integral that is kept, by case and point, and then by part."""
    found = json.loads(KEPT.read_text())
    return {key: {part: mp.mpf(value) for part, value in parts.items()} for key, parts in found.items()}


if __name__ == "__main__":
    integrals = {
        name(case, point): {part: mp.nstr(value, DIGITS) for part, value in expected(case, *point).items()}
        for case in CASES
        for point in POINTS
    }
    KEPT.write_text(json.dumps(integrals, indent=1) + "\n")
