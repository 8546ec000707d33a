"""Right kernels of other people's, as they come: none is blamed for how it is written."""

import numpy as np
import pytest
import torch

import ntkverify as nv
from ntkverify.budgets import Budget
from ntkverify.errors import InvalidArgument
from ntkverify.findings import Verdict

TINY = Budget(name="tiny", examples=12, stochastic_examples=1, max_samples=64, widths=(512, 256, 128, 64, 32))
ARCH = nv.mlp(inputs=3, depth=1, bias_std=1.0)


def checked(*claims, **fields):
    subject = nv.KernelSubject(**{"name": "mine", "architecture": ARCH} | fields)
    return nv.check(subject, claims or ["kernel"], budget=TINY)


def inside(findings):
    assert not any(finding.error for finding in findings)
    return {finding.claim: finding.verdict for finding in findings if not finding.is_outside}


@pytest.mark.parametrize(
    "ntk",
    [
        lambda x1, x2: nv.ntk(ARCH, x1.astype(float), x2.astype(float)),
        lambda x1, x2: nv.ntk(ARCH, torch.from_numpy(x1).requires_grad_(), torch.from_numpy(x2)),
    ],
    ids=["NumPy alone", "torch that asks for gradients"],
)
def test_what_it_is_written_in_does_not_matter(ntk):
    verdicts = inside(checked("kernel.symmetric", "kernel.finite", "kernel.differentiable", ntk=ntk))
    assert verdicts["kernel.finite"] is verdicts["kernel.symmetric"] is Verdict.HOLDS


def test_growing_activations_are_not_asked_for_numbers_that_there_are_not():
    arch = nv.mlp(inputs=3, depth=1, activation=nv.Exp())
    verdicts = inside(checked("kernel.finite", architecture=arch, ntk=lambda x1, x2: nv.ntk(arch, x1, x2)))
    assert verdicts["kernel.finite"] in (Verdict.HOLDS, Verdict.OUT_OF_SCOPE)


def test_an_activation_without_an_ntk_has_an_nngp_kernel():
    arch = nv.mlp(inputs=3, depth=1, activation=nv.Sign(), bias_std=1.0)
    verdicts = inside(checked(architecture=arch, nngp=lambda x1, x2: nv.nngp(arch, x1, x2)))
    assert verdicts["kernel.oracle"] is verdicts["kernel.symmetric"] is Verdict.HOLDS


def test_a_kernel_that_crashes_while_it_is_explained_keeps_its_finding():
    def brittle(x1, x2):
        if len(x1) == 7:  # the points of the diagnosis
            raise KeyError("planted")
        return 2 * nv.ntk(ARCH, x1, x2)

    (failed,) = [f for f in checked("kernel.oracle", ntk=brittle) if f.minimal][-1:]
    assert failed.verdict is Verdict.FAILS and failed.diagnosis is None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"ntk": None}, "ntk: got None"),
        ({"architecture": 3}, "architecture: got 3"),
        ({"inputs": 4}, "inputs: got 4, but expected 3"),
        ({"inputs": 2.5, "architecture": None}, "inputs: got 2.5, but expected a finite int >= 1"),
        ({"ntk": 3}, "ntk: got 3, but expected a function"),
        ({"nngp": np.eye(3)}, "nngp: got array"),
        ({"name": 3}, "name: got 3, but expected a string"),
        ({"name": " "}, "name: got ' '"),
        ({"accuracy": "fine"}, "accuracy: got 'fine'"),
        ({"accuracy": -1.0}, "accuracy: got -1.0"),
    ],
)
def test_what_is_no_kernel_is_refused(fields, words):
    with pytest.raises(InvalidArgument, match=words):
        checked(**{"ntk": lambda x1, x2: x1 @ x2.T} | fields)


def test_a_matrix_of_another_shape_is_named():
    subject = nv.KernelSubject(name="flat", architecture=ARCH, ntk=lambda x1, x2: np.ones(len(x1)))
    with pytest.raises(InvalidArgument, match=r"ntk: got shape \(2,\), but expected shape \(2, 3\)"):
        subject.ntk(ARCH, np.ones((2, 3)), np.ones((3, 3)))


def scale_in_place(x1, x2):
    x1 /= 2.0
    return x1 @ x2.T


def shift_the_second_in_torch(x1, x2):
    return torch.from_numpy(x1) @ torch.from_numpy(x2).sub_(0.5).T


@pytest.mark.parametrize(
    ("ntk", "words"),
    [
        (
            scale_in_place,
            "ntk: got x1 changed in place, but expected inputs left as they are. Work on a copy",
        ),
        (shift_the_second_in_torch, "ntk: got x2 changed in place"),
        (lambda x1, x2: (x1 @ x2.T).astype(np.float32), "ntk: got float32 for inputs in float64"),
        (lambda x1, x2: torch.from_numpy(x1 @ x2.T).bfloat16(), "ntk: got bfloat16 for inputs in float64"),
        (lambda x1, x2: (x1 @ x2.T) * 1j, "ntk: got ndarray of dtype complex128, but expected numbers"),
        (lambda x1, x2: None, "ntk: got NoneType"),
    ],
)
def test_what_a_kernel_does_to_its_inputs_and_digits_is_told(ntk, words):
    points = np.random.default_rng(0).standard_normal((4, 3))
    before = points.copy()
    subject = nv.KernelSubject(name="mine", architecture=ARCH, ntk=ntk)
    with pytest.raises(InvalidArgument, match=words):
        subject.ntk(ARCH, points, points + 1)
    assert np.array_equal(points, before)
    with pytest.raises(InvalidArgument, match=words.split(",")[0]):  # told once, before any claim is tried
        nv.check(subject, ["kernel.symmetric"], budget=TINY)


def test_a_kernel_that_tells_one_batch_from_two_and_one_of_whole_numbers_are_right():
    one = nv.KernelSubject(
        name="mine", inputs=2, ntk=lambda x1, x2: np.full((len(x1), len(x2)), int(x1 is x2))
    )
    points = np.ones((2, 2))
    assert one.ntk(None, points, points).tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert one.ntk(None, points, points + 0).tolist() == [[0.0, 0.0], [0.0, 0.0]]
