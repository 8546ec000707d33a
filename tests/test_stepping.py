"""Networks whose layers step on the way back train as they do one by one, with an optimiser."""

import copy

import numpy as np
import pytest
from torch import nn

import ntkverify as nv
from ntkverify.networks import Antisymmetric, Elementwise, Scaled
from ntkverify.training import train, train_ensemble
from ntkverify.training.stepping import can_step

RNG = np.random.default_rng(0)
X, Y, X_TEST = RNG.standard_normal((6, 4)), RNG.standard_normal((6, 2)), RNG.standard_normal((3, 4))
L = nv.Linear
OF_ITS_OWN = [L(2.0, 1.0, weight_rate=0), nv.ReLU(), L(1.0, 0.3, bias_rate=0), nv.Erf()]
LAYERS = {
    "none hidden": [L(1.0, 0.5)],
    "two hidden": [L(2**0.5, 0.5), nv.Erf(), L(2**0.5), nv.ReLU(), L(1.0, 0.5)],
    "rates of their own": [*OF_ITS_OWN, L(0.0, weight_rate=2, bias_rate=0.4)],
}
WRAPPED = {
    "plain": lambda net: net,
    "antisymmetric": Antisymmetric,
    "scaled": lambda net: Scaled(Antisymmetric(net), 3.0),
}
SETTINGS = {
    "descent": {},
    "heavy ball": {"method": nv.HeavyBall(0.5)},
    "Nesterov": {"method": nv.Nesterov(0.5)},
    "batches": {"batch_size": 3},
    "penalty": {"penalty": 0.3},
    "weight decay": {"weight_decay": 0.1},
}


def networks(layers, wrap=WRAPPED["plain"], metric=None):
    arch = nv.Architecture(inputs=4, outputs=2, layers=nv.Sequential(*layers), metric=metric)
    return [wrap(nv.network(arch, [20, 10][: arch.depth], seed)) for seed in range(5)]


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
@pytest.mark.parametrize("layers", LAYERS.values(), ids=LAYERS)
def test_every_network_trains_as_it_does_alone(layers, wrap, settings):
    nets = networks(layers, wrap, metric=[1.0, 2.0, 3.0, 4.0])
    before = copy.deepcopy(nets[0].state_dict())
    assert can_step(nets)
    call = dict(steps=7, learning_rate=0.01, allow_unstable=True, record_at=(0, 7), **settings)
    together = train_ensemble(nets, X, Y, X_TEST, **call)
    for place, net in enumerate(nets):
        alone = train(copy.deepcopy(net), X, Y, X_TEST, **call)
        for name in ("initial_train", "train", "initial_test", "test"):
            got, wanted = (np.asarray(getattr(run, name)) for run in (together, alone))
            np.testing.assert_allclose(got[place], wanted, rtol=1e-10, atol=1e-12)
        for got, wanted in zip(together.records, alone.records, strict=True):
            np.testing.assert_allclose(got.kernel_drift[place], wanted.kernel_drift, rtol=1e-7, atol=1e-12)
            moved = got.parameter_distance[place]
            np.testing.assert_allclose(moved, wanted.parameter_distance, rtol=1e-8, atol=1e-12)
        assert np.abs(np.asarray(alone.train) - alone.initial_train).max() > 1e-3
    assert all((before[name] == value).all() for name, value in nets[0].state_dict().items())


def used_twice():
    (net,) = networks(LAYERS["two hidden"])[:1]
    shared = nv.network(nv.Architecture(inputs=20, outputs=20, layers=nv.Sequential(L())), [], 0)[0]
    return nn.Sequential(net[0], Elementwise(nv.ReLU()), shared, Elementwise(nv.ReLU()), shared, *net[2:])


def hooked():
    (net,) = networks(LAYERS["two hidden"])[:1]
    net[1].register_forward_hook(lambda module, given, out: 2 * out)
    return net


@pytest.mark.parametrize("make", [used_twice, hooked, lambda: nn.Sequential(nn.Linear(4, 2).double())])
def test_other_networks_train_as_they_did(make):
    nets = [make() for _ in range(4)]
    assert not can_step(nets)
    call = dict(steps=3, learning_rate=0.01, allow_unstable=True)
    if make is not used_twice:  # stacks take no shared modules
        alone = train(copy.deepcopy(nets[0]), X, Y, **call)
        np.testing.assert_allclose(train_ensemble(nets, X, Y, **call).train[0], alone.train, rtol=1e-10)


def test_networks_of_unlike_scales_do_not_step_at_once():
    nets = [
        *networks(LAYERS["two hidden"])[:1],
        *networks([L(1.0, 0.5), nv.Erf(), *LAYERS["two hidden"][2:]])[:1],
    ]
    assert not can_step(nets)
