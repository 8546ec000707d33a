"""The kernel recursion against golden values and an independent reference."""

import contextlib
import functools
import math

import mpmath
import numpy as np
import pytest
import torch
from scipy import integrate

import ntkverify as nv
from ntkverify.analytic import tiles
from ntkverify.errors import InvalidArgument

COSINES = np.array([0.9, 0.5, 0.0, -0.5])
# ReLU on the unit sphere, no bias, weight variance 2; computed with mpmath at 30 digits.
GOLDEN = {
    1: [1.6803287350288, 0.94233111437756, 0.31830988618379, -0.057668885622437],
    2: [2.3688136627183, 1.3514795611235, 0.68570863628294, 0.34386224627273],
    5: [4.0608947406114, 2.462893132458, 1.7921959668446, 1.5071068019862],
}


def he(depth: int, inputs: int = 2, bias_std: float = 0.0) -> nv.Architecture:
    return nv.mlp(inputs=inputs, depth=depth, weight_std=2**0.5, bias_std=bias_std)


@pytest.mark.parametrize("depth", GOLDEN)
def test_golden_values(depth):
    # In two dimensions a first-layer variance of 2 makes the input kernel the cosine itself.
    others = np.stack([COSINES, np.sqrt(1 - COSINES**2)], axis=1)
    kernel = nv.ntk(he(depth), np.array([[1.0, 0.0]]), others)
    np.testing.assert_allclose(kernel[0], GOLDEN[depth], rtol=1e-13)


def naive_kernels(arch: nv.Architecture, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """NNGP and NTK of two points, with expectations by nested quadrature (Jacot et al. 2018, Theorem 1)."""
    functions = {
        nv.ReLU(): (lambda u: max(u, 0.0), lambda u: float(u > 0)),
        nv.Erf(): (math.erf, lambda u: 2 / math.sqrt(math.pi) * math.exp(-u * u)),
    }
    pairs = {"xx": (x, x), "xy": (x, y), "yy": (y, y)}
    first = arch.linears[0]
    k = {name: first.weight_std**2 * p @ q / len(x) + first.bias_std**2 for name, (p, q) in pairs.items()}
    theta = dict(k)
    for activation, linear in zip(arch.activations, arch.linears[1:], strict=True):
        phi, derivative = functions[activation]
        covariances = {"xx": (k["xx"],) * 3, "xy": (k["xx"], k["xy"], k["yy"]), "yy": (k["yy"],) * 3}
        for name, (a, c, b) in covariances.items():
            k[name] = linear.weight_std**2 * gaussian_mean(phi, a, c, b) + linear.bias_std**2
            slope = gaussian_mean(derivative, a, c, b)
            theta[name] = k[name] + linear.weight_std**2 * slope * theta[name]
    return k["xy"], theta["xy"]


def gaussian_mean(phi, a: float, c: float, b: float) -> float:
    """E phi(u) phi(v) over N(0, [[a, c], [c, b]]), in polar coordinates: kinks at 0 lie on rays."""
    angle = math.acos(max(-1.0, min(1.0, c / math.sqrt(a * b))))

    def integrand(r: float, t: float) -> float:
        u, v = math.sqrt(a) * r * math.cos(t), math.sqrt(b) * r * math.cos(t - angle)
        return phi(u) * phi(v) * r * math.exp(-r * r / 2) / (2 * math.pi)

    kinks = sorted({-math.pi / 2, math.pi / 2, angle - math.pi / 2, angle + math.pi / 2, 3 * math.pi / 2})
    parts = zip(kinks, kinks[1:], strict=False)
    return sum(integrate.dblquad(integrand, start, end, 0, 12, epsabs=1e-10)[0] for start, end in parts)


@pytest.mark.parametrize("activation", [nv.ReLU(), nv.Erf()])
def test_agrees_with_naive_quadrature(activation):
    arch = nv.mlp(inputs=3, depth=2, activation=activation, weight_std=1.3, bias_std=0.4)
    x, y = np.array([0.3, -1.0, 2.0]), np.array([1.0, 0.5, 0.2])
    expected = naive_kernels(arch, x, y)
    got = nv.nngp(arch, x[None], y[None])[0, 0], nv.ntk(arch, x[None], y[None])[0, 0]
    np.testing.assert_allclose(got, expected, rtol=1e-8)  # the quadrature's own accuracy


@pytest.mark.parametrize("depth", [1, 3, 30])
def test_diagonal_is_depth_plus_one(depth):
    x = np.array([[0.6, 0.8], [1.0, 0.0], [0.28, -0.96]])
    np.testing.assert_allclose(np.diag(nv.ntk(he(depth), x)), depth + 1, rtol=1e-14 * depth)


def test_near_duplicates_keep_their_digits():
    """At a small angle d the smallest eigenvalue of two points is H (H + 1) d / 2 pi."""
    for angle in (1e-4, 1e-6, 1e-8):
        x = np.array([[1.0, 0.0], [math.cos(angle), math.sin(angle)]])
        gram = nv.ntk(he(3), x)
        # Relative error of order angle in the law itself, and rounding of the entries.
        assert gram[0, 0] - gram[0, 1] == pytest.approx(
            12 * angle / (2 * math.pi), rel=10 * angle + 1e-15 / angle
        )


def test_gram_matrix_is_exactly_symmetric_and_blocks_agree():
    x = np.random.default_rng(0).standard_normal((7, 4))
    arch = he(2, inputs=4, bias_std=0.3)
    gram = nv.ntk(arch, x)
    assert (gram == gram.T).all()
    # Vectorised transcendental functions may round the last elements of a block another way.
    np.testing.assert_allclose(nv.ntk(arch, x[:3], x[3:]), gram[:3, 3:], rtol=8 * np.finfo(float).eps)


@pytest.mark.parametrize(
    "arch", [he(2), he(3, bias_std=0.1), nv.mlp(inputs=2, depth=1, activation=nv.Monomial(2))]
)
def test_tiles_are_the_whole_matrix_at_any_norm_and_angle(arch):
    """Twelve points in tiles of four: blocks on the diagonal and beside it are all square."""
    angles = np.array([0.0, 1e-9, 1e-3, 0.05, 0.3, 1.0, 2.0, 2.8, 3.0, 3.1, np.pi - 1e-7, np.pi])
    x = np.geomspace(0.5, 2, 12)[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for part in ("nngp", "ntk"):
        whole = getattr(nv, part)(arch, x)
        for side in (4, 5):
            got = tiles.evaluate(part, arch, torch.from_numpy(x), None, side=side).numpy()
            scale = np.sqrt(np.outer(np.diag(whole), np.diag(whole)))
            assert np.abs((got - whole) / scale).max() < 1e-13


def test_zero_input_has_the_bias_kernel():
    kernel = nv.ntk(he(1, bias_std=1.0), np.zeros((2, 2)))
    # K0 = 1, then K1 = 2 * 1/2 + 1 and Theta = K1 + 2 * 1/2 * 1.
    np.testing.assert_allclose(kernel, 3.0, rtol=1e-15)
    assert np.array_equal(nv.ntk(he(1), np.zeros((1, 2))), [[0.0]])


def test_numpy_gives_numpy_and_torch_gives_torch():
    x = np.random.default_rng(0).standard_normal((3, 2))
    arch = he(1, bias_std=0.1)
    tensor = torch.tensor(x, requires_grad=True)
    kernel = nv.ntk(arch, tensor, tensor[:1] + 1)
    kernel.sum().backward()
    assert torch.isfinite(tensor.grad).all()
    assert isinstance(nv.ntk(arch, x), np.ndarray)
    assert nv.ntk(arch, x.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize(
    ("x1", "x2", "argument", "words"),
    [
        (np.full((2, 2), np.nan), None, "x1", "nan at row 0, column 0"),
        (np.array([[0.0, np.inf]]), None, "x1", "inf at row 0, column 1"),
        (np.zeros((2, 3)), None, "x1", r"shape \(2, 3\)"),
        (np.zeros(2), None, "x1", r"shape \(2,\)"),
        (np.zeros((0, 2)), None, "x1", r"shape \(0, 2\)"),
        (np.zeros((2, 2)), np.zeros((2, 1)), "x2", r"shape \(2, 1\)"),
        (np.array([["a", "b"]]), None, "x1", "dtype"),
    ],
)
def test_bad_inputs_are_refused_with_a_remedy(x1, x2, argument, words):
    with pytest.raises(InvalidArgument, match=f"^{argument}: got .*{words}.*, but expected .*"):
        nv.ntk(he(1), x1, x2)


def test_something_else_than_an_architecture_is_refused():
    with pytest.raises(InvalidArgument, match="arch: got .*mlp"):
        nv.ntk("relu", np.zeros((1, 1)))


def mp_erf_kernels(x: float, y: float) -> tuple[float, float]:
    """NNGP and NTK of one hidden erf layer of unit weights in one dimension, at 60 digits."""
    with mpmath.workdps(60):
        a, b, c = mpmath.mpf(x) ** 2, mpmath.mpf(y) ** 2, mpmath.mpf(x) * mpmath.mpf(y)
        product = (1 + 2 * a) * (1 + 2 * b)
        nngp = 2 / mpmath.pi * mpmath.asin(2 * c / mpmath.sqrt(product))
        return float(nngp), float(nngp + 4 / mpmath.pi / mpmath.sqrt(product - 4 * c * c) * c)


@pytest.mark.parametrize(
    ("x", "y"), [(1.0, 1.0), (1e6, 1e6), (1e8, 1e8), (1e8, -1e8), (1e-8, 3.0), (2.0, 2.0 + 1e-9)]
)
def test_erf_keeps_its_digits_for_large_inputs_and_near_duplicates(x, y):
    arch = nv.mlp(inputs=1, depth=1, activation=nv.Erf())
    got = [kernel(arch, np.array([[x]]), np.array([[y]]))[0, 0] for kernel in (nv.nngp, nv.ntk)]
    np.testing.assert_allclose(got, mp_erf_kernels(x, y), rtol=1e-14)


def test_a_relu_behind_erf_keeps_the_diagonal():
    layers = nv.Sequential(nv.Linear(), nv.Erf(), nv.Linear(), nv.ReLU(), nv.Linear())
    arch = nv.Architecture(inputs=1, layers=layers)
    for x in (0.3, 1.0, 7.0):
        a = x * x
        erf_nngp = 2 / math.pi * math.asin(2 * a / (1 + 2 * a))
        erf_ntk = erf_nngp + 4 / math.pi / math.sqrt(1 + 4 * a) * a
        # Behind ReLU on the diagonal both are halved, and the readout adds its own kernel.
        assert nv.ntk(arch, np.array([[x]]))[0, 0] == pytest.approx(erf_nngp / 2 + erf_ntk / 2, rel=1e-14)


@pytest.mark.parametrize("activation", [nv.ReLU(), nv.Erf()])
def test_gradients_are_finite_duplicates_included(activation):
    x = torch.tensor([[1.0, 2.0], [1.0, 2.0], [-1.0, -2.0]], dtype=torch.float64, requires_grad=True)
    nv.ntk(nv.mlp(inputs=2, depth=2, activation=activation, bias_std=0.1), x).sum().backward()
    assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize("kernel", [nv.nngp, nv.ntk])
@pytest.mark.parametrize(
    "arch",
    [
        nv.mlp(inputs=3, depth=2, bias_std=0.5),
        nv.mlp(inputs=3, depth=2, activation=nv.Erf(), bias_std=0.5),
        nv.mlp(inputs=3, depth=2, activation=nv.Erf()),
        nv.Architecture(
            inputs=3,
            layers=nv.Sequential(
                nv.Linear(), nv.Erf(), nv.Linear(), nv.GELU(), nv.Linear(), nv.Erf(), nv.Linear()
            ),
        ),
    ],
    ids=["ReLU with bias", "Erf with bias", "Erf without", "unlike layers"],
)
def test_the_gradient_at_a_zero_input_is_right_where_there_is_one(kernel, arch):
    origin = torch.zeros(1, 3, dtype=torch.float64, requires_grad=True)
    others = torch.randn(2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    (gradient,) = torch.autograd.grad(kernel(arch, origin, others).sum(), origin)
    steps = 1e-5 * torch.eye(3, dtype=torch.float64)
    differences = (kernel(arch, steps, others) - kernel(arch, -steps, others)).sum(dim=1) / 2e-5
    torch.testing.assert_close(gradient[0], differences, rtol=1e-7, atol=1e-9)


ACTIVATIONS = [nv.ReLU(), nv.Erf(), nv.Sin(), nv.GELU(), nv.Tanh(accuracy=1e-6)]


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
def test_the_diagonal_is_that_of_the_matrix(activation):
    arch = nv.mlp(inputs=3, depth=2, activation=activation, weight_std=1.3, bias_std=0.2)
    # More points than are taken at once, of different norms, one of them 0; few where duals are integrated.
    count = 3 if isinstance(activation, nv.Tanh) else 70
    x = np.random.default_rng(0).standard_normal((count, 3)) * np.linspace(0, 3, count)[:, None]
    for kernel, diagonal in ((nv.ntk, nv.ntk_diagonal), (nv.nngp, nv.nngp_diagonal)):
        got = diagonal(arch, x)
        assert got.shape == (count,)
        np.testing.assert_allclose(got, np.diag(kernel(arch, x)), rtol=1e-13)
        between = diagonal(arch, x, x[::-1].copy())
        np.testing.assert_allclose(between, np.diag(kernel(arch, x, x[::-1].copy())), rtol=1e-12)


def test_the_diagonal_is_differentiable_keeps_the_dtype_and_names_its_argument():
    arch = he(2, inputs=3, bias_std=0.3)
    x = torch.randn(40, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    for kernel, diagonal in ((nv.ntk, nv.ntk_diagonal), (nv.nngp, nv.nngp_diagonal)):
        gradients = [
            torch.autograd.grad(values.sum(), x)[0]
            for values in (diagonal(arch, x), kernel(arch, x).diagonal())
        ]
        torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-12)
        assert diagonal(arch, x.detach().float()).dtype == torch.float32
    with pytest.raises(InvalidArgument, match="^x: got shape"):
        nv.ntk_diagonal(arch, np.zeros((2, 2)))


@pytest.mark.parametrize("kernel", [nv.ntk, nv.nngp, nv.ntk_diagonal, nv.nngp_diagonal])
@pytest.mark.parametrize(
    ("arch", "x", "words"),
    [
        (he(1), np.full((2, 2), 1e200), "^x1?: got entries up to 1e.200.* Scale the inputs down"),
        (he(1), np.full((2, 2), 1e25, np.float32), "^x1?: .*float32.* float64"),
        (
            nv.mlp(inputs=2, depth=3000, weight_std=3.0),
            np.ones((2, 2)),
            r"^arch: got one that overflows at layer \d+ of 6001, .* for rows 0 and 0.* Lower weight_std",
        ),
        (
            nv.mlp(inputs=2, depth=3, activation=nv.Exp()),
            9 * np.ones((2, 2)),
            "^arch: .*overflows at layer .*Exp",
        ),
    ],
)
def test_kernels_beyond_the_range_of_numbers_are_refused(kernel, arch, x, words):
    with pytest.raises(InvalidArgument, match=words):
        kernel(arch, x)


def test_the_other_inputs_and_large_matrices_overflow_by_name_too():
    with pytest.raises(InvalidArgument, match="^x2: got entries up to"):
        nv.ntk(he(1), np.ones((1, 2)), np.full((1, 2), 1e200))
    with pytest.raises(InvalidArgument, match="^x1: got entries up to"):
        nv.ntk(he(1), np.full((300, 2), 1e200))
    assert np.isfinite(nv.ntk(he(1), np.full((300, 2), 1e150))).all()
    with pytest.raises(InvalidArgument, match="^arch: .*for rows 1 and 1"):  # others are small numbers
        nv.ntk(nv.mlp(inputs=1, depth=1, weight_std=1e52), [[1e-100], [1e100]])


def scalar(value) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("kernel", [nv.ntk, nv.nngp])
@pytest.mark.parametrize("activation", [nv.ReLU(), nv.Erf(), nv.Sin()], ids=repr)
def test_kernels_are_differentiable_in_deviations_and_inputs(kernel, activation):
    arch = nv.mlp(inputs=2, depth=2, activation=activation)
    x = torch.randn(3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    other = torch.randn(
        2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)
    ).requires_grad_()

    def between(x, other, weight_std, bias_std):
        return kernel(arch, x, other, weight_std=weight_std, bias_std=bias_std)

    for deviations in ((scalar(1.3), scalar(0.4)), (scalar([1.3, 0.9, 1.1]), scalar([0.4, 0.2, 0.1]))):
        assert torch.autograd.gradcheck(between, (x, other, *deviations))
    same = nv.mlp(inputs=2, depth=2, activation=activation, weight_std=1.3, bias_std=0.4)
    given = between(x, other, scalar(1.3), scalar(0.4))
    torch.testing.assert_close(given, kernel(same, x, other), rtol=1e-14, atol=0)
    each = kernel(same, x, other, bias_std=torch.tensor([0.4, 0.4, 0.4], dtype=torch.float64))
    torch.testing.assert_close(each, kernel(same, x, other), rtol=1e-14, atol=0)


@pytest.mark.parametrize("kernel", [nv.ntk, nv.nngp])
def test_rates_stay_where_deviations_are_given(kernel):
    rates = {"weight_rate": 3.0, "bias_rate": 0.2}
    arch = nv.mlp(inputs=2, depth=2, weight_std=1.1, bias_std=0.3, **rates)
    changed = nv.mlp(inputs=2, depth=2, weight_std=1.4, bias_std=0.3, **rates)
    x = np.random.default_rng(0).standard_normal((3, 2))
    got = kernel(arch, x, weight_std=torch.tensor(1.4, dtype=torch.float64))
    np.testing.assert_allclose(got, kernel(changed, x), rtol=1e-14)


def test_a_bias_of_zero_has_a_gradient_and_it_is_zero():
    arch, x, bias_std = nv.mlp(inputs=2, depth=1), torch.eye(2, dtype=torch.float64), scalar(0.0)
    (gradient,) = torch.autograd.grad(nv.ntk(arch, x, bias_std=bias_std).sum(), bias_std)
    assert gradient == 0


@pytest.mark.parametrize("activation", [nv.ReLU(), nv.Erf()], ids=repr)
def test_the_log_marginal_likelihood_has_the_right_gradient(activation):
    arch = nv.mlp(inputs=2, depth=2, activation=activation)
    rng = np.random.default_rng(0)
    x, y = (torch.tensor(rng.standard_normal((5, d)), requires_grad=True) for d in (2, 1))

    def likelihood(x, y, weight_std, bias_std, noise):
        k = nv.nngp(arch, x, weight_std=weight_std, bias_std=bias_std)
        return nv.predict.log_marginal_likelihood(k, y, noise)

    assert torch.autograd.gradcheck(likelihood, (x, y, scalar(1.3), scalar(0.4), scalar(0.2)))


@pytest.mark.parametrize(
    ("deviations", "argument"),
    [
        ({"weight_std": torch.tensor([1.0, 2.0])}, "weight_std"),
        ({"weight_std": torch.tensor(0.0)}, "weight_std"),
        ({"weight_std": torch.tensor(1)}, "weight_std"),
        ({"bias_std": torch.tensor(-1.0)}, "bias_std"),
        ({"bias_std": torch.tensor([0.1, float("nan"), 0.1])}, "bias_std"),
    ],
)
def test_deviations_that_are_none_are_refused(deviations, argument):
    with pytest.raises(InvalidArgument, match=f"^{argument}: got"):
        nv.ntk(he(2), np.ones((1, 2)), **deviations)


@pytest.mark.parametrize("kernel", [nv.ntk, nv.nngp])
def test_gradients_within_little_memory_are_the_same(kernel):
    arch = nv.mlp(inputs=3, depth=2, activation=nv.Erf())
    generator = torch.Generator().manual_seed(0)
    x, other = (
        torch.randn(n, 3, dtype=torch.float64, generator=generator).requires_grad_() for n in (50, 23)
    )
    deviations = {"weight_std": scalar([1.3, 0.9, 1.1]), "bias_std": scalar(0.4)}
    for second in (None, other):
        weights = torch.randn(50, 50 if second is None else 23, dtype=torch.float64, generator=generator)
        leaves = [x, *deviations.values()] + ([] if second is None else [other])
        large, small = (kernel(arch, x, second, **deviations, memory=memory) for memory in (2**30, 2**19))
        assert "Tiled" in type(small.grad_fn).__name__ and "Tiled" not in type(large.grad_fn).__name__
        torch.testing.assert_close(small, large, rtol=1e-12, atol=1e-14)
        expected, got = (torch.autograd.grad((weights * k).sum(), leaves) for k in (large, small))
        for one, two in zip(got, expected, strict=True):
            torch.testing.assert_close(one, two, rtol=1e-9, atol=1e-11)


def peak_memory(function) -> int:
    """Returns the most bytes that torch held at a time beyond those at the start."""
    with torch.profiler.profile(profile_memory=True) as profile:
        function()
    events = [event for event in profile.profiler.kineto_results.events() if event.name() == "[memory]"]
    changes = [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
    return int(np.cumsum(changes).max())


class Inline(contextlib.nullcontext):
    """A pool of one worker in the caller's thread, which is the one that torch's profiler sees."""

    def __init__(self, workers):
        super().__init__(self)

    def map(self, function, values):
        return map(function, values)


@pytest.mark.parametrize(
    "activation",
    [nv.ReLU(), *(pytest.param(some, marks=pytest.mark.slow) for some in (nv.Erf(), nv.Monomial(3)))],
    ids=repr,
)
def test_memory_is_kept_with_gradients_and_without(activation, monkeypatch):
    monkeypatch.setattr(tiles, "ThreadPoolExecutor", Inline)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    arch = nv.mlp(inputs=3, depth=2, activation=activation, bias_std=0.2)
    x = torch.randn(140, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    result = 8 * 140**2

    def differentiated():
        # The caller multiplies the kernel with a gradient of its size.
        nv.ntk(arch, x.clone().requires_grad_(), memory=2**21).sum().backward()

    for memory in (2**18, 2**20):
        used = peak_memory(functools.partial(nv.ntk, arch, x, memory=memory)) - result
        assert memory / 4 < used <= memory + 2**14  # the unit vectors of the inputs
    assert 2**20 < peak_memory(differentiated) <= 2 * result + 2**21


@pytest.mark.parametrize("memory", [0, 100, "1G", 1e9, True])
def test_too_little_memory_is_refused_with_what_is_needed(memory):
    for x in (np.ones((2, 2)), torch.ones(2, 2, requires_grad=True)):
        with pytest.raises(InvalidArgument, match="^memory: got .*2\\*\\*30 is a gibibyte"):
            nv.ntk(he(2), x, memory=memory)
