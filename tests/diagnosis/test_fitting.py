"""A wrong kernel is found to be the kernel of another architecture, which can be pasted."""

import re

import numpy as np
import pytest

import ntkverify as nv
from ntkverify.diagnosis import diagnose, searching

L, RELU, ERF = nv.Linear, nv.ReLU(), nv.Erf()
NAMES = {name: getattr(nv, name) for name in ("Architecture", "Sequential", "Linear", "ReLU", "Erf", "Tanh")}
X = np.random.default_rng(5).standard_normal((6, 4)) * [[0.4], [1], [2], [1], [0.7], [3]]


def network_of(*layers, **fields):
    return nv.Architecture(inputs=4, layers=nv.Sequential(*layers), **fields)


def arc_cosine(x1, x2):
    """kappa, delta and the inner products of rows, as people write them."""
    norms = np.outer(np.linalg.norm(x1, axis=1), np.linalg.norm(x2, axis=1))
    angle = np.arccos(np.clip(x1 @ x2.T / norms, -1, 1))
    kappa = norms * (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / np.pi
    return kappa, (np.pi - angle) / np.pi, x1 @ x2.T


def with_one(x):
    return np.hstack([x, np.ones((len(x), 1))])


def arcsine(x1, x2):
    scale = np.sqrt(np.outer(2 + (x1**2).sum(1), 2 + (x2**2).sum(1)))
    return 2 / np.pi * np.arcsin((1 + x1 @ x2.T) / scale)


def told(arch, part="ntk", **fields):
    (kernel,) = fields.values()
    return diagnose(nv.KernelSubject(name="mine", architecture=arch, **{part: kernel}), arch)


def pasted(diagnosis):
    """The architecture that a diagnosis prints, read back."""
    text = re.search(r"nv\.(Architecture\(.*?\)\))(?=: |;|$)", str(diagnosis)).group(1)
    return eval(text.replace("nv.", ""), dict(NAMES))


def test_inputs_with_a_one_are_a_bias_of_the_first_layer():
    claimed, really = network_of(L(2.0), RELU, L(2**0.5)), network_of(L(2.0, 1.0), RELU, L(2**0.5))
    found = told(claimed, "nngp", f=lambda x1, x2: arc_cosine(with_one(x1), with_one(x2))[0])
    assert pasted(found) == really
    assert found.explanation.differences == ("bias variance 1 for 0 in the first layer",)


def test_the_arcsine_kernel_of_gaussian_process_libraries():
    claimed, really = network_of(L(1.0, 1.0), ERF, L(1.0)), network_of(L(2**0.5, 0.5**0.5), ERF, L(1.0))
    e1 = np.eye(4)[:1]
    assert arcsine(e1, e1) == pytest.approx(0.46456, abs=5e-6) == nv.nngp(really, e1)
    assert pasted(told(claimed, "nngp", f=arcsine)) == really


def test_biases_that_start_at_zero():
    claimed = network_of(L(2.0, 0.5), RELU, L(2**0.5, 0.5))

    def kernel(x1, x2):
        kappa, delta, products = arc_cosine(x1, x2)
        return kappa + (products + 0.25) * delta + 0.25

    found = told(claimed, f=kernel)
    np.testing.assert_allclose(nv.ntk(pasted(found), X), kernel(X, X), rtol=1e-5)
    assert "biases that start at zero and are trained in the first layer" in found.explanation.differences


DEEP = network_of(L(1.0, 0.3), RELU, L(1.0, 0.3), RELU, L(1.0, 0.3))
SLIPS = {
    "inputs not over d": network_of(L(2.0, 0.3), RELU, L(1.0, 0.3), RELU, L(1.0, 0.3)),
    "a layer forgotten": network_of(L(1.0, 0.3), RELU, L(1.0, 0.3)),
    "a layer forgotten, another factor": network_of(L(1.0, 0.3), RELU, L(1.4, 0.3)),
    "no first bias, another last factor": network_of(L(1.0), RELU, L(1.0, 0.3), RELU, L(2**0.5, 0.3)),
    "two variances": network_of(L(1.5, 0.3), RELU, L(1.0, 0.6), RELU, L(1.0, 0.3)),
    "first layer frozen, second bias": network_of(
        L(1.0, 0.3, weight_rate=0.0, bias_rate=0.0), RELU, L(1.0, 0.5), RELU, L(1.0, 0.3)
    ),
    "another activation and depth": network_of(L(1.0, 0.3), ERF, L(1.0, 0.3)),
    "another activation, inputs not over d": network_of(L(2.0, 0.3), ERF, L(1.0, 0.3), ERF, L(1.0, 0.3)),
    "three numbers": network_of(L(1.0, 0.3), RELU, L(1.0, 0.6), RELU, L(0.7, 0.2, weight_rate=0.0)),
}


@pytest.mark.parametrize("name", SLIPS)
def test_one_two_and_three_slips(name):
    really = SLIPS[name]
    found = told(DEEP, f=lambda x1, x2: nv.ntk(really, x1, x2))
    if found.explanation is None:
        assert found.fitting == ("one hidden layer fewer",) and name == "a layer forgotten"
    else:
        np.testing.assert_allclose(nv.ntk(pasted(found), X), nv.ntk(really, X), rtol=1e-5)


def test_numeric_activations_are_explained_in_time():
    tanh = nv.Tanh()
    claimed = network_of(L(1.0, 0.3), tanh, L(1.0, 0.3))
    really = network_of(L(1.0, 0.3, weight_rate=0.0, bias_rate=0.0), tanh, L(2.0, 0.3))
    found = told(claimed, f=lambda x1, x2: nv.ntk(really, x1, x2))
    np.testing.assert_allclose(nv.ntk(pasted(found), X), nv.ntk(really, X), rtol=1e-5)


def test_a_clip_is_named_with_its_size():
    claimed = network_of(L(2.0), RELU, L(2**0.5))

    def clipped(x1, x2):
        norms = np.outer(np.linalg.norm(x1, axis=1), np.linalg.norm(x2, axis=1))
        cosine = np.clip(x1 @ x2.T / norms, -1 + 1e-7, 1 - 1e-7)
        angle = np.arccos(cosine)
        kappa = norms * (np.sin(angle) + (np.pi - angle) * cosine) / np.pi
        return kappa + x1 @ x2.T * (np.pi - angle) / np.pi

    e1 = np.eye(4)[:1]
    assert clipped(e1, e1) == pytest.approx(1.999857, abs=1e-6)
    assert told(claimed, f=clipped).explanation.beside == ("cosines clipped at 1 - 1e-07",)


def test_what_is_added_to_the_diagonal_is_named():
    found = told(DEEP, f=lambda x1, x2: nv.ntk(DEEP, x1, x2) + 0.02 * (np.abs(x1[:, None] - x2).sum(2) == 0))
    assert found.explanation.beside == ("0.02 added to the diagonal",) and pasted(found) == DEEP


def test_a_slip_in_the_recursion_beside_others():
    def squared(x1, x2):
        kappa, delta, products = arc_cosine(x1 / 2, x2 / 2)
        return kappa / 2 + products * delta**2 / 4

    found = told(network_of(L(1.0, 0.3), RELU, L(1.0, 0.3)), f=squared)
    assert found.explanation.beside == ("the derivative's dual squared",)
    assert found.explanation.differences == ("no bias in every layer",)


def test_norms_of_the_wrong_set_are_not_called_right():
    claimed = network_of(L(2.0), RELU, L(2**0.5))

    def resized(x1, x2):
        norms = np.linalg.norm(x1, axis=1)
        scale = np.outer(norms, np.resize(norms, len(x2)))
        angle = np.arccos(np.clip(x1 @ x2.T / scale, -1, 1))
        kappa = scale * (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / np.pi
        return kappa + x1 @ x2.T * (np.pi - angle) / np.pi

    text = str(told(claimed, f=resized))
    assert "right on ordinary inputs" not in text
    assert "right among one set of points, wrong between two sets by" in text


def test_float32_is_recognised():
    found = told(DEEP, f=lambda x1, x2: nv.ntk(DEEP, *(x.astype(np.float32) for x in (x1, x2))).astype(float))
    assert found is not None and (found.distance <= found.accuracy or "float32" in str(found))
    coarse = told(DEEP, f=lambda x1, x2: np.float32(nv.ntk(DEEP, x1, x2) * (1 + 3e-6)).astype(float))
    assert "float32" in str(coarse)


def test_a_kernel_of_nothing_known_is_said_to_be(monkeypatch):
    monkeypatch.setattr(searching, "SECONDS", 2.0)
    found = told(DEEP, f=lambda x1, x2: np.exp(-np.linalg.norm(x1[:, None] - x2, axis=2)))
    assert not found.explained and not found.suspects


def test_what_leaves_a_tenth_is_not_listed(monkeypatch):
    monkeypatch.setattr(searching, "SECONDS", 2.0)
    found = told(DEEP, f=lambda x1, x2: nv.ntk(DEEP, x1, x2) + np.exp(-((x1[:, None] - x2) ** 2).sum(2)))
    assert all(suspect.left < 0.1 * found.distance for suspect in found.suspects)
