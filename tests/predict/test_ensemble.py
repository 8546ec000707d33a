"""The Gaussian over initialisations: against the linear map that training is, and against real networks."""

import numpy as np
import pytest
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
    with pytest.raises(NotPositiveDefinite, match="or pass a finite time"):
        predict.ensemble(np.ones((5, 5)), Y, THETA[5:, :5], **PARTS)


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
