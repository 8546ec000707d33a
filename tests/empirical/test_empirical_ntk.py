import dataclasses
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import ntkverify as nv
from ntkverify.empirical import largest_eigenvalue, ntk_operator, pushing
from ntkverify.empirical.contraction import Rows, Sizes, contract, sizes, unformed_is_cheaper
from ntkverify.empirical.inputs import prepared
from ntkverify.empirical.layers import RULES
from ntkverify.empirical.pushing import choose_push
from ntkverify.errors import InvalidArgument, OutOfMemory
from ntkverify.models import examined
from tests.empirical.hard_modules import HARD
from tests.empirical.modules import MODULES

ARCH = nv.mlp(inputs=3, depth=2, weight_std=1.5, bias_std=0.3, outputs=2)
X = torch.from_numpy(np.random.default_rng(0).standard_normal((4, 3)))


def naive_ntk(net: nn.Module, x1: torch.Tensor, x2: torch.Tensor) -> torch.Tensor:
    """One backward pass per output of each example (Jacot et al. 2018, equation 4)."""
    parameters = [p for p in net.parameters() if p.requires_grad]

    def gradients(x):
        rows = [
            torch.autograd.grad(out, parameters, retain_graph=True, materialize_grads=True)
            for row in x
            for out in net(torch.stack([row, row]))[0]  # alone, torch's own gradient of some norms is wrong
        ]
        return torch.stack([torch.cat([as_real(g).reshape(-1) for g in row]) for row in rows])

    outputs = net(x1.clone()).shape[1]
    gram = gradients(x1) @ gradients(x2).T
    return gram.reshape(len(x1), outputs, len(x2), outputs).permute(0, 2, 1, 3)


def as_real(gradient: torch.Tensor) -> torch.Tensor:
    return torch.view_as_real(gradient.resolve_conj()) if gradient.is_complex() else gradient


METHODS = pytest.mark.parametrize("method", ["auto", *nv.empirical.METHODS])


@METHODS
@pytest.mark.parametrize("parameterization", ["ntk", "standard"])
def test_agrees_with_one_backward_pass_per_output(parameterization, method):
    net = nv.network(ARCH, 8, seed=0, parameterization=parameterization)
    full = nv.empirical_ntk(net, X, X[:2], outputs="full", method=method)
    assert full.shape == (4, 2, 2, 2)
    torch.testing.assert_close(full, naive_ntk(net, X, X[:2]), rtol=1e-12, atol=1e-12)
    mean = nv.empirical_ntk(net, X, X[:2], method=method)
    torch.testing.assert_close(mean, (full[..., 0, 0] + full[..., 1, 1]) / 2)


def test_sets_that_begin_alike_are_two():
    net = nv.network(ARCH, 8, seed=0)
    other = torch.cat([X[:1], X[2:4]])
    full = nv.empirical_ntk(net, X, other, outputs="full")
    torch.testing.assert_close(full, naive_ntk(net, X, other), rtol=1e-12, atol=1e-12)


def test_gradients_are_formed_where_positions_are_many():
    vectors = Sizes(count=9, positions=1, groups=1, fan_in=64, fan_out=64, outputs=2)
    pixels = dataclasses.replace(vectors, positions=400, fan_in=9)
    for full in (True, False):
        assert unformed_is_cheaper(vectors, vectors, full) and not unformed_is_cheaper(pixels, pixels, full)


def test_a_share_in_half_precision_takes_no_digits_from_others():
    half, double = Rows(values=torch.ones(2, 1, 3).half()), Rows(values=1e-3 * torch.ones(2, 1, 3).double())
    kernel = contract({"a": half, "b": double}, {"a": half, "b": double}, full=False)
    assert kernel.dtype == torch.float64
    torch.testing.assert_close(kernel, torch.full((2, 2), 3 + 3e-6, dtype=torch.float64), rtol=1e-12, atol=0)


@METHODS
@pytest.mark.parametrize("frozen", ["0.weight", "0.bias", "2.weight", "4.bias"])
def test_frozen_parameters_do_not_count(method, frozen):
    net = nv.network(ARCH, 8, seed=0)
    net.get_parameter(frozen).requires_grad_(False)
    full = nv.empirical_ntk(net, X, outputs="full", method=method)
    torch.testing.assert_close(full, naive_ntk(net, X, X), rtol=1e-12, atol=1e-12)


X4 = torch.from_numpy(np.random.default_rng(3).standard_normal((5, 4)))


def module(name: str) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = (MODULES | HARD)[name]()
        return net.double()


@METHODS
@pytest.mark.parametrize("name", MODULES | HARD)
def test_any_module_gives_the_right_number(name, method):
    net = module(name)
    before, hooks = [(p, p.clone(), p.requires_grad) for p in net.parameters()], count_hooks(net)
    x, keeps = X4.clone(), {key: value for m in net.modules() for key, value in vars(m).items()}
    full = nv.empirical_ntk(net, x, x[1:3], outputs="full", method=method)
    assert keeps == {key: value for m in net.modules() for key, value in vars(m).items()}
    assert not full.requires_grad
    assert all(
        p is q and torch.equal(p, v) and p.requires_grad == r
        for p, (q, v, r) in zip(net.parameters(), before, strict=True)
    )
    assert torch.equal(x, X4) and count_hooks(net) == hooks and not getattr(net, "history", None)
    expected = naive_ntk(net, X4, X4[1:3])
    torch.testing.assert_close(full, expected, rtol=1e-11, atol=1e-11)
    mean = torch.diagonal(expected, dim1=2, dim2=3).mean(2)
    torch.testing.assert_close(nv.empirical_ntk(net, x, x[1:3], method=method), mean, rtol=1e-11, atol=1e-11)


def count_hooks(net: nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in net.modules())


@METHODS
@pytest.mark.parametrize("name", ["convolutions", "residual", "tied", "bare parameter", "norms"])
@pytest.mark.parametrize("outputs", ["mean", "full"])
def test_blocks_change_nothing(name, method, outputs):
    net = module(name)
    whole = nv.empirical_ntk(net, X4, outputs=outputs, method=method)
    _, at_once = nv.empirical_ntk(net, X4, outputs=outputs, method=method, return_choice=True)
    sizes = set()
    for memory in (at_once.memory // 2, at_once.memory // 4):
        try:
            part, choice = nv.empirical_ntk(
                net, X4, outputs=outputs, method=method, memory=memory, return_choice=True
            )
        except InvalidArgument as error:
            assert "at least" in str(error)
            continue
        assert choice.memory <= memory
        sizes.add(choice.block)
        torch.testing.assert_close(part, whole, rtol=1e-11, atol=1e-12)
        other = nv.empirical_ntk(net, X4, X4[2:], outputs=outputs, method=method, memory=memory)
        torch.testing.assert_close(other, whole[:, 2:], rtol=1e-11, atol=1e-12)
    assert sizes


class BatchCentred(nn.Module):
    def forward(self, x):
        return x - x.mean(dim=0)


class FunctionalNorm(nn.Module):
    def forward(self, x):
        return F.batch_norm(x, None, None, training=True)


class Noise(nn.Module):
    def forward(self, x):
        return x + 1e-3 * torch.randn_like(x)


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        self.calls += 1
        return x * self.calls


@METHODS
@pytest.mark.parametrize(
    "culprit", [BatchCentred, FunctionalNorm, lambda: nn.BatchNorm1d(4), lambda: nn.Softmax(0)]
)
def test_a_module_that_mixes_examples_is_named(culprit, method):
    net = nn.Sequential(nn.Linear(4, 4), nn.Sequential(culprit()), nn.Linear(4, 2)).double()
    name = type(net[1][0]).__name__
    for x in (X4, X4[:1]):
        with pytest.raises(InvalidArgument, match=f"net: got {name} '1.0'.*mixes the examples"):
            nv.empirical_ntk(net, x, method=method)
    with pytest.raises(InvalidArgument, match="mixes the examples"):
        ntk_operator(net, X4)


class Places(nn.Module):
    """Keeps those examples that stand in some places of a batch, as a mixture of experts of limited capacity does."""

    def __init__(self, *dropped):
        super().__init__()
        self.dropped = dropped

    def forward(self, x):
        kept = [index not in self.dropped for index in range(len(x))]
        return x * torch.tensor(kept)[:, None]


@METHODS
@pytest.mark.parametrize("dropped", [(3, 4), (2,), (1, 3)], ids=str)
def test_mixing_that_needs_many_examples_is_named(dropped, method):
    net = nn.Sequential(nn.Linear(4, 4), Places(*dropped), nn.Linear(4, 2)).double()
    with pytest.raises(InvalidArgument, match="net: got Places '1'.*mixes the examples"):
        nv.empirical_ntk(net, X4, method=method)
    with pytest.raises(InvalidArgument, match="net: got Places '1'.*mixes the examples"):
        ntk_operator(net, X4)


@METHODS
@pytest.mark.parametrize("culprit", [Noise, lambda: nn.Dropout(0.1), lambda: nn.RReLU()])
def test_a_module_that_draws_random_numbers_is_named(culprit, method):
    net = nn.Sequential(nn.Linear(4, 4), nn.Sequential(culprit()), nn.Linear(4, 2)).double()
    state = torch.get_rng_state()
    with pytest.raises(
        InvalidArgument, match=f"net: got {type(net[1][0]).__name__} '1.0'.*draws random numbers"
    ):
        nv.empirical_ntk(net, X4, method=method)
    assert torch.equal(state, torch.get_rng_state())


def test_a_module_that_changes_its_buffers_is_named():
    net = nn.Sequential(nn.Linear(4, 4), Counter(), nn.Linear(4, 2)).double()
    with pytest.raises(InvalidArgument, match="buffer '1.calls'"):
        nv.empirical_ntk(net, X4)
    assert net[1].calls == 0


def test_statistics_that_a_norm_does_not_keep_are_those_of_the_batch():
    net = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4, track_running_stats=False), nn.Linear(4, 2))
    with pytest.raises(InvalidArgument, match="BatchNorm1d '1' without statistics, which mixes"):
        nv.empirical_ntk(net.double().eval(), X4)


def test_evaluation_mode_is_fine():
    net = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, 2)).double().eval()
    torch.testing.assert_close(nv.empirical_ntk(net, X4, outputs="full"), naive_ntk(net, X4, X4))


def test_inputs_of_any_shape_and_float32():
    images = torch.from_numpy(np.random.default_rng(0).standard_normal((3, 2, 5, 5))).float()
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(27, 2))
    full = nv.empirical_ntk(net, images.numpy(), outputs="full")
    assert full.dtype == np.float32
    torch.testing.assert_close(torch.from_numpy(full), naive_ntk(net, images, images), rtol=1e-4, atol=1e-4)
    with pytest.raises(
        InvalidArgument, match=r"^x2: got shape \(3, 2, 5, 4\), but expected shape \(n, 2, 5, 5\)"
    ):
        nv.empirical_ntk(net, images, images[..., 1:])


def test_the_choice_says_what_and_why():
    net = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2)).double()
    kernel, choice = nv.empirical_ntk(net, X4, return_choice=True)
    assert kernel.shape == (5, 5) and choice == nv.empirical.choose(net, X4)
    assert choice.method == "structured_derivatives" and choice.block == 5
    assert re.search(r"flops \(.*jacobian_contraction .*\)", choice.reason)
    assert (
        "2 of 12 parameters are in no known layer" in nv.empirical.choose(module("bare parameter"), X4).reason
    )
    assert nv.empirical.choose(net, X4, memory=choice.memory // 2).block == 2
    with pytest.raises(InvalidArgument, match="^memory: got 100 bytes, but expected at least"):
        nv.empirical_ntk(net, X4, memory=100)


def test_standard_is_the_weighted_sum_of_the_ntk_parameterisations_parts():
    """Theta_std = sum_l n_(l-1) / weight_std^2 Theta_(W_l) + Theta_(b_l) / bias_std^2, at any width."""
    nets = [nv.network(ARCH, 8, seed=0, parameterization=p) for p in ("standard", "ntk")]
    total = torch.zeros(4, 4, dtype=torch.float64)
    for index, fan_in in ((0, 3), (2, 8), (4, 8)):
        for name, factor in (("weight", fan_in / 1.5**2), ("bias", 1 / 0.3**2)):
            for key, parameter in nets[1].named_parameters():
                parameter.requires_grad_(key == f"{index}.{name}")
            total += factor * nv.empirical_ntk(nets[1], X)
    torch.testing.assert_close(nv.empirical_ntk(nets[0], X), total, rtol=1e-12, atol=0)


def test_numpy_in_numpy_out():
    assert isinstance(nv.empirical_ntk(nv.network(ARCH, 8, seed=0), X.numpy()), np.ndarray)


def test_operator_is_the_matrix():
    net = nv.network(ARCH, 8, seed=0)
    matrix = naive_ntk(net, X, X).permute(0, 2, 1, 3).reshape(8, 8).numpy()
    np.testing.assert_allclose(ntk_operator(net, X) @ np.eye(8), matrix, rtol=1e-11)


@pytest.mark.parametrize("points", [2, 30])
def test_largest_eigenvalue_from_below(points):
    x = torch.from_numpy(np.random.default_rng(1).standard_normal((points, 3)))
    net = nv.network(ARCH, 32, seed=0)
    matrix = naive_ntk(net, x, x).permute(0, 2, 1, 3).reshape(2 * points, 2 * points)
    exact = torch.linalg.eigvalsh(matrix)[-1].item()
    assert 0.97 * exact < largest_eigenvalue(*prepared(net, x, None)[:2]) <= exact * (1 + 1e-12)


@pytest.mark.parametrize(
    "name", ["residual", "attention", "derivative", "weight norm", "convolutions", *HARD]
)
def test_the_operator_between_two_sets_in_blocks(name):
    net = module(name)
    full = naive_ntk(net, X4, X4[:2]).permute(0, 2, 1, 3)
    matrix = full.reshape(5 * full.shape[1], -1).numpy()
    operator = nv.ntk_operator(net, X4, X4[:2], memory=1)  # one example at a time
    assert operator.shape == matrix.shape
    np.testing.assert_allclose(operator @ np.eye(len(matrix.T)), matrix, rtol=1e-10, atol=1e-11)
    np.testing.assert_allclose(operator.T @ np.eye(len(matrix)), matrix.T, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("points", [10, 70])
@pytest.mark.parametrize("which", ["largest", "smallest"])
def test_extreme_eigenvalues(points, which):
    x = np.random.default_rng(1).standard_normal((points, 3))
    net = nv.network(nv.mlp(inputs=3, depth=1, bias_std=0.5), 256, seed=0)
    exact = np.linalg.eigvalsh(nv.empirical_ntk(net, x))
    found = nv.empirical.extreme_eigenvalues(net, x, 2, which=which)
    expected = exact[-2:] if which == "largest" else exact[:2]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-12 * exact[-1])
    with pytest.raises(InvalidArgument, match="^count: got 0"):
        nv.empirical.extreme_eigenvalues(net, x, 0)
    with pytest.raises(InvalidArgument, match="^which: got 'middle'"):
        nv.empirical.extreme_eigenvalues(net, x, which="middle")


def test_bad_arguments_are_refused():
    net = nv.network(ARCH, 4, seed=0)
    with pytest.raises(InvalidArgument, match="^method: got 'fast'"):
        nv.empirical_ntk(net, X, method="fast")
    with pytest.raises(InvalidArgument, match="^outputs: got 'sum'"):
        nv.empirical_ntk(net, X, outputs="sum")
    with pytest.raises(InvalidArgument, match="^x1: got nan"):
        nv.empirical_ntk(net, X * np.nan)
    with pytest.raises(InvalidArgument, match="^net: got no trainable parameter"):
        nv.empirical_ntk(net.requires_grad_(False), X)


def test_a_network_without_a_row_for_each_example_is_refused():
    net = nn.Sequential(nn.Linear(3, 2).double(), nn.Flatten(0))
    with pytest.raises(InvalidArgument, match="net: got a network with output shape .* drop a squeeze"):
        nv.empirical_ntk(net, X)


class HungryTogether(nn.Module):
    """Fits into memory example by example only."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2, dtype=torch.float64)

    def forward(self, x):
        if torch._C._functorch.is_functorch_wrapped_tensor(x):
            torch.empty(2**60)
        return self.layer(x)


def test_running_out_of_memory_is_not_taken_for_another_error():
    """The method asked for says so, instead of quietly doing the work one by one."""
    with pytest.raises(OutOfMemory, match="can't allocate memory.*Ask for fewer"):
        nv.empirical_ntk(HungryTogether(), torch.ones(2, 3).double(), method="jacobian_contraction")


def test_sizes_that_a_rule_tells_are_those_of_its_pieces():
    """What the choice of a method is computed from, without computing a patch."""
    modules = {
        nn.Linear(4, 7): (2, 5, 4),
        nn.Conv1d(4, 6, 3, stride=2, padding=1, groups=2): (2, 4, 9),
        nn.Conv2d(4, 6, (3, 2), dilation=(1, 2), groups=2): (2, 4, 9, 8),
    }
    for module, shape in modules.items():
        x = torch.randn(shape)
        out, rule = module(x), RULES[type(module)]
        piece = rule.pieces(module, x, torch.randn(3, *out.shape))["weight"]
        found = dataclasses.replace(rule.sizes(module, out.shape), count=2, outputs=3)
        assert found == sizes(piece)
        assert rule.output_shape is None or rule.output_shape(module, x.shape) == out.shape


def test_rules_know_a_first_axis_that_the_layer_works_on():
    apart = {
        nn.Linear(3, 2): (4, 3),
        nn.Conv1d(3, 2, 2): (4, 3, 5),
        nn.Conv2d(3, 2, 2): (4, 3, 5, 5),
        nn.LayerNorm(3): (4, 3),
        nn.RMSNorm((4, 3)): (2, 4, 3),
        nn.GroupNorm(1, 3): (4, 3),
        nn.BatchNorm1d(3).eval(): (4, 3),
    }
    for module, shape in apart.items():
        keeps = RULES[type(module)].keeps_examples_apart
        assert keeps(module, torch.ones(shape)) and not keeps(module, torch.ones(shape[1:]))
    assert not RULES[nn.BatchNorm1d].keeps_examples_apart(nn.BatchNorm1d(3), torch.ones(4, 3))


@pytest.mark.parametrize("name", ["attention", "scaled attention", "encoder"])
def test_attention_is_pushed_in_forward_mode(name):
    """Neither torch's fast path for evaluation nor its fused attention has a forward derivative."""
    model, x, _ = prepared(module(name), X4, None)
    with examined(model.net):
        assert choose_push(model, x) is pushing._batched
