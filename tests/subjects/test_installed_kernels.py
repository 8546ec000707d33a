"""Kernels that people install: their conventions as architectures, and their known faults. Skipped where missing."""

import subprocess
import sys

import numpy as np
import pytest

import ntkverify as nv
from ntkverify import subjects
from ntkverify.budgets import Budget
from ntkverify.cli import main
from ntkverify.errors import MissingExtra
from ntkverify.findings import Verdict

TINY = Budget(name="tiny", examples=12, stochastic_examples=1, max_samples=64, widths=(512, 256, 128, 64, 32))
RNG = np.random.default_rng(0)
X1, X2 = (RNG.standard_normal((n, 3)) * 10 ** RNG.uniform(-3, 3, (n, 1)) for n in (6, 4))


@pytest.fixture
def scikit_ntk():
    pytest.importorskip("skntk")
    from ntkverify.subjects import scikit_ntk

    return scikit_ntk


@pytest.fixture
def gpy():
    pytest.importorskip("GPy")
    from ntkverify.subjects import gpy

    return gpy


def inside(subject, *claims):
    findings = nv.check(subject, claims, budget=TINY)
    assert not any(finding.error for finding in findings)
    return {finding.claim: finding.verdict for finding in findings if not finding.is_outside}


def failing(subject, *claims):
    return {claim for claim, verdict in inside(subject, *claims).items() if verdict is Verdict.FAILS}


CLAIMS = (
    "kernel.symmetric",
    "kernel.consistent",
    "kernel.diagonal",
    "kernel.oracle",
    "kernel.recursion",
    "kernel.reach",
)


@pytest.mark.parametrize(("depth", "bias"), [(1, 0.5), (3, 0.0), (2, 1.7)])
def test_scikit_ntk_is_the_kernel_of_its_architecture(scikit_ntk, depth, bias):
    import skntk

    got = skntk.NeuralTangentKernel(depth=depth, bias=bias)(X1, X2)
    expected = nv.ntk(scikit_ntk.architecture(3, depth, bias), X1, X2)
    np.testing.assert_allclose(got, expected, rtol=1e-9)
    np.testing.assert_array_equal(
        scikit_ntk.kernel_subject(inputs=3, depth=depth, bias=bias).ntk(None, X1, X2), got
    )


def test_scikit_ntk_holds_what_it_claims_but_for_small_inputs(scikit_ntk):
    assert set(inside(scikit_ntk.subject, *CLAIMS).values()) == {Verdict.HOLDS}
    assert failing(scikit_ntk.small_inputs, *CLAIMS) == set(scikit_ntk.KNOWN_FAULTS)


@pytest.mark.parametrize(("variance", "weight", "bias"), [(1.0, 1.0, 1.0), (2.5, 0.3, 0.1)])
def test_gpy_is_the_kernel_of_its_architecture(gpy, variance, weight, bias):
    import GPy

    got = GPy.kern.MLP(3, variance, weight, bias).K(X1, X2)
    np.testing.assert_allclose(got, nv.nngp(gpy.architecture(3, variance, weight, bias), X1, X2), rtol=1e-9)


def test_gpy_holds_what_it_claims_but_for_large_inputs(gpy):
    assert set(inside(gpy.subject, *CLAIMS).values()) == {Verdict.HOLDS}
    assert failing(gpy.large_inputs, *gpy.KNOWN_FAULTS) == set(gpy.KNOWN_FAULTS)


@pytest.mark.parametrize(
    ("package", "module", "extra"), [("skntk", "scikit_ntk", "scikit-ntk"), ("GPy", "gpy", "gpy")]
)
def test_where_a_package_is_missing_the_remedy_is_named(package, module, extra, monkeypatch, capsys):
    spec = f"ntkverify.subjects.{module}:subject"
    for name in [package, *(name for name in sys.modules if name.startswith(f"{package}."))]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, f"ntkverify.subjects.{module}", raising=False)
    with pytest.raises(MissingExtra, match=rf"pip install 'ntkverify\[{extra}\]'"):
        subjects.load(spec)
    assert main(["check", spec]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"ntkverify: {extra} cannot be imported") and error.count("\n") == 1


def test_none_of_them_is_imported_before_it_is_asked_for():
    code = "import sys, ntkverify.subjects; sys.exit(bool({'skntk', 'GPy', 'jax'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
