"""Kernels as people write them: right ones are green inside their domains, wrong ones red, and their slips named."""

import re

import numpy as np
import pytest
import torch
from as_written import ALL, RIGHT, WRONG

import ntkverify as nv
from ntkverify.findings import Verdict

CHEAP = (
    "arcsine covariance of a gaussian process",
    "arc cosine with a length for each feature",
    "three at once",
    "clipped below one",
)
"""Kernels that are checked in full wherever tests run: for two of them no network is trained, the others fail at once. The
rest is slow together."""


def points(domain, seed, count=7, features=4):
    """Draws rows inside a domain: all norms, a duplicate, an antipode, and zeros where they belong to it."""
    least, most = domain.get("norms", (1e-3, 1e3))
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((count, features))
    rows[-1], rows[-2] = rows[0], -rows[1]
    sizes = 10 ** rng.uniform(np.log10(least), np.log10(most), (count, 1))
    rows *= (1.0 if domain.get("unit_norm") else sizes) / np.linalg.norm(rows, axis=1, keepdims=True)
    if domain.get("zero", True) and not domain.get("unit_norm"):
        rows[2] = 0
    return rows.astype(domain.get("dtype") or float)


def answer(kernel, x1, x2):
    """Calls a kernel as it wants to be called; returns (n1, n2)."""
    if kernel.torch:
        x1, x2 = torch.from_numpy(x1), torch.from_numpy(x2)
    if kernel.takes == "matrix":
        return kernel.function(np.concatenate([x1, x2]))[: len(x1), len(x1) :]
    if kernel.takes == "vectors":
        return np.array([[kernel.function(x, y) for y in x2] for x in x1])
    return np.asarray(kernel.function(x1, x2))


def distance(kernel, got, arch, x1, x2):
    """Measures the largest error of `got` (n1, n2), relative to what the two points have on the diagonal."""
    x1, x2 = x1.astype(float), x2.astype(float)
    function, diagonal = getattr(nv, kernel.part), getattr(nv, f"{kernel.part}_diagonal")
    scale = np.sqrt(np.outer(diagonal(arch, x1), diagonal(arch, x2)))
    return np.max(np.abs(got - function(arch, x1, x2)) / np.where(scale > 0, scale, 1))


@pytest.mark.parametrize("kernel", RIGHT.values(), ids=RIGHT)
def test_a_right_one_is_its_architectures_kernel_all_over_its_domain(kernel):
    x1, x2 = points(kernel.domain, 0), points(kernel.domain, 1, count=5)
    for one, other in ((x1, x2), (x1, x1)):
        got = answer(kernel, one, other)
        assert distance(kernel, got, kernel.architecture, one, other) < kernel.accuracy


@pytest.mark.parametrize("kernel", WRONG.values(), ids=WRONG)
def test_a_wrong_one_is_what_is_said_of_it_and_no_other(kernel):
    x1, x2 = points(kernel.domain, 0), points(kernel.domain, 1, count=5)
    square = (kernel.function(x1), x1) if kernel.takes == "matrix" else (answer(kernel, x1, x1), x1)
    off = 0.0
    for got, other in ((answer(kernel, x1, x2), x2), square):
        off = max(off, distance(kernel, got, kernel.architecture, x1, other))
        if kernel.is_really:
            assert distance(kernel, got, kernel.is_really, x1, other) < kernel.accuracy
    assert off > 2 * kernel.accuracy


def test_there_are_as_many_right_as_wrong_and_all_styles():
    assert len(ALL) >= 24 and len(WRONG) - 2 <= len(RIGHT) <= len(WRONG) + 2
    assert {kernel.takes for kernel in ALL.values()} == {"matrices", "matrix", "vectors"}
    assert {(bool(kernel.slips), kernel.torch) for kernel in ALL.values()} == {
        (wrong, torch_) for wrong in (True, False) for torch_ in (True, False)
    }
    assert all(kernel.is_really or kernel.said or kernel.unsaid for kernel in WRONG.values())


def checked_in_full(kernels):
    return [
        pytest.param(kernel, id=name, marks=[] if name in CHEAP else pytest.mark.slow)
        for name, kernel in kernels.items()
    ]


@pytest.mark.parametrize("kernel", checked_in_full(RIGHT))
def test_a_right_one_is_green_inside_its_domain(kernel):
    inside = [finding for finding in nv.check(kernel.subject()) if not finding.is_outside]
    wrong = [
        f"{finding.claim}: {finding.verdict} {finding.error or ''}" for finding in inside if red(finding)
    ]
    assert not wrong
    assert any(finding.verdict is Verdict.HOLDS for finding in inside)


def red(finding):
    return finding.verdict not in (Verdict.HOLDS, Verdict.OUT_OF_SCOPE)


@pytest.mark.parametrize("kernel", checked_in_full(WRONG))
def test_a_wrong_one_is_red_and_its_slips_are_named(kernel, record_property):
    findings = nv.check(kernel.subject())
    assert any(finding.verdict is Verdict.FAILS and not finding.is_outside for finding in findings)
    told = "\n".join(sorted({str(finding.diagnosis) for finding in findings if finding.diagnosis}))
    record_property("told", told)
    assert told and not re.search(kernel.unsaid, told)
    assert explains(kernel, told), told


def explains(kernel, told):
    """Tells whether a text names the slips, or gives an architecture to paste that the kernel really is of."""
    if not (kernel.said or kernel.is_really):
        return True  # it is no architecture's, and there is no word for it
    named = kernel.said and re.search(kernel.said, told, flags=re.IGNORECASE | re.DOTALL)
    return bool(named) or any(same_kernel(kernel, arch) for arch in architectures_in(told))


def architectures_in(text):
    """Reads what can be pasted: every `Architecture(...)` or `mlp(...)` of a text, with its parentheses."""
    names = {name: getattr(nv, name) for name in nv.__all__ if name[0].isupper() or name == "mlp"}
    for match in re.finditer(r"\b(Architecture|mlp)\(", text):
        end, depth = match.end(), 1
        while depth and end < len(text):
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        yield eval(text[match.start() : end].replace("nv.", ""), names)


def same_kernel(kernel, arch):
    """Compares on points that no claim has seen."""
    if kernel.is_really is None:
        return False
    x1, x2 = points(kernel.domain, 2), points(kernel.domain, 3)
    got = getattr(nv, kernel.part)(arch, x1, x2)
    return distance(kernel, got, kernel.is_really, x1, x2) < 1e-5


def test_an_explanation_is_read_and_a_wrong_one_is_seen():
    kernel, erf = WRONG["three at once"], nv.mlp(inputs=4, depth=1, activation=nv.Erf())
    right, wrong = (
        f"your kernel is exactly that of {arch!r}" for arch in (kernel.is_really, kernel.architecture)
    )
    assert list(architectures_in(f"{right}, not of nv.mlp(inputs=4, depth=1, activation=nv.Erf())")) == [
        kernel.is_really,
        erf,
    ]
    assert explains(kernel, f"NTK: {right}, not of {erf!r}") and not explains(kernel, f"NTK: {wrong}")
    clipped = WRONG["clipped below one"]
    assert explains(clipped, "a clip at 1 - 1e-07") and not explains(clipped, f"a clip at 1 - 1e-06, {right}")
