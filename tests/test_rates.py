"""Where parameters start and how fast they move: kernels, networks and predictions of layers with rates."""

import numpy as np
import pytest
import torch

import ntkverify as nv
from ntkverify import oracle
from ntkverify.analytic.tiles import evaluate
from ntkverify.errors import InvalidArgument

L, RELU = nv.Linear, nv.ReLU()
METHODS = ["jacobian_contraction", "ntk_vector_products", "structured_derivatives"]
X = np.random.default_rng(0).standard_normal((6, 4))
E1 = np.eye(4)[:1]


def network_of(*layers, **fields):
    return nv.Architecture(inputs=4, layers=nv.Sequential(*layers), **fields)


MIXED = network_of(
    L(1.0, 0.3, bias_rate=0.2),
    RELU,
    L(0.7, 0.1, weight_rate=3.0),
    nv.Erf(),
    L(0.0, 0.0, weight_rate=1.5, bias_rate=0.3),
)
FROZEN_FIRST = network_of(L(2.0, 0.5, weight_rate=0.0, bias_rate=0.0), RELU, L(1.0, 0.3, bias_rate=0.0))
FROM_ZERO = network_of(L(2.0, bias_rate=0.25), RELU, L(2**0.5, bias_rate=0.25))
ALL = {"mixed": MIXED, "frozen first layer": FROZEN_FIRST, "biases from zero": FROM_ZERO}


def arc_cosine(x):
    """kappa, delta and the inner products of rows x (n, d)."""
    norms, products = np.linalg.norm(x, axis=1), x @ x.T
    scale = np.outer(norms, norms)
    angle = np.arccos(np.clip(products / scale, -1, 1))
    kappa = scale * (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / np.pi
    return kappa, (np.pi - angle) / np.pi, products


def test_published_conventions_are_architectures():
    kappa, delta, products = arc_cosine(X)
    np.testing.assert_allclose(nv.ntk(FROM_ZERO, X), kappa + (products + 0.25) * delta + 0.25, rtol=1e-6)
    fixed_last = network_of(L(2.0), RELU, L(1.0, weight_rate=0.0))
    np.testing.assert_allclose(nv.ntk(fixed_last, X), products * delta / 2, rtol=1e-6)


@pytest.mark.parametrize(
    "arch, value",
    [
        (FROM_ZERO, 2.5),
        (network_of(L(2.0, 0.5), RELU, L(2**0.5, 0.5)), 2.75),
        (network_of(L(2.0), RELU, L(1.0, weight_rate=0.0)), 0.5),
        (network_of(L(2.0), RELU, L(2**0.5), RELU, L(2**0.5)), 3.0),
        (network_of(L(2.0), RELU, L(0.0, weight_rate=2.0)), 1.0),
    ],
)
def test_at_the_first_unit_vector(arch, value):
    assert nv.ntk(arch, E1) == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize("name", ALL)
def test_kernels_equal_integration_and_tiles(name):
    arch = ALL[name]
    pair = oracle.kernels_of_pair(arch, X[0], X[1])
    assert nv.ntk(arch, X)[0, 1] == pytest.approx(pair["NTK"], rel=1e-12)
    assert nv.nngp(arch, X)[0, 1] == pytest.approx(pair["NNGP"], rel=1e-12, abs=1e-15)
    assert nv.ntk(arch, X)[0, 0] == pytest.approx(oracle.kernels_of_point(arch, X[0])["NTK"], rel=1e-12)
    tiles = evaluate("ntk", arch, torch.from_numpy(X), None, side=4).numpy()
    np.testing.assert_allclose(tiles, nv.ntk(arch, X), rtol=1e-12)


@pytest.mark.parametrize("name", ALL)
def test_finite_networks_have_that_kernel_on_average(name):
    arch = ALL[name] if name != "mixed" else MIXED.mapped(lambda it: nv.Erf() if it == RELU else it)
    mean = np.mean([nv.empirical_ntk(nv.network(arch, 400, seed), X) for seed in range(40)], axis=0)
    expected = np.asarray(nv.ntk(arch, X))
    assert np.abs(mean - expected).max() < 0.04 * expected.max()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ALL)
def test_methods_agree_on_frozen_and_moving_layers(name, method):
    net = nv.network(ALL[name], 16, seed=1)
    expected = nv.empirical_ntk(net, X, method="jacobian_contraction")
    np.testing.assert_allclose(nv.empirical_ntk(net, X, method=method), expected, rtol=1e-10)


def test_what_is_frozen_is_a_buffer_in_both_parameterisations():
    for parameterization in ("ntk", "standard"):
        net = nv.network(FROZEN_FIRST, 8, seed=0, parameterization=parameterization)
        assert {name for name, _ in net.named_parameters()} == {"2.weight"}
        assert {name for name, _ in net.named_buffers()} == {"0.weight", "0.bias", "2.bias"}


def test_both_parameterisations_start_as_one_function():
    x = torch.from_numpy(X)
    for arch in ALL.values():
        one, other = (nv.network(arch, 8, seed=0, parameterization=name) for name in ("ntk", "standard"))
        assert torch.allclose(one(x), other(x), rtol=1e-12, atol=1e-14)
    assert not nv.network(MIXED, 8, seed=0)(x).any()  # its head starts at zero


def test_standard_parameterisation_is_rates_of_its_own():
    arch = nv.mlp(inputs=4, depth=2, weight_std=2**0.5, bias_std=0.3)
    standard = nv.network(arch, [8, 5], seed=3, parameterization="standard")
    by_rates = nv.network(arch.standard([8, 5]), [8, 5], seed=3)
    kernels = [nv.empirical_ntk(net, X) for net in (standard, by_rates)]
    np.testing.assert_allclose(*kernels, rtol=1e-12)
    assert [linear.rates for linear in arch.standard([8, 5]).linears] == [(4.0, 1.0), (8.0, 1.0), (5.0, 1.0)]
    wide = [nv.network(arch, 512, seed, parameterization="standard") for seed in range(8)]
    expected = np.asarray(nv.ntk(arch.standard(512), X))
    mean = np.mean([nv.empirical_ntk(net, X) for net in wide], axis=0)
    assert np.abs(mean - expected).max() < 0.1 * expected.max()


def test_trained_networks_are_predicted_by_their_kernel():
    """Biases from zero, a frozen first layer and a head from zero: gradient descent follows the NTK of the rates."""
    arch = network_of(
        L(1.0, bias_rate=0.25), nv.Erf(), L(1.0, weight_rate=0.5), nv.Erf(), L(0.0, weight_rate=2.0)
    )
    y = np.sin(3 * X[:, :1])
    kernel = nv.ntk(arch, X)
    rate = 0.5 * nv.predict.max_learning_rate(kernel)
    expected = nv.predict.gradient_descent(
        kernel[:4, :4], y[:4], kernel[4:, :4], steps=30, learning_rate=rate
    ).test
    net = nv.network(arch, 1536, seed=0)
    trained = nv.train(net, X[:4], y[:4], X[4:], steps=30, learning_rate=rate)
    assert np.abs(np.asarray(trained.test) - expected).max() < 0.05 * np.abs(expected).max()


DIAGONAL = [1.0, 2.0, 3.0, 0.5]
FULL = np.diag(DIAGONAL) + 0.25


@pytest.mark.parametrize("metric", [DIAGONAL, FULL], ids=["diagonal", "full"])
def test_inputs_in_a_metric(metric):
    arch = network_of(L(2.0, 0.5), RELU, L(1.0), metric=metric)
    assert nv.Architecture.from_json(arch.to_json()) == arch
    matrix = np.diag(metric) if np.ndim(metric) == 1 else metric
    plain = network_of(*arch.walk())
    root = np.linalg.cholesky(matrix)
    np.testing.assert_allclose(nv.ntk(arch, X), nv.ntk(plain, X @ root), rtol=1e-12)
    np.testing.assert_allclose(nv.ntk(arch, np.tile(X, (30, 1)))[:6, :6], nv.ntk(plain, X @ root), rtol=1e-12)
    pair = oracle.kernels_of_pair(arch, X[0], X[1])
    assert nv.ntk(arch, X)[0, 1] == pytest.approx(pair["NTK"], rel=1e-12)
    mean = np.mean([nv.empirical_ntk(nv.network(arch, 400, seed), X) for seed in range(40)], axis=0)
    assert np.abs(mean - nv.ntk(arch, X)).max() < 0.04 * mean.max()
    x = torch.tensor(X, requires_grad=True)
    expected = torch.autograd.grad(nv.ntk(plain, x @ torch.from_numpy(root))[0, 1], x)[0]
    gradient = torch.autograd.grad(nv.ntk(arch, x)[0, 1], x)[0]
    assert torch.allclose(gradient, expected, rtol=1e-10)


@pytest.mark.parametrize("inputs", [5, 50])
def test_a_full_metric_tells_equal_inputs_from_close_ones(inputs):
    """At norm 1e30 and behind Erf, inputs that differ in their last digit have different features."""
    rng = np.random.default_rng(0)
    layers = (L(2**0.5, 1.0), RELU, L(2**0.5, 1.0), nv.Erf(), L(2**0.5))
    metric = np.diag(np.linspace(1, 2, inputs)) + 1 / inputs
    arch = nv.Architecture(inputs=inputs, layers=nv.Sequential(*layers), metric=metric)
    x = 1e30 * rng.standard_normal((150, inputs))
    diagonal = np.diag(nv.ntk(arch, x))
    for first, last in ((0, 11), (140, 150), (3, 4)):
        some = x[first:last]
        np.testing.assert_allclose(np.diag(nv.ntk(arch, some, some.copy())), diagonal[first:last], rtol=1e-12)
        np.testing.assert_allclose(
            np.diag(nv.ntk(arch, some, x)[:, first:]), diagonal[first:last], rtol=1e-12
        )


@pytest.mark.parametrize(
    "make, argument",
    [
        (lambda: L(0.0), "weight_std"),
        (lambda: L(0.0, weight_rate=0.0), "weight_std"),
        (lambda: L(1.0, weight_rate=-1.0), "weight_rate"),
        (lambda: L(1.0, bias_rate=float("inf")), "bias_rate"),
        (lambda: L(1.0, bias_rate="1"), "bias_rate"),
        (lambda: network_of(L(0.0, weight_rate=1.0), RELU, L()), "layers"),
        (lambda: network_of(L(0.0, weight_rate=1.0), nv.Erf(), L(), RELU, L()), "layers"),
        (lambda: network_of(L(), metric=[1.0, 2.0]), "metric"),
        (lambda: network_of(L(), metric=[1.0, 2.0, 3.0, 0.0]), "metric"),
        (lambda: network_of(L(), metric=np.eye(4)[::-1]), "metric"),
        (lambda: network_of(L(), metric=np.eye(4) + np.eye(4, k=1)), "metric"),
        (lambda: network_of(L(), metric="ard"), "metric"),
        (lambda: nv.network(FROM_ZERO.deeper(), 8, seed=0, weights="lazy"), "weights"),
    ],
)
def test_what_makes_no_network_is_refused_by_name(make, argument):
    with pytest.raises(InvalidArgument, match=f"^{argument}: got .* but expected .*"):
        make()


def test_an_input_of_zero_is_as_far_from_any_direction():
    """Behind a bias that starts at zero and moves, ReLU's derivative tells angles, and 0 has none."""
    arch = nv.Architecture(inputs=2, layers=nv.Sequential(L(2**0.5, bias_rate=0.25), RELU, L(2**0.5)))
    angles = np.linspace(0, 2 * np.pi, 7)
    x = np.concatenate([np.zeros((1, 2)), np.stack([np.cos(angles), np.sin(angles)], axis=1)])
    for gram in (nv.ntk(arch, x), nv.ntk(arch, np.tile(x, (40, 1)))[:8, :8]):
        np.testing.assert_allclose(gram[0, 1:], gram[0, 1], rtol=1e-13)
        assert gram[0, 0] == pytest.approx(0.25)  # 2 E[relu'^2] bias_rate, with E[relu'^2] = 1/2
