"""The MLP kernel of GPy, https://github.com/SheffieldML/GPy, also called arc-sine kernel; version 1.15.0 was tried.

Its convention: variance (2 / pi) asin of a covariance w x1.x2 + b over roots of 1 + its diagonal, where the kernel of
erf has twice the covariance of its inputs: w and b are halved, and w is not over d.
"""

import importlib.metadata
import math

import numpy as np

from ntkverify.activations import Erf
from ntkverify.architecture import Architecture, Linear, Sequential
from ntkverify.domain import Domain
from ntkverify.errors import MissingExtra
from ntkverify.subjects.kernel import KernelSubject

try:
    from GPy.kern import MLP
except ModuleNotFoundError as error:
    raise MissingExtra("gpy", str(error)) from error

KNOWN_FAULTS = dict.fromkeys(
    [
        "kernel.symmetric",
        "kernel.consistent",
        "kernel.rotation_invariant",
        "kernel.diagonal",
        "kernel.recursion",
        "kernel.positive_semidefinite",
        "kernel.finite",
        "kernel.reach",
    ],
    "the arcsine's argument is rounded to more than 1, which makes it NaN, where norms pass about 1e8",
)
"""Claims that fail for `large_inputs`, each with its reason."""


def architecture(inputs: int, variance: float, weight_variance: float, bias_variance: float) -> Architecture:
    """Writes the kernel's convention down."""
    first = Linear(math.sqrt(inputs * weight_variance / 2), math.sqrt(bias_variance / 2))
    return Architecture(inputs=inputs, layers=Sequential(first, Erf(), Linear(math.sqrt(variance))))


def kernel_subject(
    *,
    inputs: int = 4,
    variance: float = 1.5,
    weight_variance: float = 0.7,
    bias_variance: float = 0.3,
    domain: Domain | None = None,
) -> KernelSubject:
    """Makes a subject of `GPy.kern.MLP` on inputs of so many features."""
    numbers = {"variance": variance, "weight_variance": weight_variance, "bias_variance": bias_variance}
    kernel = MLP(inputs, **numbers)
    return KernelSubject(
        name="GPy MLP",
        version=importlib.metadata.version("gpy"),
        architecture=architecture(inputs, **numbers),
        nngp=lambda x1, x2: kernel.K(x1, x2).view(np.ndarray),  # not GPy's own kind of array
        domain=domain,
    )


subject = kernel_subject()
large_inputs = kernel_subject(domain=Domain(norms=(1e9, 1e10), zero=False))
