"""Every dual against the integral that defines it, at angles from 1e-8 to almost pi."""

import mpmath as mp
import pytest
import torch

import ntkverify as nv
from ntkverify.activations import BY_NAME, SecondMoments
from tests.activations.integrals import CASES, DIGITS, POINTS, Case, expected, kept, name


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
    return {name: tensor.item() for name, tensor in parts.items()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case.activation)[:40])
def test_the_function_is_what_the_integrals_are_of(case):
    points = [-2.0, -0.3, 0.7, 1.9]
    got = case.activation(torch.tensor(points, dtype=torch.float64)).tolist()
    assert got == pytest.approx([float(case.function(mp.mpf(x))) for x in points], rel=1e-13)


@pytest.mark.parametrize("point", POINTS, ids=str)
@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case.activation)[:40])
def test_the_dual_is_its_integral(case, point):
    want, got = kept()[name(case, point)], computed(case, moments(*point))
    accuracy = max(1e-12, getattr(case.activation, "accuracy", 0.0))
    for part, value in got.items():
        allowed = accuracy * abs(want[part]) + (1e-15 if part == "covariance" else 0)
        assert abs(value - want[part]) <= allowed, part


@pytest.mark.slow
@pytest.mark.parametrize("point", POINTS, ids=str)
@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case.activation)[:40])
def test_the_integrals_that_are_kept_are_those_of_mpmath(case, point):
    want = expected(case, *point)
    for part, value in kept()[name(case, point)].items():
        assert abs(value - want[part]) <= mp.mpf(10) ** (2 - DIGITS) * (abs(want[part]) + 1e-3), part


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case.activation)[:40])
def test_single_precision_loses_its_own_rounding_only(case):
    point = ("0.5", "0.5", "0.9")
    double, single = computed(case, moments(*point)), computed(case, moments(*point, dtype=torch.float32))
    assert case.activation.dual(moments(*point, dtype=torch.float32)).covariance.dtype == torch.float32
    for part, value in single.items():
        assert abs(value - double[part]) <= 2e-5 * max(abs(double[part]), 0.05), part


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case.activation)[:40])
def test_gradients_are_finite_at_equal_opposite_and_zero_inputs(case):
    rows = torch.tensor([[1.0, 2.0], [1.0, 2.0], [-1.0, -2.0], [0.0, 0.0], [2.0, -1.0]], dtype=torch.float64)
    arch = nv.mlp(inputs=2, depth=1, activation=case.activation, bias_std=0.3)
    for kernel in (nv.nngp, nv.ntk) if case.derivative else (nv.nngp,):
        x = rows.clone().requires_grad_()
        kernel(arch, x).sum().backward()
        assert torch.isfinite(x.grad).all(), kernel


def test_the_sign_of_zero_is_zero():
    arch = nv.mlp(inputs=2, depth=1, activation=nv.Sign())
    kernel = nv.nngp(arch, torch.tensor([[0.0, 0.0], [1.0, 0.0]], dtype=torch.float64))
    assert kernel.tolist() == [[0, 0], [0, 1]]


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
    if isinstance(case.activation, nv.Exp) and sizes[1] == "1e6":
        pytest.skip("out of the range of numbers")
    dual = case.activation.dual(moments(*sizes, "1"))
    minus, plus = dual.one_minus_cosine.item(), dual.one_plus_cosine.item()
    assert 0 <= minus <= 2 and minus + plus == pytest.approx(2, rel=1e-9)
    scale = dual.scale.item()
    assert dual.covariance.item() == pytest.approx(scale * (1 - minus), rel=1e-9, abs=1e-12 * scale)
