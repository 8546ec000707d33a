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
    ],
)
def test_what_is_no_kernel_is_refused(fields, words):
    with pytest.raises(InvalidArgument, match=words):
        checked(**{"ntk": lambda x1, x2: x1 @ x2.T} | fields)


def test_a_matrix_of_another_shape_is_named():
    subject = nv.KernelSubject(name="flat", architecture=ARCH, ntk=lambda x1, x2: np.ones(len(x1)))
    with pytest.raises(InvalidArgument, match=r"ntk: got shape \(2,\), but expected shape \(2, 3\)"):
        subject.ntk(ARCH, np.ones((2, 3)), np.ones((3, 3)))
