"""Every dual against the integral that defines it, in mpmath, at angles from 1e-8 to almost pi."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import mpmath as mp
import pytest
import torch

import ntkverify as nv
from ntkverify.activations import BY_NAME, SecondMoments
from ntkverify.activations.numeric import Numeric

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


def moments(a: str, b: str, angle: str, dtype=torch.float64) -> SecondMoments:
    theta, size = mp.mpf(angle), mp.sqrt(mp.mpf(a) * mp.mpf(b))

    def tensor(value) -> torch.Tensor:
        return torch.tensor([[float(value)]], dtype=dtype)

    return SecondMoments(
        variance1=tensor(a)[0],
        variance2=tensor(b)[0],
        covariance=tensor(size * mp.cos(theta)),
        one_minus_cosine=tensor(2 * mp.sin(theta / 2) ** 2),
        one_plus_cosine=tensor(2 * mp.cos(theta / 2) ** 2),
    )


def computed(case: Case, given: SecondMoments) -> dict[str, float]:
    dual = case.activation.dual(given)
    parts = {
        "variance": dual.variance1,
        "covariance": dual.covariance,
        "minus": dual.one_minus_cosine,
        "plus": dual.one_plus_cosine,
    }
    if case.derivative:
        parts["derivative"] = case.activation.dual_derivative(given)
    return {name: part.item() for name, part in parts.items()}


@pytest.mark.parametrize("point", POINTS, ids=str)
@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case.activation)[:40])
def test_the_dual_is_its_integral(case, point):
    want, got = expected(case, *point), computed(case, moments(*point))
    accuracy = max(1e-12, getattr(case.activation, "accuracy", 0.0))
    for name, value in got.items():
        allowed = accuracy * abs(want[name]) + (1e-15 if name == "covariance" else 0)
        assert abs(value - want[name]) <= allowed, name


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case.activation)[:40])
def test_single_precision_loses_its_own_rounding_only(case):
    point = ("0.5", "0.5", "0.9")
    double, single = computed(case, moments(*point)), computed(case, moments(*point, dtype=torch.float32))
    assert case.activation.dual(moments(*point, dtype=torch.float32)).covariance.dtype == torch.float32
    for name, value in single.items():
        assert abs(value - double[name]) <= 2e-5 * max(abs(double[name]), 0.05), name


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case.activation)[:40])
def test_gradients_are_finite_at_equal_opposite_and_zero_inputs(case):
    rows = torch.tensor([[1.0, 2.0], [1.0, 2.0], [-1.0, -2.0], [0.0, 0.0], [2.0, -1.0]], dtype=torch.float64)
    arch = nv.mlp(inputs=2, depth=1, activation=case.activation, bias_std=0.3)
    for kernel in (nv.nngp, nv.ntk) if case.derivative else (nv.nngp,):
        x = rows.clone().requires_grad_()
        kernel(arch, x).sum().backward()
        assert torch.isfinite(x.grad).all(), kernel


def test_every_activation_is_tried():
    assert {type(case.activation) for case in CASES} == set(BY_NAME.values())


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case.activation)[:40])
def test_equal_inputs_have_exactly_the_diagonal(case):
    given = moments("0.8", "0.8", "0")
    dual = case.activation.dual(given)
    accuracy = max(1e-14, getattr(case.activation, "accuracy", 0.0))
    assert dual.one_minus_cosine.item() <= 1e-15
    torch.testing.assert_close(dual.covariance[0], dual.variance1, rtol=accuracy, atol=0)


@pytest.mark.parametrize("sizes", [("1e-59", "1"), ("1e-20", "1e-19"), ("1", "1e6")], ids=str)
@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case.activation)[:40])
def test_variances_of_any_ratio_give_a_cosine(case, sizes):
    if isinstance(case.activation, (nv.Exp, Numeric)) and sizes[1] == "1e6":
        pytest.skip("out of the range of numbers, or of the integration, which says so")
    dual = case.activation.dual(moments(*sizes, "1"))
    minus, plus = dual.one_minus_cosine.item(), dual.one_plus_cosine.item()
    assert 0 <= minus <= 2 and minus + plus == pytest.approx(2, rel=1e-9)
    scale = dual.scale.item()
    assert dual.covariance.item() == pytest.approx(scale * (1 - minus), rel=1e-9, abs=1e-12 * scale)
