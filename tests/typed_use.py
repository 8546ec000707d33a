"""A user's code as a type checker sees it: mypy reads this file, and nothing runs it."""

# ruff: noqa: B018, F841 (an assignment compares types)

import numpy as np

import ntkverify as nv
from ntkverify.subjects import protocol
from ntkverify.subjects.neural_tangents import NeuralTangentsSubject


class Library:
    """The least that a subject can be."""

    name = "mine"

    def ntk(self, arch: nv.Architecture, x1: np.ndarray, x2: np.ndarray) -> np.ndarray:
        return x1 @ x2.T


def public_names(x: np.ndarray) -> list[nv.Verdict]:
    arch = nv.mlp(inputs=3, depth=1, activation=nv.ReLU())
    nv.nngp(arch, x) @ x
    nv.predict.max_learning_rate(np.asarray(nv.ntk(arch, x)))
    nv.network(arch, 8, seed="0")  # type: ignore[arg-type]
    nv.no_such_name  # type: ignore[attr-defined]
    findings: list[nv.Finding] = list(nv.check(Library()))
    nv.check(3)  # type: ignore[arg-type]
    return [finding.verdict for finding in findings]


def builtin_has_every_part_of_a_library(builtin: nv.BuiltinSubject) -> None:
    version: protocol.HasVersion = builtin
    supports: protocol.HasSupports = builtin
    accuracy: protocol.HasAccuracy = builtin
    nngp: protocol.HasNNGP = builtin
    ntk: protocol.HasNTK = builtin
    network: protocol.HasNetwork = builtin
    standard: protocol.HasStandardNetwork = builtin
    empirical: protocol.HasEmpiricalMethods = builtin
    descent: protocol.HasGradientDescent = builtin
    regression: protocol.HasKernelRegression = builtin
    ensemble: protocol.HasEnsemble = builtin


def kernels_have_an_architecture_and_an_accuracy(kernel: nv.KernelSubject) -> None:
    subject: nv.Subject = kernel
    architecture: protocol.HasArchitecture = kernel
    inputs: protocol.HasInputs = kernel
    accuracy: protocol.HasAccuracy = kernel
    supports: protocol.HasSupports = kernel


def modules_have_widths_and_a_tolerance(module: nv.ModuleSubject) -> None:
    architecture: protocol.HasArchitecture = module
    inputs: protocol.HasInputs = module
    tolerance: protocol.HasTolerance = module


def neural_tangents_has_both_kernels(library: NeuralTangentsSubject) -> None:
    nngp: protocol.HasNNGP = library
    ntk: protocol.HasNTK = library
    accuracy: protocol.HasAccuracy = library
    supports: protocol.HasSupports = library
    version: protocol.HasVersion = library
