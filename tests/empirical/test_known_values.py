"""Kernels known by hand, of networks whose gradients faster methods have got wrong."""

import numpy as np
import pytest
import torch
from torch import nn

import ntkverify as nv
from ntkverify.empirical import METHODS, extreme_eigenvalues
from ntkverify.empirical.contraction import Outer
from ntkverify.empirical.inputs import prepared
from ntkverify.empirical.plain_gradients import disagreeing
from tests.empirical.hard_modules import HARD, Adjoint, Once, RadialBasis, RowByRow, ScalarScale
from tests.empirical.test_empirical_ntk import naive_ntk

EACH_METHOD = pytest.mark.parametrize("method", ["auto", *METHODS])
D = torch.float64


def with_values(net: nn.Module, **values) -> nn.Module:
    for name, value in values.items():
        setattr(net, name, nn.Parameter(torch.tensor(value, dtype=D)))
    return net.double()


@EACH_METHOD
def test_radial_basis_functions(method):
    net = with_values(RadialBasis(), centres=[[0.0, 0.0], [3.0, 4.0]])
    kernel = nv.empirical_ntk(net, torch.tensor([[1.0, 1.0], [2.0, 0.0]]), method=method)
    np.testing.assert_allclose(kernel, [[0.016087, 0.011159], [0.011159, 0.012830]], atol=5e-7)


@EACH_METHOD
def test_a_function_that_runs_again_in_its_backward_pass(method):
    net = with_values(Adjoint(), weight=[[1.0, 0.5], [-0.5, 1.0]], last=[[1.0], [1.0]])
    kernel = nv.empirical_ntk(net, torch.eye(2), method=method)
    np.testing.assert_allclose(np.diag(kernel), 1.58846, atol=5e-6)


@EACH_METHOD
def test_a_learned_scale(method):
    net, x = ScalarScale().double(), torch.randn(3, 4, dtype=D)
    f = net.linear(x).detach()
    torch.testing.assert_close(nv.empirical_ntk(net, x, method=method), 4 * x @ x.T + f @ f.T)


def test_the_largest_eigenvalue_of_a_layer_called_row_by_row():
    class Rows(RowByRow):
        def forward(self, x):
            return torch.stack([self.first(row) for row in x])

    net = Rows()
    net.first, net.second = nn.Linear(3, 2), None
    assert extreme_eigenvalues(net, torch.eye(3)) == pytest.approx([4.0])
    with pytest.raises(nv.errors.InvalidArgument, match="less than 2 / lambda_max = 0.5"):
        nv.train(net, torch.eye(3), torch.ones(3, 2), steps=1, learning_rate=0.51)


def test_the_learning_rate_of_what_can_be_differentiated_once_is_stable():
    """Its largest eigenvalue is that of the whole kernel, though a part has no forward mode and no second derivative."""

    net, x = Once().double(), torch.randn(6, 4, dtype=D)
    full = nv.empirical_ntk(net, x, outputs="full", method="jacobian_contraction")
    exact = torch.linalg.eigvalsh(full.permute(0, 2, 1, 3).reshape(12, 12))[-1].item()
    assert extreme_eigenvalues(net, x) == pytest.approx([exact])
    nv.train(net, x, torch.ones(6, 2), steps=1, learning_rate=1.9 / exact)
    with pytest.raises(nv.errors.InvalidArgument, match="Training diverges"):
        nv.train(net, x, torch.ones(6, 2), steps=1, learning_rate=2.2 / exact)


class InHalf(nn.Module):
    """Computes in half precision, whatever its parameters are in."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 6), nn.Linear(6, 2)

    def forward(self, x):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return self.second(torch.tanh(self.first(x))).float()


class RootMeanSquare(nn.Module):
    """Normalises in float32, in a network of doubles, as those of many language models do."""

    def __init__(self):
        super().__init__()
        self.first, self.scale, self.last = nn.Linear(4, 6), nn.Parameter(torch.ones(6)), nn.Linear(6, 2)

    def forward(self, x):
        h = self.first(x).float()
        return self.last(self.scale * (h * torch.rsqrt(h.square().mean(dim=1, keepdim=True))).to(x.dtype))


class Scores(nn.Module):
    """Attention: a shift of the keys moves all scores alike, and nothing else."""

    def __init__(self):
        super().__init__()
        self.query, self.key, self.value, self.last = (nn.Linear(4, 4) for _ in range(4))

    def forward(self, x):
        x = x.unflatten(1, (1, 4)) * torch.arange(1, 4, dtype=x.dtype)[:, None]
        return self.last((torch.softmax(self.query(x) @ self.key(x).mT, -1) @ self.value(x)).mean(dim=1))


@EACH_METHOD
@pytest.mark.parametrize(
    ("kind", "dtype", "digits"),
    [(InHalf, torch.float32, 0.05), (RootMeanSquare, D, 1e-6), (Scores, D, 1e-12)],
)
def test_rounding_is_not_taken_for_a_wrong_gradient(kind, dtype, digits, method):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net, x = kind().to(dtype), torch.randn(4, 4, dtype=dtype)
    expected = naive_ntk(net, x, x)
    kernel, choice = nv.empirical_ntk(net, x, outputs="full", method=method, return_choice=True)
    assert "plain" not in choice.reason
    assert (kernel - expected).abs().max() < digits * expected.abs().max()


def test_parameters_without_a_part_have_a_kernel_of_zeros():
    net = nn.ModuleDict({"used": nn.Linear(3, 2), "unused": nn.Linear(3, 2)})
    net.forward = lambda x: net["used"](x)
    for method in METHODS:
        kernel = nv.empirical_ntk(net, torch.eye(3), parameters="unused.*", outputs="full", method=method)
        assert kernel.shape == (3, 3, 2, 2) and not kernel.any()


def test_a_caching_network_is_trained_and_left_as_it_was():
    net, x = HARD["caches"]().double(), torch.randn(3, 4, dtype=D)
    before = net.shift.detach().clone()
    nv.train(net, x, torch.ones(3, 2), x, steps=1, learning_rate=1e-3, record_at=(0,))
    assert not torch.equal(net.shift, before)
    net = HARD["caches"]().double()
    nv.empirical_ntk(net, x)
    assert net.cache == {}


def test_a_compiled_network_runs_as_it_was_written_and_stays_compiled(recwarn):
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    net = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2)).double()
    compiled, x = torch.compile(net, backend=backend), torch.randn(5, 4, dtype=D)
    compiled(x)
    count = len(graphs)
    for method in METHODS:
        kernel = nv.empirical_ntk(compiled, x, outputs="full", method=method)
        torch.testing.assert_close(kernel, naive_ntk(net, x, x))
    assert len(graphs) == count and not [w for w in recwarn if "ynamo" in str(w.message)]
    compiled(x)
    assert len(graphs) == count


def test_a_reason_names_a_few_parameters():
    net = nn.Sequential(
        *(HARD["parameter in a closure"]() for _ in range(1)), *[nn.Linear(2, 2) for _ in range(3)]
    )
    hidden = [layer.weight for layer in net[1:]]
    net.forward = lambda x: net[0](x) @ (hidden[0] @ hidden[1] @ hidden[2])
    reason = nv.empirical_ntk(net.double(), torch.randn(3, 4, dtype=D), return_choice=True)[1].reason
    assert reason.endswith(
        "faster gradients of 0.first.weight, 1.weight, 2.weight and 1 more differ, so plain ones are used"
    )


def test_a_transposed_gradient_is_seen():
    """Two random vectors that were the same would not tell a square matrix from its transpose."""

    class Summed(nn.Linear):
        def forward(self, x):
            return torch.tanh(super().forward(x)).sum(dim=1, keepdim=True)

    net = Summed(3, 3, bias=False).double()
    model, x, _ = prepared(net, torch.randn(2, 3, dtype=D), None)
    inputs, slopes = x.only, 1 - torch.tanh(x.only @ net.weight.detach().T) ** 2
    right, transposed = (
        Outer(inputs=a[:, None, None], gradients=g[None, :, None, None])
        for a, g in ((inputs, slopes), (slopes, inputs))
    )
    assert disagreeing(model, x, {"weight": [right]}) == frozenset()
    assert disagreeing(model, x, {"weight": [transposed]}) == {"weight"}
