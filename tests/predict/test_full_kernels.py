"""Kernels that differ between outputs: against networks that are linear in their parameters."""

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from scipy.special import softmax
from torch import nn

import ntkverify as nv
from ntkverify import predict
from ntkverify.errors import InvalidArgument

RNG = np.random.default_rng(0)
N, M, OUTPUTS, P = 4, 2, 3, 20
FEATURES = RNG.standard_normal((N + M, OUTPUTS, P))
"""Gradients of output o of point i: outputs share parameters, so the kernel is no multiple of the identity."""
FULL = np.einsum("iap,jbp->ijab", FEATURES, FEATURES)
K, CROSS = FULL[:N, :N], FULL[N:, :N]
START = RNG.standard_normal((N + M, OUTPUTS))
Y = RNG.standard_normal((N, OUTPUTS))
GIVEN = {"f0_train": START[:N], "f0_test": START[N:]}
RATE = 0.9 * predict.max_learning_rate(K)


def descended(batches, rate: float) -> np.ndarray:
    """Outputs (n + m, o) of the network that is linear in w with these gradients."""
    w = np.zeros(P)
    for batch in batches:
        residual = (START + FEATURES @ w)[batch] - Y[batch]
        w = w - rate * np.einsum("nop,no->p", FEATURES[batch], residual)
    return START + FEATURES @ w


def test_the_order_of_the_axes_is_that_of_empirical_kernels():
    class Linear(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.zeros(P, dtype=torch.float64))

        def forward(self, x):
            return torch.tensor(FEATURES)[x[:, 0].long()] @ self.w

    rows = np.arange(N + M, dtype=float)[:, None]
    np.testing.assert_allclose(nv.empirical_ntk(Linear(), rows, outputs="full"), FULL, rtol=1e-12)


def test_descent_moves_all_outputs_together():
    got = predict.gradient_descent(K, Y, CROSS, steps=[3, 40], learning_rate=RATE, **GIVEN)
    for place, steps in enumerate([3, 40]):
        expected = descended([range(N)] * steps, RATE)
        np.testing.assert_allclose(np.concatenate([got.train[place], got.test[place]]), expected, rtol=1e-8)


def test_minibatches_move_all_outputs_together():
    batches = predict.batches(N, 3, 7, seed=1)
    got = predict.minibatch_gradient_descent(K, Y, CROSS, batches=batches, learning_rate=RATE, **GIVEN)
    np.testing.assert_allclose(np.concatenate(got), descended(batches, RATE), rtol=1e-10)


def test_flow_and_its_end_are_those_of_the_linear_network():
    flat = FEATURES[:N].reshape(N * OUTPUTS, P)
    w = np.linalg.lstsq(flat, (Y - START[:N]).ravel(), rcond=None)[0]
    expected = START + FEATURES @ w
    for got in (
        predict.gradient_flow(K, Y, CROSS, time=np.inf, **GIVEN).test,
        START[N:] + predict.kernel_regression(K, Y - START[:N], CROSS).test,
        predict.gradient_flow(K, Y, CROSS, time=1e4, **GIVEN).test,
    ):
        np.testing.assert_allclose(got, expected[N:], rtol=1e-8)
    several = predict.gradient_flow(K, Y, CROSS, time=[0.01, 1e4], **GIVEN)
    assert several.train.shape == (2, N, OUTPUTS) and several.test.shape == (2, M, OUTPUTS)


def test_regression_says_the_condition_of_the_whole_kernel():
    flat = FEATURES[:N].reshape(N * OUTPUTS, P)
    result = predict.kernel_regression(K, Y, CROSS, ridge=0.1)
    eigenvalues = np.linalg.eigvalsh(flat @ flat.T + 0.1 * np.eye(N * OUTPUTS))
    assert result.condition == pytest.approx(eigenvalues[-1] / eigenvalues[0])
    assert predict.max_learning_rate(K) == pytest.approx(2 / (eigenvalues[-1] - 0.1))
    assert 0 < result.error_bound < 1e-10


def test_cross_entropy_moves_all_outputs_together():
    y = np.eye(OUTPUTS)[[0, 1, 2, 0]]

    def velocity(_, flat):
        f = flat.reshape(N + M, OUTPUTS)
        return np.einsum("ijab,jb->ia", FULL[:, :N], y - softmax(f[:N], axis=1)).ravel()

    expected = solve_ivp(velocity, (0, 0.7), START.ravel(), method="DOP853", rtol=1e-11, atol=1e-11).y[:, -1]
    got = predict.cross_entropy_flow(K, y, CROSS, time=0.7, **GIVEN)
    np.testing.assert_allclose(np.concatenate(got), expected.reshape(-1, OUTPUTS), rtol=1e-6, atol=1e-6)


def test_the_identity_over_outputs_is_the_kernel_that_is_the_same_for_all():
    one, cross = K[:, :, 0, 0], CROSS[:, :, 0, 0]
    wide, wide_cross = (part[:, :, None, None] * np.eye(OUTPUTS) for part in (one, cross))
    for call in (
        lambda k, c: predict.gradient_descent(k, Y, c, steps=5, learning_rate=1e-3, **GIVEN).test,
        lambda k, c: predict.gradient_flow(k, Y, c, time=0.3, **GIVEN).test,
        lambda k, c: predict.kernel_regression(k, Y, c).test,
        lambda k, c: predict.log_marginal_likelihood(k, Y),
    ):
        np.testing.assert_allclose(call(wide, wide_cross), call(one, cross), rtol=1e-9)


def test_one_weight_behind_two_outputs():
    gradients = np.einsum("ip,o->iop", np.eye(3), [1.0, 2.0])  # f = (x w, 2 x w) at three unit vectors
    k = np.einsum("iap,jbp->ijab", gradients, gradients)
    y = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    got = predict.gradient_descent(k, y, k, steps=100, learning_rate=0.1)
    for outputs in got:
        np.testing.assert_allclose(outputs, [[0.2, 0.4], [0.4, 0.8], [0.6, 1.2]], rtol=1e-12)


def test_directions_of_eigenvalue_zero_move_nothing_where_that_is_allowed():
    gradients = np.einsum("ip,o->iop", np.eye(3), [1.0, 2.0])
    k = np.einsum("iap,jbp->ijab", gradients, gradients)
    y = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    with pytest.raises(InvalidArgument, match="smallest eigenvalue"):
        predict.gradient_flow(k, y, k, time=np.inf)
    got = predict.gradient_flow(k, y, k, time=np.inf, allow_singular=True)
    np.testing.assert_allclose(got.test, [[0.2, 0.4], [0.4, 0.8], [0.6, 1.2]], rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: predict.kernel_regression(K, Y[:, :2], CROSS), "y"),
        (lambda: predict.kernel_regression(K, Y, CROSS[:, :, 0, 0]), "k_test_train"),
        (lambda: predict.kernel_regression(K[:, :, 0, 0], Y, CROSS), "k_test_train"),
        (lambda: predict.kernel_regression(K, Y, CROSS[:, :3]), "k_test_train"),
        (lambda: predict.kernel_regression(K, Y, CROSS[:, :, :2, :2]), "k_test_train"),
        (lambda: predict.kernel_regression(K[:, :, :2], Y, CROSS), "k_train"),
        (lambda: predict.kernel_regression(K[0], Y, CROSS), "k_train"),
        (lambda: predict.max_learning_rate(FULL[:, :N]), "k_train"),
        (lambda: predict.gradient_flow(K.transpose(0, 1, 3, 2) + np.arange(3), Y, time=1.0), "k_train"),
    ],
)
def test_full_kernels_that_do_not_fit_are_refused_by_name(call, argument):
    with pytest.raises(InvalidArgument, match=f"^{argument}: got"):
        call()
