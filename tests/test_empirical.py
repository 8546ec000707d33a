import numpy as np
import pytest
import torch
from torch import nn

import ntkverify as nv
from ntkverify.empirical import largest_eigenvalue, ntk_operator
from ntkverify.errors import InvalidArgument

ARCH = nv.mlp(inputs=3, depth=2, weight_std=1.5, bias_std=0.3, outputs=2)
X = torch.from_numpy(np.random.default_rng(0).standard_normal((4, 3)))


def naive_ntk(net: nn.Module, x1: torch.Tensor, x2: torch.Tensor) -> torch.Tensor:
    """One backward pass per output of each example (Jacot et al. 2018, equation 4)."""
    parameters = [p for p in net.parameters() if p.requires_grad]

    def gradients(x):
        rows = [
            torch.autograd.grad(out, parameters, retain_graph=True) for row in x for out in net(row[None])[0]
        ]
        return torch.stack([torch.cat([g.reshape(-1) for g in row]) for row in rows])

    outputs = net(x1).shape[1]
    gram = gradients(x1) @ gradients(x2).T
    return gram.reshape(len(x1), outputs, len(x2), outputs).permute(0, 2, 1, 3)


METHODS = pytest.mark.parametrize("method", ["jacobian_contraction", "structured_derivatives", "auto"])


@METHODS
@pytest.mark.parametrize("parameterization", ["ntk", "standard"])
def test_agrees_with_one_backward_pass_per_output(parameterization, method):
    net = nv.network(ARCH, 8, seed=0, parameterization=parameterization)
    full = nv.empirical_ntk(net, X, X[:2], outputs="full", method=method)
    assert full.shape == (4, 2, 2, 2)
    torch.testing.assert_close(full, naive_ntk(net, X, X[:2]), rtol=1e-12, atol=1e-12)
    mean = nv.empirical_ntk(net, X, X[:2], method=method)
    torch.testing.assert_close(mean, (full[..., 0, 0] + full[..., 1, 1]) / 2)


@METHODS
@pytest.mark.parametrize("frozen", ["0.weight", "0.bias", "2.weight", "4.bias"])
def test_frozen_parameters_do_not_count(method, frozen):
    net = nv.network(ARCH, 8, seed=0)
    net.get_parameter(frozen).requires_grad_(False)
    full = nv.empirical_ntk(net, X, outputs="full", method=method)
    torch.testing.assert_close(full, naive_ntk(net, X, X), rtol=1e-12, atol=1e-12)


class Residual(nn.Module):
    """No plain chain, and one layer used twice."""

    def __init__(self):
        super().__init__()
        self.inner, self.readout = nn.Linear(3, 3).double(), nn.Linear(3, 2).double()

    def forward(self, x):
        return self.readout(x + torch.tanh(self.inner(torch.tanh(self.inner(x)))))


def used_twice() -> nn.Sequential:
    layer = nn.Linear(3, 3).double()
    return nn.Sequential(layer, layer)


def tied() -> nn.Sequential:
    net = nn.Sequential(nn.Linear(3, 3).double(), nn.Tanh(), nn.Linear(3, 3).double())
    net[2].weight = net[0].weight
    return net


@pytest.mark.parametrize("make", [Residual, used_twice, tied])
def test_other_modules_fall_back_to_the_jacobian(make):
    net = make()
    before = list(net.parameters())
    full = nv.empirical_ntk(net, X, outputs="full")
    assert all(now is then for now, then in zip(net.parameters(), before, strict=True))
    torch.testing.assert_close(full, naive_ntk(net, X, X), rtol=1e-12, atol=1e-12)
    with pytest.raises(InvalidArgument, match="^net: got .*jacobian_contraction"):
        nv.empirical_ntk(net, X, method="structured_derivatives")


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
    assert 0.97 * exact < largest_eigenvalue(net, x) <= exact * (1 + 1e-12)


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


@pytest.mark.parametrize("last", [nn.Flatten(0), nn.Unflatten(1, (1, 2))])
def test_a_network_with_another_output_shape_is_refused(last):
    net = nn.Sequential(nn.Linear(3, 2).double(), last)
    with pytest.raises(InvalidArgument, match="net: got a network with output shape .* drop a squeeze"):
        nv.empirical_ntk(net, X)
