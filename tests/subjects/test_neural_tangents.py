"""The subject against stand-ins for jax and neural-tangents, and once against the real ones."""

import atexit
import importlib.util
import io
import math
import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import ntkverify as nv
from ntkverify import activations, strategies, subjects
from ntkverify.activations.numeric import Numeric
from ntkverify.claims.kernel.accuracy import rounding_bound
from ntkverify.errors import InvalidArgument, NtkverifyError
from ntkverify.pytest_plugin.session import Session
from ntkverify.subjects import neural_tangents
from ntkverify.subjects.neural_tangents import VARIABLE, NeuralTangentsSubject, translation, worker

ROOT = Path(__file__).parents[2]
X1, X2 = np.random.default_rng(0).standard_normal((3, 4)), np.random.default_rng(1).standard_normal((2, 4))

STAND_INS = Path(__file__).parent / "stand_ins"
"""A folder where a Python finds modules of these names."""


CLOSED = {kind for kind in activations.BY_NAME.values() if not issubclass(kind, Numeric)}


def of(activation, depth=1, **options):
    return nv.mlp(inputs=4, depth=depth, activation=activation, **{"bias_std": 0.3, **options})


@pytest.fixture
def stand_in(monkeypatch):
    """Makes subjects whose Python finds the stand-ins."""
    monkeypatch.setenv("PYTHONPATH", str(STAND_INS))
    monkeypatch.setenv(VARIABLE, sys.executable)
    made, kind = [], neural_tangents.Process
    monkeypatch.setattr(neural_tangents, "Process", lambda *how: made.append(kind(*how)) or made[-1])
    yield NeuralTangentsSubject
    neural_tangents._process.cache_clear()  # each has an environment of its own
    for process in made:
        process.close()


def test_its_kernels_are_those_of_the_other_python_for_numpy_and_for_torch(stand_in):
    subject = stand_in()
    assert subject.version == "0.0.stand-in"
    for arch in (of(nv.ReLU(), depth=2, weight_std=1.7), of(nv.ReLU(), bias_std=0.0)):
        for part in ("nngp", "ntk"):
            got, expected = getattr(subject, part)(arch, X1, X2), getattr(nv, part)(arch, X1, X2)
            np.testing.assert_allclose(got, expected, rtol=1e-12)
            from_torch = getattr(subject, part)(arch, torch.from_numpy(X1), torch.from_numpy(X2))
            assert torch.equal(from_torch, torch.from_numpy(got))


def test_its_kernels_can_be_differentiated(stand_in):
    arch = nv.Architecture(inputs=4, layers=nv.Sequential(nv.Linear(1.5, 0.5), nv.Linear()))
    weights = torch.from_numpy(np.random.default_rng(2).standard_normal((3, 2)))
    for part in ("nngp", "ntk"):
        got, expected = (
            torch.autograd.grad((weights * function(arch, *points)).sum(), points)
            for function in (getattr(stand_in(), part), getattr(nv, part))
            for points in [[torch.tensor(x, requires_grad=True) for x in (X1, X2)]]
        )
        for one, other in zip(got, expected, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_a_message_arrives_to_the_last_bit():
    rare = np.array([[0.1, -0.0, math.inf], [-math.inf, math.nan, 5e-324]])
    header = {"layers": [["Dense", {"W_std": 2**0.5, "b_std": None}]]}
    stream = io.BytesIO()
    worker.send(stream, header, rare=rare, empty=np.zeros((0, 3)))
    stream.seek(0)
    got, arrays = worker.receive(stream)
    assert got == header and arrays["empty"].shape == (0, 3)
    assert arrays["rare"].tobytes() == rare.tobytes()


@pytest.mark.parametrize("content", [b"", b"half", b"Welcome to this Python!\n"])
def test_what_is_no_message_is_refused(content):
    with pytest.raises(EOFError):
        worker.receive(io.BytesIO(content))


def test_every_layer_is_translated_with_its_arguments():
    expected = {
        activations.ReLU(): ("Relu", {}),
        activations.LeakyReLU(0.25): ("LeakyRelu", {"alpha": 0.25}),
        activations.ABReLU(-0.5, 2.0): ("ABRelu", {"a": -0.5, "b": 2.0}),
        activations.Abs(): ("Abs", {}),
        activations.RectifiedMonomial(2): ("RectifiedMonomial", {"degree": 2}),
        activations.Sign(): ("Sign", {}),
        activations.Erf(): ("Erf", {}),
        activations.GELU(): ("Gelu", {}),
        activations.Sin(): ("Sin", {}),
        activations.Cos(): ("Cos", {}),
        activations.RBF(0.5): ("Rbf", {"gamma": 0.5}),
        activations.Exp(): ("Exp", {}),
        activations.Gaussian(0.5): ("Gaussian", {"b": -0.5}),
        activations.Monomial(5): ("Monomial", {"degree": 5}),
        activations.Hermite(2): ("Polynomial", {"coef": [-1 / math.sqrt(2), 0.0, 1 / math.sqrt(2)]}),
    }
    assert {type(activation) for activation in expected} == CLOSED
    for activation, (name, arguments) in expected.items():
        first, got, last = translation.calls(of(activation, weight_std=1.5, bias_std=0.0))
        assert got == (name, arguments)
        assert first == last == ("Dense", {"out_dim": 1, "W_std": 1.5, "b_std": None})
    assert translation.calls(of(nv.ReLU(), bias_std=0.3))[0][1]["b_std"] == 0.3


def test_the_translated_hermite_polynomial_is_ours():
    x = np.linspace(-3, 3, 7)
    for degree in (1, 2, 3, 6):
        hermite = activations.Hermite(degree)
        got = np.polynomial.Polynomial(translation.calls(of(hermite))[1][1]["coef"])(x)
        np.testing.assert_allclose(got, hermite(torch.from_numpy(x)).numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("activation", [activations.Tanh(), activations.Monomial(6)])
def test_what_it_has_not_is_refused_before_anything_starts(activation, monkeypatch):
    monkeypatch.setenv(VARIABLE, "/no/such/python")
    subject = subjects.load("ntkverify.subjects.neural_tangents:subject")
    assert subject.supports(of(nv.ReLU())) and not subject.supports(of(activation))
    with pytest.raises(InvalidArgument, match=rf"layer: got {type(activation).__name__}.*supports"):
        subject.ntk(of(activation), X1, X2)
    with pytest.raises(InvalidArgument, match="x1: got shape"):
        subject.ntk(of(nv.ReLU()), X1[:, :2], X2)


def test_without_a_python_that_has_it_the_remedy_is_named(tmp_path, monkeypatch):
    def fails(got):
        with pytest.raises(InvalidArgument, match=f"{VARIABLE}: got {got}") as raised:
            NeuralTangentsSubject().ntk(of(nv.ReLU()), X1, X2)
        assert "pip install neural-tangents==0.6.5 jax==0.4.25" in str(raised.value)

    (tmp_path / "jax.py").write_text("raise ImportError('planted: no jax here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for python, got in ((sys.executable, ".*planted: no jax here"), ("/no/such/python", "/no/such/python")):
        monkeypatch.setenv(VARIABLE, python)
        fails(got)
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    fails("no value")


def test_a_run_without_it_ends_with_the_remedy_and_no_traceback(monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, "/no/such/python")
    options = {
        "ntk_subject": "ntkverify.subjects.neural_tangents:subject",
        "ntk_budget": "quick",
        "ntk_seed": 0,
        "ntk_report": tmp_path,
    }
    with pytest.raises(pytest.UsageError, match="pip install neural-tangents"):
        Session(SimpleNamespace(getoption=options.get), "", "").hunt()


def test_no_architecture_that_the_kernel_claims_draw_is_rejected():
    drawn = (*strategies.CLOSED_FORMS, activations.Monomial(2), activations.Monomial(3))
    assert all(neural_tangents.subject.supports(of(activation)) for activation in drawn)


def test_a_death_says_its_last_words_and_the_next_question_is_answered(stand_in):
    subject = stand_in()
    for _ in range(2):
        with pytest.raises(NtkverifyError, match=r"(?s)worker.py ended.*planted death$"):
            subject.ntk(of(nv.Erf()), X1, X2)
        assert np.isfinite(subject.ntk(of(nv.ReLU()), X1, X2)).all()


def test_an_error_over_there_is_an_error_here(stand_in):
    with pytest.raises(NtkverifyError, match="neural-tangents raised ValueError: planted error"):
        stand_in().ntk(of(activations.Cos()), X1, X2)


def test_no_answer_in_time_is_an_error(stand_in, tmp_path):
    wrapper = tmp_path / "python"
    # What it starts holds its pipes open; whoever waited for it would find the file.
    wrapper.write_text(f"#!/bin/sh\nsleep 20\ntouch '{tmp_path}/waited'\n")
    wrapper.chmod(0o755)
    with pytest.raises(InvalidArgument, match=r"did not answer within 0.2 s"):
        _ = stand_in(python=str(wrapper), limit=0.2).version
    subject = stand_in(limit=2.0)
    with pytest.raises(NtkverifyError, match="did not answer within 2 s"):
        subject.ntk(of(activations.Sin()), X1, X2)
    assert not (tmp_path / "waited").exists()


def test_an_interrupted_question_is_not_answered_by_the_next(stand_in, monkeypatch):
    subject = stand_in()
    assert subject.version

    def interrupted(stream):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(worker, "receive", interrupted)
        subject.ntk(of(nv.ReLU()), X1, X2)
    assert subject.ntk(of(nv.ReLU()), X2, X1).shape == (2, 3)


def test_the_other_process_ends_with_this_one(stand_in, monkeypatch):
    at_exit = []
    monkeypatch.setattr(atexit, "register", at_exit.append)
    asked = stand_in()._running()
    assert at_exit == [asked.close]
    other = asked._process
    asked.close()
    assert other.returncode == -signal.SIGKILL

    # Where this one is killed, nothing runs at exit: then the end of its input ends the other.
    command = [sys.executable, worker.__file__]
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=20)
    assert ran.returncode == 0
    assert worker.receive(io.BytesIO(ran.stdout)) == ({"version": "0.0.stand-in"}, {})


def test_the_extra_installs_what_the_remedy_says():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert tuple(project["optional-dependencies"]["neural-tangents"]) == neural_tangents.REQUIREMENTS


REAL = VARIABLE in os.environ or importlib.util.find_spec("neural_tangents") is not None
SHARED = (
    activations.ReLU(),
    activations.LeakyReLU(0.25),
    activations.ABReLU(-0.3, 1.7),
    activations.Abs(),
    activations.Erf(),
    activations.GELU(),
    activations.Sin(),
    activations.Cos(),
    activations.RBF(0.5),
    activations.Exp(),
    activations.Gaussian(0.5),
    activations.Monomial(2),
    activations.Monomial(5),
    activations.Hermite(3),
)


def tolerances(arch, x):
    """Between different points, and on the diagonal, where an angle of 0 is off by the root of its cosine's error.

    Each layer then loses up to 2 / pi of that angle, relative to its derivative's dual.
    """
    norms = np.linalg.norm(x, axis=1)
    cosine = np.abs(x @ x.T / np.outer(norms, norms))[~np.eye(len(x), dtype=bool)].max()
    bound = rounding_bound(nv.BuiltinSubject(), arch, x)
    kinked = any(activation.kinked for activation in arch.activations)
    diagonal = arch.depth * 2 / math.pi * math.sqrt(2 * bound) if kinked else bound
    return bound / math.sqrt(1 - cosine**2), diagonal


@pytest.mark.skipif(not REAL, reason=f"ci/neural_tangents.sh makes the Python that {VARIABLE} should name")
def test_every_activation_that_both_have_agrees():
    assert {type(activation) for activation in SHARED} == CLOSED - {
        activations.RectifiedMonomial,  # NaN on its diagonal
        activations.Sign,  # its NTK does not exist
    }
    subject = NeuralTangentsSubject()
    for activation in SHARED:
        for depth in (1, 2):
            arch = of(activation, depth, weight_std=1.0)
            between, diagonal = tolerances(arch, X1)
            for part in ("nngp", "ntk"):
                got, expected = getattr(subject, part)(arch, X1, X1), getattr(nv, part)(arch, X1)
                scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
                error, on = np.abs(got - expected) / scale, np.eye(len(X1), dtype=bool)
                assert error[~on].max() <= between, (arch, part)
                assert error[on].max() <= diagonal, (arch, part)


def test_an_activation_that_nobody_registered_is_not_supported():
    class Mine(activations.Erf):
        pass

    assert not translation.supports(of(Mine())) and translation.supports(of(activations.Erf()))
