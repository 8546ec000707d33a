"""The kernels and the estimator, as scikit-learn uses them."""

import doctest

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.utils.estimator_checks import check_estimator

import ntkverify as nv
from ntkverify import analytic
from ntkverify.errors import InvalidArgument, NotPositiveDefinite
from ntkverify.sklearn import NNGPKernel, NTKKernel, NTKRegressor

KERNELS = [(NTKKernel, nv.ntk), (NNGPKernel, nv.nngp)]
EACH_LAYER = np.array([0.7, 1.1, 1.6])


def points(count=8, seed=0):
    return np.random.default_rng(seed).standard_normal((count, 3))


@pytest.mark.parametrize(("kind", "function"), KERNELS)
def test_kernels_are_those_of_the_library(kind, function):
    x, other = points(), points(5, seed=1)
    arch = nv.mlp(inputs=3, depth=2, activation=nv.Erf(), weight_std=1.3, bias_std=0.4)
    kernel = kind(2, nv.Erf(), 1.3, 0.4)
    np.testing.assert_array_equal(kernel(x), function(arch, x))
    np.testing.assert_array_equal(kernel(x, other), function(arch, x, other))
    np.testing.assert_allclose(kernel.diag(x), np.diag(function(arch, x)), rtol=1e-14)
    assert not kernel.is_stationary()
    different = kind(2, nv.Erf(), EACH_LAYER, 0.4)
    np.testing.assert_array_equal(different(x), function(arch, x, weight_std=EACH_LAYER))
    np.testing.assert_allclose(different.diag(x), np.diag(different(x)), rtol=1e-14)


def differences(kernel, x, step=1e-5):
    """Returns the derivatives (n, n, len(theta)) by central differences."""
    steps = step * np.eye(kernel.n_dims)
    up, down = ([kernel.clone_with_theta(kernel.theta + sign * one)(x) for one in steps] for sign in (1, -1))
    return np.stack([(a - b) / (2 * step) for a, b in zip(up, down, strict=True)], axis=-1)


@pytest.mark.parametrize("kind", [NTKKernel, NNGPKernel])
@pytest.mark.parametrize("activation", [nv.ReLU(), nv.Erf(), nv.RBF(0.5)])
def test_gradients_are_those_of_differences(kind, activation, monkeypatch):
    monkeypatch.setattr(analytic, "FEW_PAIRS", 20)  # several blocks of rows
    x = points()
    x = np.concatenate([x, x[:1], -x[1:2], np.zeros((1, 3))])  # where angles are 0 and pi, or there is none
    kernel = kind(2, activation, EACH_LAYER, 0.3)
    values, gradient = kernel(x, eval_gradient=True)
    assert kernel.theta == pytest.approx(np.log([0.3, *EACH_LAYER]))
    np.testing.assert_array_equal(values, kernel(x))
    np.testing.assert_allclose(gradient, differences(kernel, x), rtol=1e-6, atol=1e-8)


def test_kernels_enter_sums_and_products():
    x = points()
    kernel = (
        ConstantKernel(2.0) * NTKKernel(2) + NNGPKernel(activation=nv.Erf()) * RBF(0.5) + WhiteKernel(0.1)
    )
    arch = nv.mlp(inputs=3, depth=2, weight_std=2**0.5, bias_std=0.1)
    other = nv.mlp(inputs=3, depth=1, activation=nv.Erf(), weight_std=2**0.5, bias_std=0.1)
    expected = 2 * nv.ntk(arch, x) + nv.nngp(other, x) * RBF(0.5)(x) + 0.1 * np.eye(len(x))
    values, gradient = kernel(x, eval_gradient=True)
    np.testing.assert_allclose(values, expected, rtol=1e-13)
    np.testing.assert_allclose(gradient, differences(kernel, x), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("settings", "free"),
    [
        ({}, 2),
        ({"weight_std_bounds": "fixed"}, 1),
        ({"bias_std": 0.0}, 1),
        ({"bias_std": 0, "weight_std": 2, "weight_std_bounds": "fixed"}, 0),
    ],
)
def test_what_is_fixed_has_no_gradient(settings, free):
    kernel = NTKKernel(**settings)
    _, gradient = kernel(points(), eval_gradient=True)
    assert gradient.shape == (8, 8, free) and len(kernel.theta) == len(kernel.bounds) == free
    assert np.isfinite(gradient).all() and np.isfinite(kernel.theta).all()


def test_kernels_are_cloned_set_and_shown():
    kernel = NTKKernel(2, nv.Erf(), 1.3, 0.4, bias_std_bounds="fixed")
    assert clone(kernel) == kernel and clone(kernel) is not kernel
    assert clone(kernel).set_params(depth=3) == NTKKernel(3, nv.Erf(), 1.3, 0.4, bias_std_bounds="fixed")
    assert kernel != NNGPKernel(2, nv.Erf(), 1.3, 0.4, bias_std_bounds="fixed")
    assert repr(kernel) == "NTKKernel(depth=2, activation=Erf(), weight_std=1.3, bias_std=0.4)"
    assert "weight_std=[0.7 1.1 1.6]" in repr(NNGPKernel(2, weight_std=EACH_LAYER))


def test_a_gaussian_process_raises_its_marginal_likelihood():
    x = points(20)
    y = np.sin(2 * x[:, 0]) + 1
    start = NNGPKernel(activation=nv.Erf())
    process = GaussianProcessRegressor(start, alpha=0.01).fit(x, y)
    fitted = process.kernel_
    reached = process.log_marginal_likelihood_value_
    assert reached > process.log_marginal_likelihood(start.theta) + 1
    arch = nv.mlp(
        inputs=3, depth=1, activation=nv.Erf(), weight_std=fitted.weight_std, bias_std=fitted.bias_std
    )
    expected = nv.predict.log_marginal_likelihood(nv.nngp(arch, x), y[:, None], noise=0.01)
    assert reached == pytest.approx(expected, rel=1e-10)
    mean, deviation = process.predict(x[:4] + 0.1, return_std=True)
    posterior = nv.predict.nngp_posterior(
        nv.nngp(arch, x),
        y[:, None],
        nv.nngp(arch, x[:4] + 0.1, x),
        nv.nngp(arch, x[:4] + 0.1),
        noise=0.01,
    )
    np.testing.assert_allclose(mean, posterior.mean[:, 0], rtol=1e-6)
    np.testing.assert_allclose(deviation**2, np.diag(posterior.covariance), rtol=1e-5)


def test_a_search_picks_the_standard_deviation_that_drew_the_targets():
    x, noise = points(40), np.random.default_rng(1).standard_normal((40, 10))
    y = np.linalg.cholesky(NNGPKernel(2, nv.Erf(), 4.0)(x) + 1e-9 * np.eye(40)) @ noise
    grid, folds = [0.5, 4.0, 50.0], KFold(4)
    ridge = KernelRidge(kernel=NNGPKernel(2, nv.Erf()), alpha=1e-3)
    search = GridSearchCV(ridge, {"kernel__weight_std": grid}, cv=folds, scoring="neg_mean_squared_error")
    assert search.fit(x, y).best_params_ == {"kernel__weight_std": 4.0}
    for place, weight_std in enumerate(grid):
        arch = nv.mlp(inputs=3, depth=2, activation=nv.Erf(), weight_std=weight_std, bias_std=0.1)
        k = nv.nngp(arch, x)
        errors = [
            ((nv.predict.kernel_regression(k[a][:, a], y[a], k[b][:, a], 1e-3).test - y[b]) ** 2).mean()
            for a, b in folds.split(x)
        ]
        assert search.cv_results_["mean_test_score"][place] == pytest.approx(-np.mean(errors), rel=1e-6)


def test_kernel_ridge_asks_for_whole_matrices(monkeypatch):
    asked, right = [], analytic.ntk
    monkeypatch.setattr(analytic, "ntk", lambda arch, *x, **std: asked.append(x) or right(arch, *x, **std))
    KernelRidge(kernel=NTKKernel()).fit(points(), np.ones(8))
    assert len(asked) == 1


def test_bad_arguments_are_refused():
    x = points()
    with pytest.raises(ValueError, match="when Y is None"):
        NTKKernel()(x, x, eval_gradient=True)
    for kernel, words in (
        (NTKKernel(depth=0), "^depth"),
        (NTKKernel(weight_std=-1.0), "^weight_std"),
        (NTKKernel(weight_std=[1.0, 2.0, 3.0]), "one for each of 2 layers"),
        (NTKKernel(activation="relu"), "'relu'"),
    ):
        for call in (kernel, kernel.diag, lambda x, kernel=kernel: kernel(x, eval_gradient=True)):
            with pytest.raises(InvalidArgument, match=words):
                call(x)
    with pytest.raises(InvalidArgument, match="^X: .*column"):
        NTKKernel().diag(x[0])
    with pytest.raises(InvalidArgument, match="^Y: "):
        NTKKernel()(x, x[0])


@pytest.mark.parametrize(
    "estimator", [NTKRegressor(), NTKRegressor(2, nv.Erf(), weight_std=1.5, bias_std=0.5)]
)
def test_the_estimator_is_one_of_scikit_learns(estimator):
    results = check_estimator(estimator, on_skip=None)
    assert {result["status"] for result in results} <= {"passed", "skipped"} and len(results) > 40


@pytest.mark.parametrize("shape", [(8,), (8, 1), (8, 2)])
def test_the_estimator_is_kernel_regression(shape):
    x, at = points(), points(5, seed=1)
    y = np.random.default_rng(2).standard_normal(shape)
    arch = nv.mlp(inputs=3, depth=2, activation=nv.Erf(), weight_std=1.3, bias_std=0.4)
    expected = nv.predict.kernel_regression(nv.ntk(arch, x), y.reshape(8, -1), nv.ntk(arch, at, x), 0.1)
    regressor = NTKRegressor(2, nv.Erf(), 1.3, 0.4, ridge=0.1).fit(x, y)
    np.testing.assert_allclose(regressor.predict(at), expected.test.reshape(5, *shape[1:]), rtol=1e-10)
    assert regressor.condition_ == pytest.approx(expected.condition)


def test_repeated_points_need_a_ridge():
    x = np.repeat(points(4), 2, axis=0)
    assert np.isfinite(NTKRegressor().fit(x, np.arange(8.0)).predict(x)).all()
    with pytest.raises(NotPositiveDefinite, match="positive ridge"):
        NTKRegressor(ridge=0.0).fit(x, np.arange(8.0))


def test_its_example_runs():
    failed, tried = doctest.testmod(nv.sklearn)
    assert (failed, tried > 10) == (0, True)
