"""Kernels through torch's own catalogue of operators, against one plain backward pass for each output."""

import warnings

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import ntkverify as nv
from tests.empirical.test_empirical_ntk import naive_ntk

X = torch.tensor([[1.0], [0.9]], dtype=torch.float64)

LARGEST_INPUT, LARGEST_OUTPUT = 64, 30
"""Numbers in an operator's sample, and in what it returns."""

LEFT_OUT = {"bfloat16", "half", "as_strided_scatter"}
"""Two round in the middle of a float64 network, so that derivatives agree to as many digits; of the third, torch's own
plain gradient is another one for another layout of memory (a row alone, or beside itself)."""


class Operator(nn.Module):
    """An operator on a scaled parameter, whose other arguments of real numbers are parameters too."""

    def __init__(self, operator, sample):
        super().__init__()
        self.operator, self.sample = operator, sample
        self.first = nn.Parameter(sample.input.detach().clone())
        self.others = nn.ParameterList([a.detach().clone() for a in sample.args if is_real(a)])

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([self.row(scale) for scale in x[:, 0]])

    def row(self, scale: Tensor) -> Tensor:
        others = iter(self.others)
        args = [next(others) * 1 if is_real(a) else a for a in self.sample.args]
        out = self.operator(self.first * scale, *args, **self.sample.kwargs)
        return next(
            part for part in (out if isinstance(out, (tuple, list)) else [out]) if is_real(part)
        ).reshape(-1)


def is_real(value) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()


def first_fit(operator) -> nn.Module | None:
    """The operator on the first sample that draws no random numbers and has finite derivatives that are not all 0."""
    for sample in operator.sample_inputs("cpu", torch.float64, requires_grad=True):
        if not is_real(sample.input) or not 0 < sample.input.numel() <= LARGEST_INPUT:
            continue
        net = Operator(operator, sample)
        try:
            values, again = net(X), net(X)
            fits = (
                torch.equal(values, again) and 1 < values.shape[1] <= LARGEST_OUTPUT and values.requires_grad
            )
            fits = fits and all(p.isfinite().all() for p in net.parameters())
            kernel = naive_ntk(net, X, X) if fits else torch.zeros(1)
        except (RuntimeError, StopIteration, TypeError):
            continue
        if fits and kernel.isfinite().all() and kernel.any():
            return net
    return None


def wrong(net: nn.Module) -> list[str]:
    """The ways in which the kernel or the operator comes out other than by plain backward passes."""
    expected = naive_ntk(net, X, X)
    size, flat = expected.abs().max(), expected.permute(0, 2, 1, 3).reshape(2 * expected.shape[2], -1)
    found = {
        "kernel": nv.empirical_ntk(net, X, outputs="full") - expected,
        "operator": torch.from_numpy(nv.ntk_operator(net, X) @ np.eye(len(flat))) - flat,
    }
    return [name for name, difference in found.items() if not difference.abs().max() <= 1e-7 * size]


@pytest.mark.slow
def test_the_whole_catalogue():
    catalogue = pytest.importorskip("torch.testing._internal.common_methods_invocations").op_db
    with warnings.catch_warnings(), torch.random.fork_rng():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        nets = {
            operator.full_name: first_fit(operator)
            for operator in catalogue
            if operator.supports_autograd and torch.float64 in operator.dtypes
        }
        tried = {name: wrong(net) for name, net in nets.items() if net is not None and name not in LEFT_OUT}
    assert len(tried) > 250
    assert {name: ways for name, ways in tried.items() if ways} == {}
