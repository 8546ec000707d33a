import numpy as np
import pytest
import torch

import ntkverify as nv
from ntkverify.errors import InvalidArgument
from ntkverify.networks import Antisymmetric

ARCH = nv.mlp(inputs=3, depth=2, weight_std=1.5, bias_std=0.3, outputs=2)
X = torch.from_numpy(np.random.default_rng(0).standard_normal((5, 3)))


def test_computes_what_its_weights_say():
    net = nv.network(ARCH, width=(4, 6), seed=1)
    h = X
    for index, fan_in in ((0, 3), (2, 4), (4, 6)):
        layer = net[index]
        h = (1.5 / fan_in**0.5) * h @ layer.weight.T + 0.3 * layer.bias
        h = torch.relu(h) if index < 4 else h
    torch.testing.assert_close(net(X), h, rtol=1e-14, atol=0)


def test_both_parameterisations_are_the_same_function():
    ntk, standard = (nv.network(ARCH, 16, seed=3, parameterization=p) for p in ("ntk", "standard"))
    torch.testing.assert_close(ntk(X), standard(X), rtol=1e-13, atol=0)
    assert ntk[0].weight.std() > 0.7 and standard[4].weight.std() < 0.7


def test_the_seed_decides_everything_and_global_state_nothing():
    torch.manual_seed(0)
    first = nv.network(ARCH, 8, seed=5)(X)
    torch.manual_seed(1)
    assert torch.equal(first, nv.network(ARCH, 8, seed=5)(X))
    assert not torch.equal(first, nv.network(ARCH, 8, seed=6)(X))


def test_layers_do_not_share_random_numbers():
    net = nv.network(nv.mlp(inputs=4, depth=2), width=4, seed=0)
    assert not torch.equal(net[0].weight, net[2].weight)


def test_dtype_on_request():
    assert nv.network(ARCH, 4, seed=0, dtype=torch.float32)(X.float()).dtype == torch.float32
    for dtype in (int, "float32", torch.int64):
        with pytest.raises(InvalidArgument, match="^dtype: got .*torch.float64"):
            nv.network(ARCH, 4, seed=0, dtype=dtype)


@pytest.mark.parametrize("device", ["nowhere", "hpu", 1.5])
def test_a_device_that_is_not_there(device):
    with pytest.raises(InvalidArgument, match="^device: got .*cpu"):
        nv.network(ARCH, 4, seed=0, device=device)


def test_without_bias_there_is_no_bias_parameter():
    assert len(list(nv.network(nv.mlp(inputs=3, depth=1), 4, seed=0).parameters())) == 2


@pytest.mark.parametrize("width", [0, -3, 2.5, (4,), (4, 4, 4), (4, 0), True])
def test_bad_widths_are_refused(width):
    with pytest.raises(InvalidArgument, match="^width: got"):
        nv.network(ARCH, width, seed=0)


def test_bad_seed_and_parameterisation_are_refused():
    with pytest.raises(InvalidArgument, match="^seed: got 0.5"):
        nv.network(ARCH, 4, seed=0.5)
    with pytest.raises(InvalidArgument, match="^parameterization: got 'mup'"):
        nv.network(ARCH, 4, seed=0, parameterization="mup")


def test_two_halves_of_opposite_sign_start_at_0_with_the_ntk_of_one():
    net = nv.network(ARCH, 8, seed=0)
    both = Antisymmetric(net)
    assert not both(X).any()
    torch.testing.assert_close(nv.empirical_ntk(both, X), nv.empirical_ntk(net, X), rtol=1e-12, atol=0)
