import numpy as np
import pytest
import torch
from scipy.linalg import expm

import ntkverify as nv
from ntkverify import predict
from ntkverify.errors import InvalidArgument, NotPositiveDefinite
from ntkverify.methods import Method

RNG = np.random.default_rng(0)
FACTOR = RNG.standard_normal((7, 9))
JOINT = FACTOR @ FACTOR.T
K, CROSS = JOINT[:5, :5], JOINT[5:, :5]
Y, F0, F0_TEST = RNG.standard_normal((5, 2)), RNG.standard_normal((5, 2)), RNG.standard_normal((2, 2))


def test_kernel_regression_solves_the_normal_equations():
    for ridge in (0.0, 0.7):
        expected = CROSS @ np.linalg.inv(K + ridge * np.eye(5)) @ Y
        np.testing.assert_allclose(predict.kernel_regression(K, Y, CROSS, ridge).test, expected, rtol=1e-10)


@pytest.mark.parametrize("steps", [0, 1, 7, 300])
def test_gradient_descent_is_its_own_loop(steps):
    rate = 0.9 * predict.max_learning_rate(K)
    train, test = F0.copy(), F0_TEST.copy()
    for _ in range(steps):
        residual = train - Y
        train, test = train - rate * K @ residual, test - rate * CROSS @ residual
    got = predict.gradient_descent(K, Y, CROSS, steps=steps, learning_rate=rate, f0_train=F0, f0_test=F0_TEST)
    np.testing.assert_allclose(got.train, train, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(got.test, test, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("time", [0.0, 0.1, 3.0])
def test_gradient_flow_is_the_matrix_exponential(time):
    decay = np.eye(5) - expm(-K * time)
    got = predict.gradient_flow(K, Y, CROSS, time=time, f0_train=F0, f0_test=F0_TEST)
    np.testing.assert_allclose(got.train, F0 + decay @ (Y - F0), rtol=1e-9, atol=1e-12)
    expected = F0_TEST + CROSS @ np.linalg.inv(K) @ decay @ (Y - F0)
    np.testing.assert_allclose(got.test, expected, rtol=1e-9, atol=1e-12)


def test_both_end_at_kernel_regression():
    regression = predict.kernel_regression(K, Y, CROSS).test
    np.testing.assert_allclose(
        predict.gradient_flow(K, Y, CROSS, time=float("inf")).test, regression, rtol=1e-8
    )
    rate = predict.max_learning_rate(K) / 2
    descent = predict.gradient_descent(K, Y, CROSS, steps=10**7, learning_rate=rate)
    np.testing.assert_allclose(descent.test, regression, rtol=1e-8)


def test_a_singular_kernel_still_trains():
    singular = np.ones((2, 2))
    got = predict.gradient_descent(
        singular, np.array([[1.0], [3.0]]), singular, steps=1000, learning_rate=0.4
    )
    np.testing.assert_allclose(got.train, [[2.0], [2.0]])
    np.testing.assert_allclose(predict.gradient_flow(singular, [[1.0], [3.0]], singular, time=50.0).test, 2.0)


def test_along_an_eigenvalue_of_zero_test_points_move_for_ever_or_not_at_all():
    kernel, y = np.diag([1.0, 0.0]), np.array([[1.0], [3.0]])
    got = predict.gradient_flow(kernel, y, np.array([[0.0, 1.0]]), time=2.0)
    np.testing.assert_allclose(got.train, [[1 - np.exp(-2)], [0.0]], rtol=1e-14)
    np.testing.assert_allclose(got.test, [[6.0]], rtol=1e-14)
    with pytest.raises(NotPositiveDefinite):  # without test points too
        predict.gradient_flow(kernel, y, time=float("inf"))
    for seed in range(5):  # eigenvalues that rounding makes of 0 have either sign
        rows = np.random.default_rng(seed).standard_normal((9, 3))
        gram, y = rows @ rows.T, np.random.default_rng(seed).standard_normal((7, 1))
        got = predict.gradient_flow(gram[:7, :7], y, gram[7:, :7], time=float("inf"), allow_singular=True)
        expected = rows[7:] @ np.linalg.lstsq(rows[:7], y, rcond=None)[0]
        np.testing.assert_allclose(got.test, expected, rtol=1e-9)


def test_torch_in_torch_out_and_differentiable():
    k = torch.tensor(K, requires_grad=True)
    out = predict.kernel_regression(k, torch.tensor(Y), torch.tensor(CROSS))
    out.test.sum().backward()
    assert torch.isfinite(k.grad).all()


@pytest.mark.parametrize("factor", [1.0, 1.5])
def test_an_unstable_learning_rate_is_refused_with_the_limit(factor):
    limit = predict.max_learning_rate(K)
    with pytest.raises(InvalidArgument, match=f"^learning_rate: .*lambda_max = {limit:.6g}.*allow_unstable"):
        predict.gradient_descent(K, Y, steps=1, learning_rate=factor * limit)
    predict.gradient_descent(K, Y, steps=1, learning_rate=factor * limit, allow_unstable=True)


def test_kernels_that_are_none_are_refused_with_their_eigenvalue():
    with pytest.raises(NotPositiveDefinite, match="smallest eigenvalue is -1") as caught:
        predict.kernel_regression(np.diag([1.0, -1.0]), np.ones((2, 1)), np.ones((1, 2)))
    assert caught.value.smallest_eigenvalue == pytest.approx(-1.0)
    assert 0 < caught.value.rounding_bound < 1e-12
    with pytest.raises(NotPositiveDefinite, match="rounding explains"):
        predict.gradient_flow(np.diag([1.0, -1.0]), np.ones((2, 1)), time=1.0)
    with pytest.raises(NotPositiveDefinite, match="Remove duplicate inputs, or pass a positive ridge"):
        predict.kernel_regression(np.ones((2, 2)), np.ones((2, 1)), np.ones((1, 2)))


def minibatches(batches):
    return predict.minibatch_gradient_descent(K, Y, batches=batches, learning_rate=0.1)


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: predict.kernel_regression(K[:3], Y, CROSS), "k_train"),
        (lambda: predict.kernel_regression(K, Y[:3], CROSS), "y"),
        (lambda: predict.kernel_regression(K, Y[:, 0], CROSS), "y"),
        (lambda: predict.kernel_regression(K, Y, CROSS[:, :3]), "k_test_train"),
        (lambda: predict.kernel_regression(K, Y, CROSS, ridge=-1.0), "ridge"),
        (lambda: predict.kernel_regression(K, Y, CROSS, ridge=float("nan")), "ridge"),
        (lambda: predict.gradient_flow(K, Y, time=-1.0), "time"),
        (lambda: predict.gradient_descent(K, Y, steps=-1, learning_rate=0.1), "steps"),
        (lambda: predict.gradient_descent(K, Y, steps=1, learning_rate=0.0), "learning_rate"),
        (lambda: predict.gradient_descent(K, Y, steps=1, learning_rate=1e-3, method="heavy"), "method"),
        (lambda: predict.max_learning_rate(K, method=0.9), "method"),
        (lambda: predict.gradient_descent(K, Y, steps=1, learning_rate=1e-3, f0_train=F0[:2]), "f0_train"),
        (lambda: predict.gradient_flow(K, Y, CROSS, time=1.0, f0_train=F0, f0_test=F0), "f0_test"),
        (lambda: predict.gradient_flow(K, Y, CROSS, time=1.0, f0_test=F0_TEST), "f0_test"),
        (lambda: predict.gradient_flow(K, Y, CROSS, time=1.0, f0_train=F0), "f0_test"),
        (lambda: predict.gradient_flow(K, Y, time=1.0, f0_train=F0, f0_test=F0_TEST), "f0_test"),
        (lambda: predict.gradient_flow(K, Y, time=[]), "time"),
        (lambda: predict.gradient_flow(K, Y, time=[1.0, float("nan")]), "time"),
        (lambda: predict.gradient_flow(K, Y, time="soon"), "time"),
        (lambda: predict.gradient_descent(K, Y, steps=[], learning_rate=0.1), "steps"),
        (lambda: predict.gradient_descent(K, Y, steps=2.0, learning_rate=0.1), "steps"),
        (lambda: predict.gradient_descent(K, Y, steps=1, learning_rate="fast"), "learning_rate"),
        (lambda: predict.kernel_regression(K, Y, CROSS, ridge=float("inf")), "ridge"),
        (lambda: predict.kernel_regression(K, Y, None), "k_test_train"),
        (lambda: predict.nngp_posterior(K, Y, CROSS, np.eye(2), noise=float("inf")), "noise"),
        (lambda: predict.cross_entropy_flow(K, np.eye(5), time=float("nan")), "time"),
        (lambda: minibatches([[0, 5]]), r"batches\[0\]"),
        (lambda: minibatches([[0], [-1]]), r"batches\[1\]"),
        (lambda: minibatches([[]]), r"batches\[0\]"),
        (lambda: minibatches([[0.5]]), r"batches\[0\]"),
        (lambda: predict.batches(5, 2, -1, seed=0), "steps"),
        (lambda: predict.batches(0, 1, 1, seed=0), "count"),
        (lambda: predict.max_learning_rate(-K), "k_train"),
        (lambda: predict.max_learning_rate(np.diag([1.0, -1.0])), "k_train"),
        (lambda: predict.gradient_flow(K * np.nan, Y, time=1.0), "k_train"),
    ],
)
def test_bad_arguments_are_refused_by_name(call, argument):
    with pytest.raises(InvalidArgument, match=f"^{argument}: got"):
        call()


@pytest.mark.parametrize(
    ("y", "remedy"),
    [
        (np.array([0, 1, 2, 0, 1]), r"one-hot encode them: numpy\.eye\(classes\)\[y\]"),
        (torch.tensor([0, 1, 2, 0, 1]), "one-hot encode"),
        (Y[:, 0], r"^(?!.*one-hot).*y\[:, None\]"),
        (Y[:3], "got shape \\(3, 2\\), but expected shape \\(5, outputs\\)"),
        (Y[:, :, None], "expected shape"),
    ],
)
def test_targets_of_another_shape_are_told_which(y, remedy):
    for call in (predict.kernel_regression, predict.nngp_posterior):
        with pytest.raises(InvalidArgument, match=remedy):
            call(K, y, CROSS, *([np.eye(2)] if call is predict.nngp_posterior else []))


def test_an_asymmetric_kernel_is_refused_not_repaired():
    for call in (
        lambda: predict.kernel_regression([[2.0, 1.0], [0.0, 2.0]], np.ones((2, 1)), np.ones((1, 2))),
        lambda: predict.gradient_flow([[2.0, 1.0], [0.0, 2.0]], np.ones((2, 1)), time=1.0),
    ):
        with pytest.raises(
            InvalidArgument, match="k_train: got a matrix that differs from its transpose by 1"
        ):
            call()


def test_what_rounding_does_not_explain_is_refused():
    asymmetric = np.array([[1.0, 1e-12], [0.0, 1.0]])
    with pytest.raises(InvalidArgument, match="differs from its transpose by 1e-12"):
        predict.gradient_flow(asymmetric, np.ones((2, 1)), time=1.0)
    with pytest.raises(NotPositiveDefinite, match="smallest eigenvalue is -1e-12"):
        predict.gradient_flow(np.diag([1.0, -1e-12]), np.ones((2, 1)), time=1.0)
    with pytest.raises(NotPositiveDefinite, match="smallest eigenvalue is 1e-16"):  # which it does
        predict.kernel_regression(np.diag([1.0, 1e-16]), np.ones((2, 1)), np.ones((1, 2)))


def test_large_pivots_do_not_hide_a_singular_kernel():
    lower = np.eye(40) - np.tril(np.ones((40, 40)), -1)
    kernel = lower @ lower.T
    with pytest.raises(NotPositiveDefinite):
        predict.kernel_regression(kernel, np.ones((40, 1)), kernel)


def test_a_zero_kernel_is_stable_at_any_rate():
    assert predict.max_learning_rate(np.zeros((2, 2))) == float("inf")
    with pytest.raises(InvalidArgument, match="infinite for a kernel of zeros"):
        predict.gradient_descent(np.zeros((2, 2)), np.ones((2, 1)), steps=1, learning_rate=float("inf"))


def linear_model(rows: np.ndarray, optimiser: dict, batches) -> np.ndarray:
    """Outputs at all rows after training w in f = rows @ w on the first five: the kernel is rows rows^T."""
    features = torch.tensor(rows)
    w = torch.zeros(rows.shape[1], 2, dtype=torch.float64, requires_grad=True)
    descent = torch.optim.SGD([w], **optimiser)
    for batch in batches:
        descent.zero_grad()
        (
            ((features[batch] @ w + torch.tensor(OFFSET)[batch] - torch.tensor(Y)[batch]) ** 2).sum() / 2
        ).backward()
        descent.step()
    return (features @ w).detach().numpy() + OFFSET


OFFSET = np.concatenate([F0, F0_TEST])
METHODS = [nv.GradientDescent(), nv.HeavyBall(0.7), nv.Nesterov(0.7)]


@pytest.mark.parametrize("method", [nv.HeavyBall(0.8), nv.Nesterov(0.8)], ids=repr)
def test_momentum_is_what_torch_does_to_a_linear_model(method):
    rate = 0.9 * predict.max_learning_rate(K, method=method)
    got = predict.gradient_descent(
        K,
        Y,
        CROSS,
        steps=[0, 3, 40],
        learning_rate=rate,
        method=method,
        f0_train=F0,
        f0_test=F0_TEST,
    )
    for steps, train, test in zip([0, 3, 40], got.train, got.test, strict=True):
        optimiser = {"lr": rate, "momentum": 0.8, "nesterov": method == nv.Nesterov(0.8)}
        expected = linear_model(FACTOR, optimiser, [range(5)] * steps)
        np.testing.assert_allclose(np.concatenate([train, test]), expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_descent_converges_below_the_largest_learning_rate_and_diverges_above(method):
    limit = predict.max_learning_rate(K, method=method)
    settings = {"steps": 3000, "method": method, "allow_unstable": True}
    largest = np.linalg.eigh(K)[1][:, -1:]

    def residual(factor: float) -> float:
        out = predict.gradient_descent(K, largest, learning_rate=factor * limit, **settings)
        return float(np.abs(out.train - largest).max())

    assert residual(0.99) < 1e-6 and residual(1.01) > 1e3


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_a_network_diverges_above_the_largest_learning_rate_of_its_method(method):
    x = np.eye(2)
    for factor, low, high in ((0.98, 0.0, 1e-6), (1.02, 1e3, np.inf)):
        net = torch.nn.Linear(2, 1, bias=False).double()  # linear, of kernel x x^T = 1
        rate = factor * predict.max_learning_rate(np.eye(2), method=method)
        settings = {"steps": 1500, "learning_rate": rate, "method": method}
        run = nv.train(net, x, np.ones((2, 1)), allow_unstable=True, **settings)
        assert low <= run.losses[-1] < high
        if factor > 1:
            with pytest.raises(InvalidArgument, match="^learning_rate: .*allow_unstable"):
                nv.train(net, x, np.ones((2, 1)), **settings)


@pytest.mark.parametrize("momentum", [0.0, 1.0, -0.5, float("nan")])
def test_a_momentum_that_is_none_is_refused(momentum):
    for method in (nv.HeavyBall, nv.Nesterov):
        with pytest.raises(InvalidArgument, match="^momentum: got .*GradientDescent"):
            method(momentum)


def test_a_method_of_unknown_outputs_can_be_trained_with_and_is_not_predicted():
    class Adam(Method):
        def optimizer(self, parameters, learning_rate, weight_decay=0.0):
            return torch.optim.Adam(parameters, learning_rate)

        def stable_below(self, largest_eigenvalue):
            return float("inf")

    run = nv.train(
        torch.nn.Linear(2, 1).double(), np.eye(2), np.ones((2, 1)), steps=9, learning_rate=0.1, method=Adam()
    )
    assert run.losses[-1] < run.losses[0]
    with pytest.raises(InvalidArgument, match="^method: got .*follows from the kernel alone"):
        predict.gradient_descent(K, Y, steps=1, learning_rate=1e-3, method=Adam())


def test_minibatches_in_function_space_are_minibatches_of_a_linear_model():
    batches = predict.batches(5, 2, 12, seed=3)
    assert sorted(np.concatenate(batches[:3])) == list(range(5)) and len(batches) == 12
    got = predict.minibatch_gradient_descent(
        K, Y, CROSS, batches=batches, learning_rate=0.05, f0_train=F0, f0_test=F0_TEST
    )
    expected = linear_model(FACTOR, {"lr": 0.05}, batches)
    np.testing.assert_allclose(np.concatenate(got), expected, rtol=1e-10)


def test_each_epoch_has_an_order_of_its_own():
    epochs = np.concatenate(predict.batches(20, 5, 12, seed=3)).reshape(3, 20)
    assert all(sorted(epoch) == list(range(20)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_several_times_are_the_single_ones():
    many = predict.gradient_flow(K, Y, CROSS, time=[0.0, 0.3, 2.0], f0_train=F0, f0_test=F0_TEST)
    for time, train, test in zip([0.0, 0.3, 2.0], many.train, many.test, strict=True):
        one = predict.gradient_flow(K, Y, CROSS, time=time, f0_train=F0, f0_test=F0_TEST)
        np.testing.assert_array_equal(train, one.train)
        np.testing.assert_array_equal(test, one.test)


def test_the_regression_says_how_far_it_can_be_trusted():
    rows = np.vander(np.linspace(0.5, 1, 8), 8)
    kernel, y = rows @ rows.T + 1e-9 * np.eye(8), np.ones((8, 1))
    result = predict.kernel_regression(kernel, y, kernel)
    assert result.condition == pytest.approx(np.linalg.cond(kernel), rel=1e-4)
    assert 0 < np.abs(result.test - y).max() <= result.error_bound


def test_the_error_bound_grows_with_the_condition_and_is_of_the_coarser_kernel():
    """Entries that are rounded to float32 move an ill-conditioned regression by up to its condition."""
    rows = np.vander(np.linspace(0.5, 1, 5), 5)
    kernel, y = rows @ rows.T + 1e-3 * np.eye(5), np.cos(7 * np.arange(5.0))[:, None]
    exact = predict.kernel_regression(kernel, y, kernel[:2] + kernel[2:4])
    rough = predict.kernel_regression(kernel.astype(np.float32), y, kernel[:2] + kernel[2:4])
    size = np.linalg.norm(kernel[:2] + kernel[2:4], axis=1).max() * np.linalg.norm(np.linalg.solve(kernel, y))
    assert exact.error_bound == pytest.approx(8 * 2**-53 * 5 * (1 + exact.condition) * size, rel=1e-3)
    assert np.abs(rough.test - exact.test).max() <= rough.error_bound
    cross = (kernel[:2] + kernel[2:4]).astype(np.float32)
    mixed = predict.kernel_regression(kernel, y, cross)
    assert mixed.error_bound == pytest.approx(2**29 * exact.error_bound, rel=1e-3)
