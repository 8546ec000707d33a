"""The kernel of scikit-ntk, https://github.com/392781/scikit-ntk, for scikit-learn; version 1.2.1 was tried.

Its convention: inputs not over d, weight variance 2 behind each ReLU, biases that start at 0 and move at the rate
bias^2, and everything divided by (depth + 1)(bias^2 + 1).
"""

import importlib.metadata
import math

from ntkverify.activations import ReLU
from ntkverify.architecture import Architecture, Linear, Sequential
from ntkverify.domain import Domain
from ntkverify.errors import MissingExtra
from ntkverify.subjects.kernel import KernelSubject

try:
    from skntk import NeuralTangentKernel
except ModuleNotFoundError as error:
    raise MissingExtra("scikit-ntk", str(error)) from error

DOMAIN = Domain(zero=False)
"""Norms of 1e-3 to 1e3. At 0 all units stand on their kink, where each author has a derivative of her own."""

KNOWN_FAULTS = dict.fromkeys(
    ["kernel.diagonal", "kernel.oracle", "kernel.recursion", "kernel.reach"],
    "the denominator |x1| |x2| is clipped at 1e-10, which norms below 1e-5 fall under",
)
"""Claims that fail for `small_inputs`, each with its reason."""


def architecture(inputs: int, depth: int, bias: float) -> Architecture:
    """Writes the kernel's convention down; its factor is one of the last layer."""
    factor = 1 / ((depth + 1) * (bias**2 + 1))
    first = Linear(math.sqrt(inputs), bias_rate=bias**2)
    hidden = [ReLU(), Linear(math.sqrt(2), bias_rate=bias**2)] * (depth - 1)
    last = Linear(math.sqrt(2 * factor), bias_rate=bias**2 * factor)
    return Architecture(inputs=inputs, layers=Sequential(first, *hidden, ReLU(), last))


def kernel_subject(
    *, inputs: int = 4, depth: int = 2, bias: float = 0.5, domain: Domain = DOMAIN
) -> KernelSubject:
    """Makes a subject of `skntk.NeuralTangentKernel(depth, bias)` on inputs of so many features."""
    return KernelSubject(
        name="scikit-ntk",
        version=importlib.metadata.version("scikit-ntk"),
        architecture=architecture(inputs, depth, bias),
        ntk=NeuralTangentKernel(depth=depth, bias=bias),
        domain=domain,
    )


subject = kernel_subject()
small_inputs = kernel_subject(domain=Domain(norms=(1e-8, 1e-6), zero=False))
