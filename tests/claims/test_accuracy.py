"""How kernels are compared: what rounding explains is small, and what is no number is explained by nothing."""

import numpy as np
import pytest

import ntkverify as nv
from ntkverify.claims.empirical import definition
from ntkverify.claims.kernel.accuracy import judged_within, relative_differences, rounding_bound
from ntkverify.claims.kernel.spectrum import spectrum_and_bound
from ntkverify.claims.kernel.values import _integrated
from ntkverify.errors import BeyondNumbers, InvalidArgument
from ntkverify.findings import Verdict
from ntkverify.subjects import BuiltinSubject

ARCH = nv.mlp(inputs=3, depth=2, weight_std=2**0.5, bias_std=0.1)
X = np.random.default_rng(0).standard_normal((5, 3))
SUBJECT = BuiltinSubject()
ONE = np.ones(2)


def test_what_rounding_explains_of_ordinary_inputs_is_far_from_what_slips_do():
    gram = nv.ntk(ARCH, X)
    assert 0 < rounding_bound(SUBJECT, ARCH, X) < 1e-11
    assert 0 < definition.rounding_bound(SUBJECT, nv.network(ARCH, 8, seed=0), X) < 1e-10
    assert 0 < spectrum_and_bound(SUBJECT, ARCH, X, gram)[1] < 1e-10


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_infinitely_far_off(value):
    wrong = np.array([[1.0, value], [1.0, 1.0]])
    for pair in ((wrong, np.ones((2, 2))), (np.ones((2, 2)), wrong)):
        np.testing.assert_array_equal(relative_differences(*pair, ONE, ONE), [[0, np.inf], [0, 0]])
    spectrum, _ = spectrum_and_bound(SUBJECT, ARCH, X, wrong)
    assert spectrum[0] == -np.inf
    found = _integrated("NTK", np.array([1.0, value]), ONE, ONE, 1e-6, 0 * ONE, (X[:2], X[:2]))
    assert found.verdict is Verdict.FAILS
    assert judged_within("NTK", abs(value), 1e-6).verdict is Verdict.FAILS
    assert judged_within("NTK", 1e-9, abs(value)).verdict is Verdict.UNDECIDED


def test_what_overflows_is_out_of_scope_and_not_widely_tolerated():
    arch = nv.Architecture(inputs=3, layers=nv.Sequential(nv.Linear(), nv.Exp(), nv.Linear()))
    with pytest.raises(BeyondNumbers):
        rounding_bound(SUBJECT, arch, 1e3 * X)
    constant = nv.KernelSubject(
        name="17", architecture=arch, ntk=lambda a, b: np.full((len(a), len(b)), 17.0)
    )
    findings = nv.check(constant, ["kernel.recursion", "kernel.oracle"], budget="quick")
    assert {finding.verdict for finding in findings} == {Verdict.FAILS}


def test_a_subject_that_no_claim_is_about_is_refused():
    class Predictor:
        name = "a predictor"

        def gradient_descent(self, *kernels, **settings):
            return kernels

    with pytest.raises(InvalidArgument, match="got gradient_descent alone"):
        nv.check(Predictor())


def test_a_kernel_of_zero_leaves_no_room():
    zero = np.zeros((2, 2))
    np.testing.assert_array_equal(relative_differences(zero, zero, 0 * ONE, ONE), zero)
    differ = np.array([[1e-300, 0.0], [0.0, 0.0]])
    np.testing.assert_array_equal(relative_differences(differ, zero, 0 * ONE, ONE), [[np.inf, 0], [0, 0]])
    assert np.isinf(relative_differences(np.zeros((2, 3)), zero, ONE, ONE)).all()
