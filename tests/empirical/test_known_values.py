"""Kernels known by hand, of networks whose gradients faster methods have got wrong."""

import numpy as np
import pytest
import torch
from torch import nn

import ntkverify as nv
from ntkverify.empirical import METHODS, extreme_eigenvalues
from tests.empirical.hard_modules import Adjoint, Once, RadialBasis, RowByRow, ScalarScale

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
