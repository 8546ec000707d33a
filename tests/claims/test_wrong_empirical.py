"""Which claim finds which wrong empirical kernel: every fault is found by the claim named for it."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

import ntkverify as nv
from ntkverify.claims import CATALOGUE, Effort, examine
from ntkverify.data import Points
from ntkverify.findings import Verdict
from ntkverify.recipes import KINDS, Recipe
from ntkverify.scenarios import Scenario
from ntkverify.subjects import BuiltinSubject

EFFORT = Effort(level=1e-6, max_samples=1)
CLAIMS = [claim for claim in CATALOGUE if claim.startswith("empirical.")]
ARCH = nv.Architecture(inputs=2, layers=nv.Sequential(nv.Linear()))


def scenario(kind: str, *, count: int = 6, width: int = 4, outputs: int = 2, **recipe) -> Scenario:
    module = Recipe(kind=kind, width=width, outputs=outputs, **recipe)
    return Scenario(
        architecture=ARCH, points=Points(source="sphere", count=count, dimension=2), module=module
    )


CROWDED = scenario("mlp", count=40, width=1, activation="tanh")
"""More outputs than parameters."""


@dataclass(frozen=True)
class WrongNetwork(BuiltinSubject):
    """The kernel of a network that was changed on the way."""

    change: Callable[[nn.Module], nn.Module] = lambda net: net

    def empirical_ntk(self, net, x1, x2=None, **options):
        return super().empirical_ntk(self.change(copy.deepcopy(net)), x1, x2, **options)


@dataclass(frozen=True)
class WrongInputs(BuiltinSubject):
    """Inputs that were changed on the way, all of a batch together."""

    change: Callable[[np.ndarray], np.ndarray] = lambda x: x

    def empirical_ntk(self, net, x1, x2=None, **options):
        return super().empirical_ntk(net, self.change(x1), self.change(x2), **options)


@dataclass(frozen=True)
class WrongResult(BuiltinSubject):
    change: Callable[[np.ndarray], np.ndarray] = lambda kernel: kernel

    def empirical_ntk(self, net, x1, x2=None, **options):
        return self.change(super().empirical_ntk(net, x1, x2, **options))


def frozen(wanted: Callable[[str], bool]) -> WrongNetwork:
    def change(net: nn.Module) -> nn.Module:
        for name, parameter in net.named_parameters():
            parameter.requires_grad_(not wanted(name))
        return net

    return WrongNetwork(change=change)


def untied(net: nn.Module) -> nn.Module:
    """Every use of a weight gets a weight of its own, so that no use meets another."""
    return nn.Sequential(*(copy.deepcopy(module) for module in net))


def no_cross_terms_of_positions(net: nn.Module) -> nn.Module:
    """The convolutions' own parameters count too little: theirs are left out but for the biases."""
    for module in net.modules():
        if isinstance(module, nn.Conv1d):
            module.weight.requires_grad_(False)
    return net


def wrong_block(kernel: np.ndarray) -> np.ndarray:
    """The block beside the diagonal is put in turned over."""
    n = len(kernel) // 2
    if kernel.shape[0] == kernel.shape[1] > 3:
        kernel[:n, n : 2 * n] = kernel[:n, n : 2 * n][::-1].copy()
    return kernel


def block_left_out(kernel: np.ndarray) -> np.ndarray:
    n = len(kernel) // 2
    if n:
        kernel[n:, : kernel.shape[1] // 2] = 0
    return kernel


def jitter(kernel: np.ndarray) -> np.ndarray:
    for i in range(min(kernel.shape[:2])):
        kernel[i, i] += 1e-4 * (np.eye(kernel.shape[2]) if kernel.ndim == 4 else 1)
    return kernel


def subtracted(kernel: np.ndarray) -> np.ndarray:
    return kernel - 0.24 * np.abs(kernel).max()


def outputs_exchanged(kernel: np.ndarray) -> np.ndarray:
    return kernel[:, :, ::-1].copy() if kernel.ndim == 4 else kernel


def sum_for_mean(kernel: np.ndarray) -> np.ndarray:
    return kernel if kernel.ndim == 4 else 2 * kernel


def in_float32(kernel: np.ndarray) -> np.ndarray:
    return kernel.astype(np.float32).astype(float)


MLP = scenario("mlp")
FAULTS = {
    "first layer forgotten": (frozen(lambda name: name.startswith("0.")), MLP, "methods_agree"),
    "last layer forgotten": (frozen(lambda name: name.startswith("4.")), MLP, "methods_agree"),
    "biases forgotten": (frozen(lambda name: name.endswith("bias")), MLP, "methods_agree"),
    "one bias forgotten": (frozen(lambda name: name == "2.bias"), MLP, "methods_agree"),
    "shared layer's uses never meet": (WrongNetwork(change=untied), scenario("shared"), "methods_agree"),
    "tied weight's uses never meet": (WrongNetwork(change=untied), scenario("tied"), "methods_agree"),
    "convolutions' weights forgotten": (
        WrongNetwork(change=no_cross_terms_of_positions),
        scenario("convolutional"),
        "methods_agree",
    ),
    "norm's scale forgotten": (
        frozen(lambda name: name == "scale.weight"),
        scenario("normalised"),
        "methods_agree",
    ),
    "sum over outputs for their mean": (WrongResult(change=sum_for_mean), MLP, "methods_agree"),
    "outputs exchanged": (WrongResult(change=outputs_exchanged), MLP, "methods_agree"),
    "float32 inside": (WrongResult(change=in_float32), MLP, "methods_agree"),
    "a wrong block": (WrongResult(change=wrong_block), MLP, "batch_invariant"),
    "a block left out": (WrongResult(change=block_left_out), MLP, "batch_invariant"),
    "inputs centred over the batch": (
        WrongInputs(change=lambda x: x - x.mean(axis=0)),
        scenario("residual"),
        "batch_invariant",
    ),
    "batch divided by its size": (
        WrongInputs(change=lambda x: x / len(x) ** 0.5),
        scenario("convolutional"),
        "batch_invariant",
    ),
    "a constant subtracted": (WrongResult(change=subtracted), MLP, "positive_semidefinite"),
    "a turned block": (WrongResult(change=wrong_block), scenario("mlp", count=12), "positive_semidefinite"),
    "jitter on the diagonal": (WrongResult(change=jitter), CROWDED, "rank_at_most_parameters"),
    "not bounded by the parameters": (
        WrongResult(change=lambda kernel: np.exp(kernel / np.abs(kernel).max())),
        CROWDED,
        "rank_at_most_parameters",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault):
    subject, where, claim = FAULTS[fault]
    finding = examine(CATALOGUE[f"empirical.{claim}"], subject, where, EFFORT)
    assert finding.verdict is Verdict.FAILS, finding
    assert not finding.broken_premises


@pytest.mark.parametrize("fault", FAULTS)
def test_the_right_kernel_passes_on_the_same_scenario(fault):
    _, where, claim = FAULTS[fault]
    finding = examine(CATALOGUE[f"empirical.{claim}"], BuiltinSubject(), where, EFFORT)
    assert finding.verdict is Verdict.HOLDS, finding


@pytest.mark.parametrize("claim", CLAIMS)
def test_every_claim_has_a_planted_fault(claim):
    assert claim.removeprefix("empirical.") in {named for _, _, named in FAULTS.values()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_scenario_reads_back_as_it_was_and_builds_the_same_module(kind):
    one = scenario(kind, dtype="float32")
    two = Scenario.from_plain(one.to_plain())
    assert one == two and one.network_seed("module") == two.network_seed("module")
    state, other = (s.module.build(2, s.network_seed("module")).state_dict() for s in (one, two))
    assert all(torch.equal(state[name], other[name]) for name in state)


def test_scenarios_without_a_module_keep_their_records():
    plain = Scenario(architecture=ARCH, points=MLP.points).to_plain()
    assert "module" not in plain
    assert Scenario.from_plain(plain).module is None
