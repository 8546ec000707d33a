"""Activations by numeric integration: their accuracy is reached, said, or refused."""

import numpy as np
import pytest
import torch

import ntkverify as nv
from ntkverify.analytic import kernel
from ntkverify.errors import InvalidArgument

X = np.random.default_rng(0).standard_normal((5, 3))


def unit_vectors(rng) -> np.ndarray:
    """Six in three dimensions: the second close to the first, the third opposite to it, the fourth parallel."""
    x = rng.standard_normal((6, 3))
    x[1], x[2], x[3] = x[0] + 1e-3 * x[1], -x[0], 2 * x[0]
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    x[3] /= 2
    return x


CLOSED = [
    (nv.Custom(lambda x: x.clamp(min=0), kinks=(0,)), nv.ReLU()),
    pytest.param(nv.Custom(torch.erf), nv.Erf(), marks=pytest.mark.slow),
    (nv.Custom(torch.cos), nv.Cos()),
    (nv.Custom(lambda x: x**3), nv.Monomial(3)),
]


@pytest.mark.parametrize(("custom", "closed"), CLOSED, ids=lambda a: type(a).__name__)
@pytest.mark.parametrize("bias_std", [0.0, 0.5])
def test_a_function_has_the_kernels_of_its_closed_form(custom, closed, bias_std):
    for depth in (1, 2):
        mine, theirs = (
            nv.mlp(inputs=3, depth=depth, activation=a, bias_std=bias_std) for a in (custom, closed)
        )
        for evaluate in (nv.nngp, nv.ntk):
            expected = evaluate(theirs, X)
            scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
            assert (np.abs(evaluate(mine, X) - expected) / scale).max() < 1e-9


@pytest.mark.parametrize("norm", [1e-3, 1.0, 30.0, 1e3])
@pytest.mark.parametrize("closed", [nv.Erf(), nv.Abs()], ids=repr)
def test_inputs_of_any_norm_and_angle_have_the_kernels_of_the_closed_form(closed, norm):
    """Near enough to one another that no expansion converges, parallel and opposite; on both sides of a kink."""
    points = norm * unit_vectors(np.random.default_rng(2))
    kinks = (0.0,) if closed.kinked else ()
    mine, theirs = (
        nv.mlp(inputs=3, depth=2, activation=a, bias_std=0.1)
        for a in (nv.Custom(closed, kinks=kinks, accuracy=1e-12), closed)
    )
    for evaluate in (nv.nngp, nv.ntk):
        expected = evaluate(theirs, points)
        scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
        assert (np.abs(evaluate(mine, points) - expected) / scale).max() < 2e-12


@pytest.mark.parametrize("activation", [nv.Tanh(), nv.Sigmoid(), nv.SiLU()], ids=repr)
@pytest.mark.parametrize("norm", [1.0, 1e3])
def test_no_ordinary_input_is_refused(activation, norm):
    for seed in range(2):
        arch = nv.mlp(inputs=3, depth=2, activation=activation, weight_std=1.5, bias_std=0.1)
        found = kernel(arch, norm * unit_vectors(np.random.default_rng(seed)))
        assert found.moments.quadrature_error <= 1e-12 and torch.isfinite(found.ntk).all()


def test_hundreds_of_points_share_their_expansions(monkeypatch):
    """What is computed for each pair is a sum: function values grow with the points, not with their pairs."""
    seen = []

    def counted(x):
        seen.append(x.numel())
        return torch.tanh(x)

    arch = nv.mlp(inputs=8, depth=1, activation=nv.Custom(counted, accuracy=1e-12))
    apart = np.random.default_rng(0).standard_normal((240, 8))
    evaluated = []
    for count in (60, 120, 240):
        seen.clear()
        nv.nngp(arch, apart[:count])
        evaluated.append(sum(seen) / count)
    assert evaluated[2] < 1.5 * evaluated[0]


def test_kinks_anywhere_are_integrated_up_to():
    """A hard sigmoid against a network of ReLUs that computes it: clamp(x) = relu(x + .5) - relu(x - 1) - .5."""
    clamp = nv.Custom(lambda x: x.clamp(-0.5, 1), kinks=(-0.5, 1))
    arch = nv.mlp(inputs=3, depth=1, activation=clamp)
    rng = np.random.default_rng(1)
    weights = rng.standard_normal((3, 4_000_000)) / 3**0.5
    first, second = (np.clip(row @ weights, -0.5, 1) for row in X[:2])
    got = nv.nngp(arch, X[:2])
    assert got[0, 1] == pytest.approx((first * second).mean(), abs=5 * (first * second).std() / 2000)
    assert kernel(arch, X).moments.quadrature_error <= 1e-10


def test_the_achieved_error_is_recorded():
    coarse = nv.mlp(inputs=3, depth=1, activation=nv.Tanh(accuracy=1e-3))
    fine = nv.mlp(inputs=3, depth=1, activation=nv.Tanh())
    assert 0 < kernel(coarse, X).moments.quadrature_error <= 1e-3
    assert kernel(fine, X).moments.quadrature_error <= 1e-12
    assert kernel(nv.mlp(inputs=3, depth=1), X).moments.quadrature_error == 0


def test_an_accuracy_out_of_reach_is_refused_with_what_was_reached():
    rough = nv.Custom(lambda x: (37 * x).clamp(-1, 1))  # its kinks are not named
    with pytest.raises(
        InvalidArgument, match=r"^accuracy: got 1e-10, but expected at least .*name all kinks"
    ):
        nv.nngp(nv.mlp(inputs=3, depth=1, activation=rough), X[:2])


def test_close_inputs_keep_a_positive_definite_kernel():
    pair = np.array([[1.0, 0.0, 0.0], [1.0, 1e-7, 0.0]])
    for activation in (nv.Tanh(), nv.SiLU(), nv.GELU(), nv.Sin()):
        moments = kernel(nv.mlp(inputs=3, depth=2, activation=activation), pair).moments
        assert 1e-15 < moments.one_minus_cosine[0, 1].item() < 1e-13


def test_a_small_angle_is_as_accurate_as_it_is_small():
    x = np.array([[1.0, 0.0, 0.0], [0.98, 0.98 * (0.98**-2 - 1) ** 0.5, 0.0]])  # 1 - cosine is 0.02
    absolute = nv.Custom(torch.abs, kinks=(0,), accuracy=1e-4)
    mine, theirs = (
        kernel(nv.mlp(inputs=3, depth=1, activation=activation), x).moments
        for activation in (absolute, nv.Abs())
    )
    torch.testing.assert_close(mine.one_minus_cosine, theirs.one_minus_cosine, rtol=1e-4, atol=0)


def test_two_sets_of_one_size_are_two():
    arch = nv.mlp(inputs=3, depth=1, activation=nv.Tanh())
    x = np.concatenate([X[:2], 3 * X[2:4]])
    np.testing.assert_allclose(nv.nngp(arch, x[:2], x[2:]), nv.nngp(arch, x)[:2, 2:], rtol=1e-10)


def test_functions_are_not_json_and_say_so():
    arch = nv.mlp(inputs=3, depth=1, activation=nv.Custom(torch.tanh))
    with pytest.raises(InvalidArgument, match="^json: got .*function"):
        arch.to_json()


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (lambda: nv.Custom(lambda x: x.sum()), "function"),
        (lambda: nv.Custom(torch.tanh, accuracy=0.0), "accuracy"),
        (lambda: nv.LeakyReLU(float("nan")), "negative_slope"),
        (lambda: nv.ABReLU(0.0, 0.0), r"a\^2 \+ b\^2"),
        (lambda: nv.RectifiedMonomial(0), "degree"),
        (lambda: nv.Monomial(1.5), "degree"),
        (lambda: nv.Hermite(True), "degree"),
        (lambda: nv.Gaussian(-1.0), "gamma"),
        (lambda: nv.RBF(0), "gamma"),
        (lambda: nv.ntk(nv.mlp(inputs=3, depth=1, activation=nv.Sign()), X), "activation"),
    ],
)
def test_bad_arguments_are_refused_by_name(make, argument):
    with pytest.raises(InvalidArgument, match=f"^{argument}: got"):
        make()


def test_the_sign_has_an_nngp_and_says_why_no_ntk():
    arch = nv.mlp(inputs=3, depth=1, activation=nv.Sign())
    cosine = X @ X.T / np.outer(*[np.linalg.norm(X, axis=1)] * 2)
    np.testing.assert_allclose(nv.nngp(arch, X), 2 / np.pi * np.arcsin(cosine.clip(-1, 1)), atol=1e-7)
    with pytest.raises(InvalidArgument, match="infinite on the diagonal"):
        nv.ntk(arch, X)


@pytest.mark.parametrize(
    "activation",
    [
        nv.LeakyReLU(0.2),
        nv.ABReLU(-1.0, 2.0),
        nv.RectifiedMonomial(2),
        nv.Hermite(3),
        nv.Gaussian(2.0),
        nv.Tanh(),
    ],
    ids=repr,
)
def test_activations_read_back_from_json(activation):
    arch = nv.mlp(inputs=3, depth=1, activation=activation)
    assert nv.Architecture.from_json(arch.to_json()) == arch
