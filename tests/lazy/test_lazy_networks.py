"""Networks whose hidden weights are drawn where they are asked: the same law, and the same training."""

import copy
import pickle

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp

import ntkverify as nv
from ntkverify.errors import InvalidArgument
from ntkverify.lazy import TOLERANCE, LazyGaussian, LazyLinear, is_lazy, layer, matrix
from ntkverify.networks import assembly
from ntkverify.training import train_ensemble

ARCH = nv.mlp(inputs=3, depth=3, activation=nv.Erf(), weight_std=2**0.5, bias_std=0.5, outputs=2)
RELU = nv.mlp(inputs=3, depth=2, weight_std=2**0.5, bias_std=0.5)
RNG = np.random.default_rng(0)
X, Y, X_TEST = RNG.standard_normal((5, 3)), RNG.standard_normal((5, 2)), RNG.standard_normal((3, 3))
SETTINGS = {"steps": 12, "learning_rate": 0.02, "method": nv.HeavyBall(0.6)}
CLOSE = 10 * TOLERANCE
LEVEL = 1e-6
"""Probability with which a comparison of laws would reject equal ones, had its seeds been drawn."""


def lazy_layers(net):
    return [module for module in net if isinstance(module, LazyLinear)]


def started_dense(net, arch, widths):
    """The dense network that the lazy `net` began as: its hidden matrices asked in full."""
    dense = nv.network(arch, widths, seed=0)
    for mine, theirs in zip(dense, net, strict=True):
        if isinstance(theirs, LazyLinear):
            whole = theirs.matrix @ torch.eye(theirs.fans[1], dtype=torch.float64)
            mine.weight.data.copy_(whole)
            mine.bias.data.copy_(theirs.bias.detach())
    return dense


def difference(**settings) -> float:
    """The largest between a lazy network's run and that of the dense network that it was, relative to the
    dense one's largest output. The biases are put back: the matrices never change."""
    arch, widths = ARCH, [40, 56, 48]
    lazy = nv.network(arch, widths, seed=0, weights="lazy")
    biases = [module.bias.detach().clone() for module in lazy_layers(lazy)]
    run = nv.train(lazy, X, Y, X_TEST, **SETTINGS | settings)
    for module, bias in zip(lazy_layers(lazy), biases, strict=True):
        module.bias.data.copy_(bias)
    expected = nv.train(started_dense(lazy, arch, widths), X, Y, X_TEST, **SETTINGS | settings)
    pairs = [
        (getattr(run, name), getattr(expected, name))
        for name in ("initial_train", "initial_test", "train", "test")
    ]
    for mine, theirs in zip(run.records, expected.records, strict=True):
        names = ("train", "test", "kernel_drift", "parameter_distance")
        pairs += [(getattr(mine, name), getattr(theirs, name)) for name in names]
    return max(float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-3)) for a, b in pairs)


@pytest.mark.parametrize(
    "settings",
    [
        {"record_at": (0, 3, 12)},
        {"method": nv.GradientDescent(), "penalty": 0.3},
        {"method": nv.Nesterov(0.6), "batch_size": 2, "penalty": 0.1, "record_at": (2, 9)},
        {"stop_at": 0.5},
    ],
    ids=str,
)
def test_training_is_that_of_the_dense_network(settings):
    assert difference(**settings) < CLOSE


def test_an_update_forgotten_in_the_transposed_product_is_found(monkeypatch):
    backward = layer._Product.backward

    def forgetful(ctx, gradient):
        asked = ctx.matrix.ask_left(gradient)
        return asked @ ctx.matrix.left.answers.filled, *backward(ctx, gradient)[1:]

    monkeypatch.setattr(layer._Product, "backward", staticmethod(forgetful))
    assert difference() > 100 * CLOSE


def test_leaving_out_too_much_is_found(monkeypatch):
    monkeypatch.setattr(layer, "LazyGaussian", lambda *args: LazyGaussian(*args, tolerance=0.1))
    assert difference() > 100 * CLOSE


def test_its_ntk_is_that_of_the_dense_network():
    lazy = nv.network(ARCH, 48, seed=0, weights="lazy")
    kernels = [nv.empirical_ntk(lazy, X, X_TEST), nv.empirical_ntk(lazy, X, outputs="full")]
    dense = started_dense(lazy, ARCH, 48)
    expected = [nv.empirical_ntk(dense, X, X_TEST), nv.empirical_ntk(dense, X, outputs="full")]
    for mine, theirs in zip(kernels, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=CLOSE * np.abs(theirs).max())


def samples(weights: str, seeds: range) -> np.ndarray:
    """(statistics, networks): outputs, NTK entries before and after, and trained outputs; width 64."""
    rows = []
    for seed in seeds:
        net = nv.network(RELU, 64, seed=seed, weights=weights)
        start = nv.empirical_ntk(net, X[:2])
        run = nv.train(net, X, Y[:, :1], X_TEST, steps=5, learning_rate=0.05, allow_unstable=True)
        end = nv.empirical_ntk(net, X[:2])
        rows.append(
            [
                run.initial_train[0, 0],
                run.initial_train[0, 0] * run.initial_train[1, 0],
                start[0, 0],
                start[0, 1],
                end[0, 1] - start[0, 1],
                run.test[0, 0],
                np.linalg.norm(run.train - Y[:, :1]),
            ]
        )
    return np.array(rows).T


def least_probability(count: int = 150) -> float:
    pairs = zip(samples("lazy", range(count)), samples("dense", range(1000, 1000 + count)), strict=True)
    return min(ks_2samp(*pair).pvalue for pair in pairs)


def test_the_law_is_that_of_dense_networks():
    assert least_probability() > LEVEL


def test_a_wrong_scale_is_found(scale_lazy_layers):
    scale_lazy_layers(1.2)
    assert least_probability() < LEVEL


def test_a_wide_network_follows_the_kernel():
    y, net = Y[:, :1], nv.network(RELU, 2**14, seed=1, weights="auto")
    assert is_lazy(net) and not is_lazy(nv.network(RELU, 512, seed=0, weights="auto"))
    kernel = nv.ntk(RELU, np.concatenate([X, X_TEST]), X)
    rate = 0.5 * nv.predict.max_learning_rate(kernel[:5])
    settings = {"steps": 20, "learning_rate": rate}
    run = nv.train(net, X, y, X_TEST, **settings)
    start = {"f0_train": run.initial_train, "f0_test": run.initial_test}
    predicted = nv.predict.gradient_descent(kernel[:5], y, kernel[5:], **settings, **start)
    moved = np.linalg.norm(predicted.test - run.initial_test)
    assert np.linalg.norm(run.test - predicted.test) < 0.05 * moved  # the fluctuation is about 1%


def test_copies_share_their_first_weights_and_part_in_training():
    nets = [nv.network(RELU, 200, seed=seed, weights="lazy") for seed in range(2)]
    before = [net(torch.tensor(X)).detach() for net in nets]
    settings = {"steps": 3, "learning_rate": 0.02}
    together = train_ensemble(nets, X, Y[:, :1], X_TEST, **settings)
    for index, net in enumerate(nets):
        torch.testing.assert_close(net(torch.tensor(X)).detach(), before[index], rtol=0, atol=CLOSE)
        twin = copy.deepcopy(net)
        np.testing.assert_allclose(
            nv.train(twin, X, Y[:, :1], X_TEST, **settings).test, together.test[index], atol=CLOSE
        )
        assert twin[2].matrix is net[2].matrix and net[2].weight.numel() == 0


def after_a_last_bit() -> float:
    """How far trained outputs change with the last bit of the inputs; the largest of some networks."""
    deep = nv.mlp(inputs=3, depth=3, weight_std=2**0.5, bias_std=0.5)
    # With antipodes, whose parts along a direction are as large as each other.
    x = np.concatenate([X[:3], -X[:2]])

    def trained(seed: int, inputs: np.ndarray) -> np.ndarray:
        net = nv.network(deep, 256, seed=seed, weights="lazy")
        return nv.train(net, inputs, Y[:, :1], X_TEST, steps=4, learning_rate=0.01).test

    pairs = [(trained(seed, x), trained(seed, x * (1 + 4.6e-16))) for seed in range(4)]
    return max(np.abs(one - other).max() for one, other in pairs)


def test_rounding_does_not_choose_another_network():
    assert after_a_last_bit() < CLOSE


def test_directions_that_rounding_may_reverse_are_found(monkeypatch):
    monkeypatch.setattr(matrix, "_signed", lambda new, rest: new)
    assert after_a_last_bit() > 1e-3


def test_a_frozen_lazy_layer_stays():
    net = nv.network(RELU, 64, seed=0, weights="lazy")
    net[2].weight.requires_grad_(False)
    nv.train(net, X, Y[:, :1], steps=3, learning_rate=0.02)
    assert net[2].weight.numel() == 0


def test_one_hidden_layer_goes_to_a_million_units():
    net = nv.network(nv.mlp(inputs=3, depth=1), 2**20, seed=0, weights="lazy")
    run = nv.train(net, X, Y[:, :1], steps=1, learning_rate=0.05, allow_unstable=True)
    assert not is_lazy(net) and run.losses[1] < run.losses[0]


SIGNS = nv.Architecture(
    inputs=3,
    layers=nv.Sequential(nv.Linear(), nv.ReLU(), nv.Linear(weights="rademacher"), nv.ReLU(), nv.Linear()),
)


@pytest.mark.parametrize(
    ("arch", "options", "message"),
    [
        (SIGNS, {}, "weights: got 'lazy' with rademacher weights.*only Gaussian weights leave"),
        (RELU, {"weights": "sparse"}, "weights: got 'sparse'"),
        (RELU, {"parameterization": "standard"}, "weights: got 'lazy' with standard parameterisation"),
        (RELU, {"dtype": torch.float32}, "weights: got 'lazy' with .*float32"),
    ],
)
def test_what_cannot_be_lazy_is_refused(arch, options, message):
    with pytest.raises(InvalidArgument, match=message):
        nv.network(arch, 16, seed=0, **{"weights": "lazy"} | options)


def test_auto_is_dense_where_lazy_cannot_be(monkeypatch):
    monkeypatch.setattr(assembly, "MOST_DENSE", 0)
    assert is_lazy(nv.network(RELU, 16, seed=0, weights="auto"))
    assert not is_lazy(nv.network(SIGNS, 16, seed=0, weights="auto"))
    assert not is_lazy(nv.network(RELU, 16, seed=0, weights="auto", dtype=torch.float32))
    rates = nv.mlp(inputs=3, depth=2, bias_rate=0.2)
    assert not is_lazy(nv.network(rates, 16, seed=0, weights="auto"))


def test_gradients_of_several_passes_add_up():
    def moved(*passes: slice) -> torch.Tensor:
        net = nv.network(RELU, 40, seed=0, weights="lazy")
        net(torch.tensor(X))  # the same questions first, whatever comes then
        for rows in passes:
            net(torch.tensor(X))[rows].sum().backward()
        left, right = (side.questions.filled for side in (net[2].matrix.left, net[2].matrix.right))
        return left.T @ net[2].weight.grad @ right

    whole = moved(slice(None))
    torch.testing.assert_close(
        moved(slice(2), slice(2, None)), whole, rtol=0, atol=CLOSE * float(whole.norm())
    )


def test_a_lazy_layer_says_what_it_takes():
    net = nv.network(RELU, 16, seed=0, weights="lazy")
    for x in (torch.ones(4, 3), torch.ones(3, dtype=torch.float64), torch.ones(2, 4, 3, dtype=torch.float64)):
        with pytest.raises(InvalidArgument, match="^x: got torch.float.* for a lazy layer"):
            net[2](net[1](net[0].double()(x.double())).to(x.dtype))
    with pytest.raises(InvalidArgument, match="^state_dict: got weights of a lazy layer.*Pickle"):
        net.load_state_dict(net.state_dict())
    twin = pickle.loads(pickle.dumps(net))
    torch.testing.assert_close(twin(torch.tensor(X)), net(torch.tensor(X)), rtol=0, atol=0)


def test_what_needs_the_whole_matrix_is_refused():
    net = nv.network(RELU, 16, seed=0, weights="lazy")
    with pytest.raises(InvalidArgument, match="^weight_decay: got 0.1"):
        nv.train(net, X, Y[:, :1], steps=1, learning_rate=0.01, weight_decay=0.1)
    with pytest.raises(InvalidArgument, match="^net: got lazy layers, for 'jacobian_contraction'"):
        nv.empirical_ntk(net, X, method="jacobian_contraction")
    with pytest.raises(InvalidArgument, match="^net: got lazy layers"):
        nv.ntk_operator(net, X)
