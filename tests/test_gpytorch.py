"""The kernels as GPyTorch uses them; all but the first needs the extra `gpytorch`."""

import doctest
import subprocess
import sys

import pytest
import torch

import ntkverify as nv

DOUBLE = torch.float64


def test_without_gpytorch_the_error_says_what_to_install():
    code = """
import sys, pickle
sys.modules["gpytorch"] = None
import ntkverify
try:
    ntkverify.gpytorch
except ImportError as error:
    assert isinstance(error, ntkverify.errors.NtkverifyError) and str(pickle.loads(pickle.dumps(error))) == str(error)
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "Run: pip install 'ntkverify[gpytorch]'" in done.stdout, done.stderr


@pytest.fixture
def gpytorch():
    return pytest.importorskip("gpytorch")


def points(*shape):
    return torch.randn(*shape, 3, dtype=DOUBLE, generator=torch.Generator().manual_seed(len(shape)))


PARTS = pytest.mark.parametrize("part", ["ntk", "nngp"])


def kernel_of(part, **settings):
    kind = {"ntk": nv.gpytorch.NTKKernel, "nngp": nv.gpytorch.NNGPKernel}[part]
    return kind(2, nv.Erf(), **settings).double()


@PARTS
def test_kernels_are_those_of_the_library(gpytorch, part):
    function = getattr(nv, part)
    kernel, x, other = kernel_of(part, weight_std=1.5, bias_std=0.25), points(6), points(4)
    arch = nv.mlp(inputs=3, depth=2, activation=nv.Erf(), weight_std=1.5, bias_std=0.25)
    close = {"rtol": 1e-6, "atol": 1e-6}  # the raw parameters began as float32
    torch.testing.assert_close(kernel(x).to_dense(), function(arch, x), **close)
    torch.testing.assert_close(kernel(x, other).to_dense(), function(arch, x, other), **close)
    torch.testing.assert_close(kernel(x, diag=True), function(arch, x).diagonal(), **close)
    pairs = function(arch, x[:4], other).diagonal()
    torch.testing.assert_close(kernel(x[:4], other, diag=True), pairs, **close)
    assert kernel(x.float()).to_dense().dtype == kernel(x.float()).dtype == DOUBLE
    assert kernel.float()(x.float()).to_dense().dtype == torch.float32 and not kernel.is_stationary


@PARTS
def test_the_diagonal_makes_no_matrix(gpytorch, part, monkeypatch):
    monkeypatch.delattr(nv.analytic, part)
    assert kernel_of(part)(points(6), diag=True).shape == (6,)


@PARTS
def test_gradients_are_those_of_differences(gpytorch, part):
    kernel, x = kernel_of(part), points(5)

    def value(raw_weight_std, raw_bias_std, x):
        raw = {"raw_weight_std": raw_weight_std, "raw_bias_std": raw_bias_std}
        return torch.func.functional_call(kernel, raw, (x,)).to_dense()

    assert torch.autograd.gradcheck(value, (*kernel.parameters(), x.requires_grad_()))


@PARTS
def test_batches_of_points_and_of_parameters(gpytorch, part):
    kernel = kernel_of(part, weight_std=torch.tensor([1.0, 2.0]), batch_shape=torch.Size([2]))
    x, other = points(3, 1, 5), points(4)
    got, diagonal = kernel(x, other).to_dense(), kernel(x, diag=True)
    assert got.shape == (3, 2, 5, 4) and diagonal.shape == (3, 2, 5)
    for place, weight_std in enumerate(kernel.weight_std):
        single = kernel_of(part, weight_std=weight_std)
        torch.testing.assert_close(got[1, place], single(x[1, 0], other).to_dense())
        torch.testing.assert_close(diagonal[1, place], single(x[1, 0], diag=True))
        torch.testing.assert_close(kernel(other)[place].to_dense(), single(other).to_dense())


def test_standard_deviations_obey_constraints(gpytorch):
    between = gpytorch.constraints.Interval(0.5, 2.0)
    kernel = kernel_of("ntk", weight_std=1.0, bias_std=0.0, weight_std_constraint=between)
    assert {name for name, _ in kernel.named_parameters()} == {"raw_weight_std", "raw_bias_std"}
    kernel.raw_weight_std.data += 100
    assert kernel.weight_std.item() == pytest.approx(2.0) and kernel.bias_std == 0
    kernel.bias_std = 0.3
    assert kernel.bias_std.item() == pytest.approx(0.3)
    kernel.initialize(weight_std=0.75)
    assert kernel.weight_std.item() == pytest.approx(0.75)


def test_biases_of_0_stay_so(gpytorch):
    kernel, x = kernel_of("ntk", bias_std=0.0), points(4)
    optimizer = torch.optim.Adam(kernel.parameters())
    kernel(x).to_dense().sum().backward()
    optimizer.step()
    assert kernel.bias_std == 0 and kernel.weight_std < 2**0.5


def test_its_arguments_are_checked_at_once(gpytorch):
    with pytest.raises(nv.errors.InvalidArgument, match="^depth"):
        nv.gpytorch.NTKKernel(depth=0)


def test_its_example_runs(gpytorch):
    failed, tried = doctest.testmod(nv.gpytorch)
    assert (failed, tried > 10) == (0, True)
