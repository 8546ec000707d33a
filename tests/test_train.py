import numpy as np
import pytest
import torch

import ntkverify as nv
from ntkverify.errors import InvalidArgument
from ntkverify.training import train_ensemble

ARCH = nv.mlp(inputs=3, depth=1, activation=nv.Erf(), bias_std=0.5, outputs=2)
RNG = np.random.default_rng(0)
X, Y, X_TEST = RNG.standard_normal((6, 3)), RNG.standard_normal((6, 2)), RNG.standard_normal((4, 3))


def test_gradient_descent_step_by_step():
    net, reference = nv.network(ARCH, 16, seed=0), nv.network(ARCH, 16, seed=0)
    trajectory = nv.train(net, X, Y, X_TEST, steps=5, learning_rate=0.02)
    x, y = torch.tensor(X), torch.tensor(Y)
    for step in range(5):
        loss = 0.5 * ((reference(x) - y) ** 2).sum()
        assert loss.item() == pytest.approx(trajectory.losses[step], rel=1e-13)
        gradients = torch.autograd.grad(loss, list(reference.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(reference.parameters(), gradients, strict=True):
                parameter -= 0.02 * gradient
    np.testing.assert_allclose(trajectory.train, reference(x).detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(trajectory.test, reference(torch.tensor(X_TEST)).detach().numpy(), rtol=1e-12)
    assert len(trajectory.losses) == 6


def test_a_wide_network_follows_the_kernel():
    arch = nv.mlp(inputs=3, depth=1, activation=nv.Erf(), bias_std=0.5)
    y, net = Y[:, :1], nv.network(arch, 4096, seed=0)
    kernel = nv.ntk(arch, np.concatenate([X, X_TEST]), X)
    rate = 0.5 * nv.predict.max_learning_rate(kernel[:6])
    run = nv.train(net, X, y, X_TEST, steps=100, learning_rate=rate)
    predicted = nv.predict.gradient_descent(
        kernel[:6],
        y,
        kernel[6:],
        steps=100,
        learning_rate=rate,
        f0_train=run.initial_train,
        f0_test=run.initial_test,
    )
    moved = np.linalg.norm(predicted.test - run.initial_test)
    assert np.linalg.norm(run.test - predicted.test) < 0.1 * moved  # the fluctuation is about 2%


def test_momentum_is_heavy_ball():
    net, reference = nv.network(ARCH, 16, seed=0), nv.network(ARCH, 16, seed=0)
    nv.train(net, X, Y, steps=3, learning_rate=0.02, method=nv.HeavyBall(0.5))
    velocity = [torch.zeros_like(parameter) for parameter in reference.parameters()]
    for _ in range(3):
        loss = 0.5 * ((reference(torch.tensor(X)) - torch.tensor(Y)) ** 2).sum()
        gradients = torch.autograd.grad(loss, list(reference.parameters()))
        with torch.no_grad():
            velocity = [0.5 * v + g for v, g in zip(velocity, gradients, strict=True)]
            for parameter, v in zip(reference.parameters(), velocity, strict=True):
                parameter -= 0.02 * v
    for mine, theirs in zip(net.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("method", [nv.GradientDescent(), nv.HeavyBall(0.5), nv.Nesterov(0.5)], ids=repr)
def test_weight_decay_is_a_penalty_on_the_weights(method):
    """Independent: the penalty stands in the loss."""
    net, reference = nv.network(ARCH, 16, seed=0), nv.network(ARCH, 16, seed=0)
    nv.train(net, X, Y, steps=3, learning_rate=0.02, method=method, weight_decay=0.7)
    momentum = {"momentum": getattr(method, "momentum", 0.0), "nesterov": isinstance(method, nv.Nesterov)}
    steps = torch.optim.SGD(reference.parameters(), lr=0.02, **momentum)
    for _ in range(3):
        steps.zero_grad()
        loss = ((reference(torch.tensor(X)) - torch.tensor(Y)) ** 2).sum() / 2
        (loss + 0.7 / 2 * sum((p**2).sum() for p in reference.parameters())).backward()
        steps.step()
    for mine, theirs in zip(net.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("settings", [{"penalty": 30.0}, {"weight_decay": 30.0}], ids=str)
def test_a_penalty_counts_in_the_largest_learning_rate(settings):
    net = torch.nn.Linear(2, 1, bias=False).double()  # linear, of the eigenvalues 1
    with pytest.raises(InvalidArgument, match="lambda_max = 0.0645161"):
        nv.train(net, np.eye(2), np.ones((2, 1)), steps=1, learning_rate=0.07, **settings)


def test_cross_entropy_is_half_as_curved_as_squared_loss():
    net = torch.nn.Linear(2, 2, bias=False).double()
    nv.train(net, np.eye(2), np.eye(2), steps=1, learning_rate=3.9, loss="cross_entropy")
    with pytest.raises(InvalidArgument, match="lambda_max = 4"):
        nv.train(net, np.eye(2), np.eye(2), steps=1, learning_rate=4.1, loss="cross_entropy")


@pytest.mark.parametrize("width", [4, 600])  # together in one batch, and in several
def test_an_ensemble_is_its_networks_one_by_one(width):
    nets = [nv.network(ARCH, width, seed=seed) for seed in range(60)]
    settings = {"steps": 4, "learning_rate": 1e-3}
    together = train_ensemble(nets, X, Y, X_TEST, **settings)
    assert together.train.shape == (60, 6, 2)
    np.testing.assert_allclose(together.losses[0], ((together.initial_train - Y) ** 2).sum() / 2, rtol=1e-10)
    np.testing.assert_allclose(together.losses[-1], ((together.train - Y) ** 2).sum() / 2, rtol=1e-10)
    few = train_ensemble(nets[:2], X, Y, X_TEST, **settings)  # too few to be trained together
    np.testing.assert_allclose(few.train, together.train[:2], rtol=1e-10)
    np.testing.assert_allclose(few.losses[-1], ((few.train - Y) ** 2).sum() / 2, rtol=1e-10)
    for index in (0, 31, 59):
        alone = nv.train(nets[index], X, Y, X_TEST, **settings)
        for name in ("initial_train", "train", "initial_test", "test"):
            np.testing.assert_allclose(getattr(together, name)[index], getattr(alone, name), rtol=1e-10)


def test_frozen_parameters_stay():
    net = nv.network(ARCH, 8, seed=0)
    net[0].weight.requires_grad_(False)
    before = net[0].weight.clone()
    nv.train(net, X, Y, steps=3, learning_rate=0.01)
    assert torch.equal(net[0].weight, before)
    other = nv.network(ARCH, 8, seed=0)
    other[0].weight.requires_grad_(False)
    together = train_ensemble([other, other], X, Y, X_TEST, steps=3, learning_rate=0.01)
    np.testing.assert_allclose(together.train[1], net(torch.tensor(X)).detach().numpy(), rtol=1e-12)


def test_an_unstable_learning_rate_is_refused_or_watched():
    net = nv.network(ARCH, 32, seed=0)
    with pytest.raises(
        InvalidArgument, match="^learning_rate: got 50, but expected less than 2 / lambda_max"
    ):
        nv.train(net, X, Y, steps=3, learning_rate=50.0)
    run = nv.train(net, X, Y, steps=500, learning_rate=50.0, allow_unstable=True)
    assert not np.isfinite(run.losses[-1]) or run.losses[-1] > run.losses[0]


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        ({"x": X * np.nan}, "x"),
        ({"y": Y[:3]}, "y"),
        ({"y": Y[:, :1]}, "y"),
        ({"x_test": X_TEST[:, :2]}, "x_test"),
        ({"steps": -1}, "steps"),
        ({"learning_rate": -0.1}, "learning_rate"),
        ({"method": "nesterov"}, "method"),
        ({"method": nv.Nesterov}, "method"),
        ({"loss": "hinge"}, "loss"),
        ({"loss": "cross_entropy"}, "y"),
        ({"penalty": -1.0}, "penalty"),
        ({"record_at": (0, 2)}, "record_at"),
        ({"stop_at": 1.0}, "stop_at"),
        ({"stop_at": 0.1, "batch_size": 2}, "stop_at"),
    ],
)
def test_bad_arguments_are_refused_by_name(change, argument):
    arguments = {"x": X, "y": Y, "x_test": X_TEST, "steps": 1, "learning_rate": 1e-3} | change
    with pytest.raises(InvalidArgument, match=f"^{argument}: got"):
        nv.train(nv.network(ARCH, 4, seed=0), **arguments)


def test_a_diverging_network_does_not_stop_its_neighbours():
    nets = [nv.network(ARCH, 8, seed=seed) for seed in range(5)]  # enough to be trained together
    nets[1][0].weight.data *= 1e200
    nets[1][2].weight.data *= 1e200
    settings = {"steps": 10, "learning_rate": 0.01, "allow_unstable": True}
    together = train_ensemble(nets, X, Y, X_TEST, **settings)
    alone = nv.train(nets[2], X, Y, X_TEST, **settings)
    np.testing.assert_allclose(together.train[2], alone.train, rtol=1e-10)


def test_a_dead_network_has_no_eigenvalue_to_fear():
    net = nv.network(nv.mlp(inputs=3, depth=1, outputs=4), 4, seed=0)
    for parameter in net.parameters():
        parameter.data.zero_()
    run = nv.train(net, X, np.ones((6, 4)), steps=2, learning_rate=1e6)
    assert run.losses == (12.0, 12.0, 12.0)


@pytest.mark.parametrize("settings", [{"method": nv.Nesterov(0.6)}, {"batch_size": 4, "seed": 3}], ids=str)
def test_a_linear_model_follows_function_space_exactly(settings):
    net = torch.nn.Linear(3, 2, bias=False).double()
    kernel = np.concatenate([X, X_TEST]) @ X.T
    rate, n = 0.05 / np.linalg.eigvalsh(kernel[: len(X)])[-1], len(X)
    run = nv.train(net, X, Y, X_TEST, steps=7, learning_rate=rate, **settings)
    start = {"f0_train": run.initial_train, "f0_test": run.initial_test, "learning_rate": rate}
    if "batch_size" in settings:
        batches = nv.predict.batches(n, 4, 7, seed=3)
        expected = nv.predict.minibatch_gradient_descent(kernel[:n], Y, kernel[n:], batches=batches, **start)
    else:
        expected = nv.predict.gradient_descent(kernel[:n], Y, kernel[n:], steps=7, **start, **settings)
    np.testing.assert_allclose(run.train, expected.train, rtol=1e-9)
    np.testing.assert_allclose(run.test, expected.test, rtol=1e-9)


def test_records_are_the_runs_that_would_have_ended_there():
    settings = {"learning_rate": 0.01, "method": nv.HeavyBall(0.3)}
    net = nv.network(ARCH, 16, seed=0)
    start, kernel = [p.detach().clone() for p in net.parameters()], nv.empirical_ntk(net, X)
    run = nv.train(net, X, Y, X_TEST, steps=9, record_at=(0, 4, 9), **settings)
    assert [record.step for record in run.records] == [0, 4, 9]
    assert run.records[0].kernel_drift == run.records[0].parameter_distance == 0
    short = nv.train(nv.network(ARCH, 16, seed=0), X, Y, X_TEST, steps=4, **settings)
    np.testing.assert_array_equal(run.records[1].train, short.train)
    np.testing.assert_array_equal(run.records[1].test, short.test)
    moved = sum(((p.detach() - q) ** 2).sum().item() for p, q in zip(net.parameters(), start, strict=True))
    assert run.records[2].parameter_distance == pytest.approx(moved**0.5, rel=1e-12)
    drift = np.linalg.norm(nv.empirical_ntk(net, X) - kernel) / np.linalg.norm(kernel)
    assert run.records[2].kernel_drift == pytest.approx(drift, rel=1e-10)


def test_an_ensemble_records_each_of_its_networks():
    nets = [nv.network(ARCH, 300, seed=seed) for seed in range(60)]
    nets[0][0].weight.requires_grad_(False)
    for net in nets[1:]:
        net[0].weight.requires_grad_(False)
    settings = {"steps": 3, "learning_rate": 1e-3, "record_at": (0, 3)}
    together = train_ensemble(nets, X, Y, X_TEST, **settings)
    for index in (0, 59):
        alone = nv.train(nets[index], X, Y, X_TEST, **settings).records[1]
        for name in ("train", "test", "kernel_drift", "parameter_distance"):
            np.testing.assert_allclose(
                getattr(together.records[1], name)[index], getattr(alone, name), rtol=1e-6
            )
    with pytest.raises(InvalidArgument, match="^stop_at: got"):
        train_ensemble(nets, X, Y, X_TEST, stop_at=0.5, **settings)


def test_training_stops_at_the_wanted_residual_and_says_how_far_it_is():
    seen = []
    net = nv.network(ARCH, 256, seed=0)
    run = nv.train(
        net, X, Y, steps=1000, learning_rate=0.03, stop_at=0.1, progress=lambda *args: seen.append(args)
    )
    residuals = np.sqrt(np.array(run.losses) / run.losses[0])
    assert 2 < len(run.losses) < 1000
    assert residuals[-1] <= 0.1 < residuals[-2]
    assert np.linalg.norm(run.train - Y) == pytest.approx((2 * run.losses[-1]) ** 0.5)
    assert seen == list(enumerate(run.losses))


def test_a_penalty_to_the_start_is_ridge():
    net, kernel = torch.nn.Linear(3, 2, bias=False).double(), np.concatenate([X, X_TEST]) @ X.T
    run = nv.train(net, X, Y, X_TEST, steps=2000, learning_rate=0.05, penalty=2.0)
    ridge = nv.predict.kernel_regression(kernel[:6], Y - run.initial_train, kernel[6:], ridge=2.0)
    np.testing.assert_allclose(run.test, run.initial_test + ridge.test, rtol=1e-9)


def test_cross_entropy_in_small_steps_is_its_flow():
    net, kernel = torch.nn.Linear(3, 2, bias=False).double(), np.concatenate([X, X_TEST]) @ X.T
    labels = np.eye(2)[[0, 1, 1, 0, 1, 0]]
    run = nv.train(net, X, labels, X_TEST, steps=2000, learning_rate=1e-3, loss="cross_entropy")
    start = {"f0_train": run.initial_train, "f0_test": run.initial_test}
    flow = nv.predict.cross_entropy_flow(kernel[:6], labels, kernel[6:], time=2.0, **start)
    assert np.abs(run.test - flow.test).max() < 0.01 * np.abs(run.test - run.initial_test).max()
    assert run.losses[-1] < run.losses[0]
