"""Kernels in single precision: right as far as their entries reach, and refused beyond."""

import numpy as np
import pytest
import torch

import ntkverify as nv
from ntkverify import predict
from ntkverify.errors import InvalidArgument, NotPositiveDefinite

ARCH = nv.mlp(inputs=1, depth=1, activation=nv.Erf(), bias_std=0.3)
X, X_TEST = np.linspace(-1, 1, 24)[:, None], np.array([[0.013]])
Y = np.sin(5 * X)
RNG = np.random.default_rng(0)
TRUTH = 0.06497  # after time 1e6


def kernels(dtype, kernel=nv.ntk):
    x, x_test = X.astype(dtype), X_TEST.astype(dtype)
    return kernel(ARCH, x), kernel(ARCH, x_test, x)


def predictions(dtype, time: float):
    k, cross = kernels(dtype)
    yield predict.gradient_flow(k, Y, cross, time=time).test
    yield predict.gradient_descent(k, Y, cross, steps=int(10 * time), learning_rate=0.1).test
    nngp, nngp_cross = kernels(dtype, nv.nngp)
    prior = {"nngp_train": nngp, "nngp_test_train": nngp_cross}
    yield predict.ensemble(
        k, Y, cross, **prior, nngp_test=nv.nngp(ARCH, X_TEST.astype(dtype)), time=time
    ).mean


@pytest.mark.parametrize("place", range(3), ids=["flow", "descent", "ensemble"])
def test_single_precision_is_right_at_large_times(place):
    exact, rough = (list(predictions(dtype, 1e6))[place] for dtype in (np.float64, np.float32))
    np.testing.assert_allclose(exact, TRUTH, atol=5e-6)
    assert rough.dtype == np.float32
    np.testing.assert_allclose(rough, exact, atol=2e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_times_at_which_nothing_is_known_are_refused_with_one_at_which_something_is(dtype):
    k, cross = kernels(dtype)
    beyond = {np.float32: 1e10, np.float64: 1e25}[dtype]
    with pytest.raises(InvalidArgument, match="^time: got .* or stop by") as caught:
        predict.gradient_flow(k, Y, cross, time=beyond)
    assert ("float64 kernels" in caught.value.remedy) == (dtype == np.float32)
    latest = float(caught.value.remedy.split()[-1].rstrip("."))
    assert 1e5 < latest < beyond
    got = predict.gradient_flow(k, Y, cross, time=latest).test
    np.testing.assert_allclose(got, np.sin(5 * X_TEST), atol=0.01)
    steps = int(10 * beyond)
    with pytest.raises(InvalidArgument, match=r"^steps: got .* or stop by \d+ steps"):
        predict.gradient_descent(k, Y, cross, steps=steps, learning_rate=0.1)
    ridged = k + dtype(1e-3) * np.eye(24, dtype=dtype)
    expected = predict.kernel_regression(k, Y, cross, ridge=1e-3).test
    np.testing.assert_allclose(predict.gradient_flow(ridged, Y, cross, time=beyond).test, expected, atol=0.01)


def test_an_infinite_time_names_a_finite_one_that_helps():
    k, cross = kernels(np.float32)
    with pytest.raises(
        NotPositiveDefinite, match="^k_train: got .*Pass float64 kernels.* or stop by"
    ) as caught:
        predict.gradient_flow(k, Y, cross, time=float("inf"))
    latest = float(caught.value.remedy.split()[-1].rstrip("."))
    np.testing.assert_allclose(
        predict.gradient_flow(k, Y, cross, time=latest).test, np.sin(5 * X_TEST), atol=0.01
    )


def test_outputs_on_the_training_points_need_no_refusal():
    k, _ = kernels(np.float32)
    np.testing.assert_allclose(predict.gradient_flow(k, Y, time=1e12).train, Y, atol=1e-3)


@pytest.mark.parametrize("seed", range(12))
def test_what_is_not_refused_is_right_on_drawn_kernels(seed):
    """The bound is met with room: the worst of 500 draws erred by .003 of the largest target."""
    rng = np.random.default_rng(seed)
    activation = (nv.Erf(), nv.ReLU(), nv.Sin())[seed % 3]
    arch = nv.mlp(inputs=2, depth=1 + seed % 2, activation=activation, bias_std=0.3)
    x, x_test = (rng.uniform(-1, 1, (n, 2)).astype(np.float32) for n in (rng.integers(5, 40), 4))
    y = np.sin(3 * x.sum(axis=1, keepdims=True)) + 0.1 * rng.standard_normal((len(x), 1))
    wide, wide_test = x.astype(float), x_test.astype(float)
    tried = 0
    for time in 10.0 ** np.arange(0, 9):
        try:
            got = predict.gradient_flow(nv.ntk(arch, x), y, nv.ntk(arch, x_test, x), time=time).test
        except InvalidArgument:
            break
        exact = predict.gradient_flow(nv.ntk(arch, wide), y, nv.ntk(arch, wide_test, wide), time=time).test
        assert np.abs(got - exact).max() < 0.01 * np.abs(y).max()
        tried += 1
    assert tried >= 3


def test_cross_entropy_does_not_return_what_cancellation_left():
    """One point with two labels: its coefficients grow for ever and cancel."""
    k, cross, labels = np.ones((2, 2), np.float32), np.array([[1.0, 1.0 + 1e-7]], np.float32), np.eye(2)
    with pytest.raises(InvalidArgument, match="^time: got 1e.08.*Pass float64 kernels"):
        predict.cross_entropy_flow(k, labels, cross, time=1e8)
    for settings in (
        {"time": 1e3},
        {"time": 1e8, "k_train": k.astype(float), "k_test_train": k[:1].astype(float)},
    ):
        got = predict.cross_entropy_flow(**{"k_train": k, "y": labels, "k_test_train": cross} | settings)
        np.testing.assert_allclose(got.test, 0, atol=1e-3)


def test_results_in_single_precision_stay_differentiable():
    k, cross = (torch.tensor(part, requires_grad=True) for part in kernels(np.float32))
    out = predict.gradient_flow(k + torch.eye(24), torch.tensor(Y), cross, time=3.0).test
    out.sum().backward()
    assert out.dtype == torch.float32 and torch.isfinite(k.grad).all() and k.grad.dtype == torch.float32
