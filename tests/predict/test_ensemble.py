"""The Gaussian over initialisations: against the linear map that training is, and against real networks."""

import numpy as np
import pytest
import torch
from scipy.linalg import expm

import ntkverify as nv
from ntkverify import predict
from ntkverify.errors import InvalidArgument, NotPositiveDefinite

RNG = np.random.default_rng(0)


def psd(size: int) -> np.ndarray:
    factor = RNG.standard_normal((size, size + 2))
    return factor @ factor.T


THETA, NNGP, Y = psd(7), psd(7), RNG.standard_normal((5, 2))
PARTS = {"nngp_train": NNGP[:5, :5], "nngp_test_train": NNGP[5:, :5], "nngp_test": NNGP[5:, 5:]}


@pytest.mark.parametrize("time", [0.0, 0.4, float("inf")])
def test_the_ensemble_is_the_image_of_the_initial_gaussian(time):
    decay = np.eye(5) - (np.zeros((5, 5)) if time == float("inf") else expm(-THETA[:5, :5] * time))
    smoother = THETA[5:, :5] @ np.linalg.inv(THETA[:5, :5]) @ decay
    linear_map = np.hstack([-smoother, np.eye(2)])  # f_t = f_0(test) - P f_0(train) + P y
    got = predict.ensemble(THETA[:5, :5], Y, THETA[5:, :5], **PARTS, time=time)
    np.testing.assert_allclose(got.mean, smoother @ Y, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(got.covariance, linear_map @ NNGP @ linear_map.T, rtol=1e-8, atol=1e-10)


def test_the_posterior_conditions_the_joint_gaussian():
    got = predict.nngp_posterior(
        PARTS["nngp_train"], Y, PARTS["nngp_test_train"], PARTS["nngp_test"], noise=0.3
    )
    noisy = NNGP + 0.3 * np.diag([1.0] * 5 + [0.0] * 2)
    precision = np.linalg.inv(noisy)
    np.testing.assert_allclose(got.covariance, np.linalg.inv(precision[5:, 5:]), rtol=1e-9)
    expected = -np.linalg.inv(precision[5:, 5:]) @ precision[5:, :5] @ Y
    np.testing.assert_allclose(got.mean, expected, rtol=1e-9)


def test_training_every_layer_of_the_nngp_alone_is_its_posterior_mean():
    """With the NNGP for a kernel, which is what training the last layer sees."""
    got = predict.ensemble(PARTS["nngp_train"], Y, PARTS["nngp_test_train"], **PARTS)
    posterior = predict.nngp_posterior(PARTS["nngp_train"], Y, PARTS["nngp_test_train"], PARTS["nngp_test"])
    np.testing.assert_allclose(got.mean, posterior.mean, rtol=1e-8)
    np.testing.assert_allclose(got.covariance, posterior.covariance, rtol=1e-7, atol=1e-10)


def test_bad_arguments_are_refused_by_name():
    with pytest.raises(InvalidArgument, match="^nngp_test: got"):
        predict.ensemble(THETA[:5, :5], Y, THETA[5:, :5], **PARTS | {"nngp_test": NNGP})
    with pytest.raises(InvalidArgument, match="^time: got"):
        predict.ensemble(THETA[:5, :5], Y, THETA[5:, :5], **PARTS, time=float("nan"))
    with pytest.raises(InvalidArgument, match="^noise: got"):
        predict.nngp_posterior(PARTS["nngp_train"], Y, PARTS["nngp_test_train"], PARTS["nngp_test"], noise=-1)
    with pytest.raises(NotPositiveDefinite, match="Remove duplicate inputs.*or stop by"):
        predict.ensemble(np.ones((5, 5)), Y, THETA[5:, :5], **PARTS)


def test_variances_at_training_points_are_never_negative_and_say_how_far_off_they_may_be():
    arch = nv.mlp(inputs=3, depth=2, activation=nv.Erf(), bias_std=0.3)
    for dtype, count in ((np.float64, 40), (np.float32, 8)):
        x = RNG.standard_normal((count, 3)).astype(dtype)
        k, kernel = nv.ntk(arch, x), nv.nngp(arch, x)
        parts = {"nngp_train": kernel, "nngp_test_train": kernel, "nngp_test": kernel}
        posterior = predict.nngp_posterior(y=x[:, :1], **parts)
        for got in (posterior, predict.ensemble(k, x[:, :1], k, **parts)):
            assert got.covariance.dtype == dtype and got.mean.dtype == dtype
            assert (np.diag(got.covariance) >= 0).all()  # all are 0
            assert 0 < np.abs(got.covariance).max() <= got.error_bound
        assert posterior.error_bound < {np.float64: 1e-6, np.float32: 0.1}[dtype]


def test_the_error_bound_of_a_covariance_holds_away_from_the_training_points():
    arch = nv.mlp(inputs=2, depth=1, activation=nv.Erf(), bias_std=0.5)
    x, x_test = RNG.standard_normal((6, 2)), RNG.standard_normal((4, 2))

    def law(dtype, time):
        first, second = x.astype(dtype), x_test.astype(dtype)
        parts = {"nngp_train": nv.nngp(arch, first), "nngp_test_train": nv.nngp(arch, second, first)}
        parts["nngp_test"] = nv.nngp(arch, second)
        if time is None:
            return predict.nngp_posterior(y=first[:, :1], noise=0.1, **parts)
        return predict.ensemble(
            nv.ntk(arch, first), first[:, :1], nv.ntk(arch, second, first), time=time, **parts
        )

    x, x_test = x.astype(np.float32), x_test.astype(np.float32)  # the same points in both precisions
    for time in (None, 0.1, 100.0):
        rough, exact = law(np.float32, time), law(np.float64, time)
        assert 0 < np.abs(rough.covariance - exact.covariance).max() <= rough.error_bound < 0.1
        assert exact.error_bound < 1e-8


def test_covariances_of_no_gaussian_are_refused():
    with pytest.raises(
        InvalidArgument, match="^nngp_test: got covariances that leave a test point the variance -"
    ):
        predict.nngp_posterior(
            PARTS["nngp_train"], Y, PARTS["nngp_test_train"], PARTS["nngp_test"] - 50 * np.eye(2)
        )


def test_messages_name_the_arguments_of_the_posterior():
    one = np.ones((2, 2))
    for call in (
        lambda: predict.nngp_posterior(one, np.ones((2, 1)), one, one),
        lambda: predict.log_marginal_likelihood(one, np.ones((2, 1))),
    ):
        with pytest.raises(NotPositiveDefinite, match="^nngp_train: got .* pass a positive noise"):
            call()
    with pytest.raises(InvalidArgument, match="^nngp_test_train: got shape"):
        predict.nngp_posterior(PARTS["nngp_train"], Y, np.ones((2, 3)), PARTS["nngp_test"])


def test_full_kernels_have_no_ensemble():
    full = np.kron(THETA[:5, :5], np.eye(2)).reshape(5, 2, 5, 2).transpose(0, 2, 1, 3)
    cross = np.kron(THETA[5:, :5], np.eye(2)).reshape(2, 2, 5, 2).transpose(0, 2, 1, 3)
    with pytest.raises(InvalidArgument, match="^k_train: got one with 2 outputs.* mean over outputs"):
        predict.ensemble(full, Y, cross, **PARTS)
    with pytest.raises(InvalidArgument, match="^nngp_train: got one with 2 outputs"):
        predict.nngp_posterior(full, Y, cross, PARTS["nngp_test"])


def test_the_likelihood_is_the_density_of_the_targets():
    from scipy.stats import multivariate_normal

    noisy = PARTS["nngp_train"] + 0.3 * np.eye(5)
    expected = sum(multivariate_normal(np.zeros(5), noisy).logpdf(column) for column in Y.T)
    got = predict.log_marginal_likelihood(PARTS["nngp_train"], Y, noise=0.3)
    assert isinstance(got, float) and got == pytest.approx(expected, rel=1e-12)


def test_the_likelihood_is_differentiable_in_all_that_it_takes():
    k, y, noise = (torch.tensor(part, requires_grad=True) for part in (PARTS["nngp_train"], Y, np.array(0.3)))
    symmetric = lambda k, y, noise: predict.log_marginal_likelihood((k + k.T) / 2, y, noise)  # noqa: E731
    assert torch.autograd.gradcheck(symmetric, (k, y, noise))


def test_an_ensemble_of_wide_networks_has_that_mean_and_covariance():
    arch = nv.mlp(inputs=2, depth=1, bias_std=0.5)
    x, y = RNG.standard_normal((4, 2)), RNG.standard_normal((4, 1))
    x_test = RNG.standard_normal((1, 2))
    k, cross = nv.ntk(arch, x), nv.ntk(arch, x_test, x)
    rate, steps = 0.3 / np.linalg.eigvalsh(k)[-1], 15
    from ntkverify.training import train_ensemble

    nets = [nv.network(arch, 256, seed) for seed in range(600)]
    run = train_ensemble(nets, x, y, x_test, steps=steps, learning_rate=rate)
    nngp = {
        "nngp_train": nv.nngp(arch, x),
        "nngp_test_train": nv.nngp(arch, x_test, x),
        "nngp_test": nv.nngp(arch, x_test),
    }
    law = predict.ensemble(k, y, cross, **nngp, time=rate * steps)
    outputs = np.asarray(run.test)[:, 0, 0]
    spread = law.covariance[0, 0] ** 0.5
    assert abs(outputs.mean() - law.mean[0, 0]) < 6 * spread / 600**0.5 + 0.03 * spread
    assert abs(outputs.var() / spread**2 - 1) < 6 * (2 / 600) ** 0.5 + 0.05
