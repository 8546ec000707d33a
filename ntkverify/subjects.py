"""What is under test: any object with `name` and some of the parts listed in `PARTS`."""

import importlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from ntkverify import analytic, empirical, networks, predict
from ntkverify.architecture import Architecture
from ntkverify.arrays import Array
from ntkverify.errors import InvalidArgument

PARTS = (
    "nngp",
    "ntk",
    "network",
    "standard_network",
    "empirical_ntk",
    "gradient_descent",
    "kernel_regression",
    "ensemble",
)

FOREIGN_ACCURACY = 1e-6
"""The relative accuracy at which a kernel is judged that does not say its own."""


@dataclass(frozen=True)
class BuiltinSubject:
    """ntkverify's own kernels, networks and predictors, judged at rounding level."""

    name: str = "ntkverify"
    accuracy: float = 0.0
    empirical_methods: tuple[str, ...] = ("auto", *empirical.METHODS)

    @property
    def version(self) -> str:
        """The installed version of ntkverify."""
        return importlib.metadata.version("ntkverify")

    def supports(self, arch: Architecture) -> bool:
        """Whether the subject can be asked about `arch`."""
        return True

    def nngp(self, arch: Architecture, x1: Array, x2: Array) -> Array:
        """(n1, n2): see `ntkverify.nngp`."""
        return analytic.nngp(arch, x1, x2)

    def ntk(self, arch: Architecture, x1: Array, x2: Array) -> Array:
        """(n1, n2): see `ntkverify.ntk`."""
        return analytic.ntk(arch, x1, x2)

    def network(self, arch: Architecture, width: int, seed: int, **options: Any) -> nn.Module:
        """See `ntkverify.network`."""
        return networks.network(arch, width, seed, **options)

    def standard_network(self, arch: Architecture, width: int, seed: int) -> nn.Module:
        """The function of `network` in standard parameterisation."""
        return networks.network(arch, width, seed, parameterization="standard")

    def empirical_ntk(self, net: nn.Module, x1: Array, x2: Array | None = None, **options: Any) -> Array:
        """(n1, n2): see `ntkverify.empirical_ntk`."""
        return empirical.empirical_ntk(net, x1, x2, **options)

    def gradient_descent(
        self, k_train: Array, y: Array, k_test_train: Array, **options: Any
    ) -> predict.Outputs:
        """See `ntkverify.predict.gradient_descent`."""
        return predict.gradient_descent(k_train, y, k_test_train, **options)

    def kernel_regression(
        self, k_train: Array, y: Array, k_test_train: Array, ridge: float = 0.0
    ) -> predict.Regression:
        """See `ntkverify.predict.kernel_regression`."""
        return predict.kernel_regression(k_train, y, k_test_train, ridge)

    def ensemble(self, k_train: Array, y: Array, k_test_train: Array, **options: Any) -> predict.Gaussian:
        """See `ntkverify.predict.ensemble`."""
        return predict.ensemble(k_train, y, k_test_train, **options)


class KernelSubject:
    """Someone's kernel functions, and the architecture whose kernels they claim to be.

    ntk, nngp: functions of x1 (n1, d), x2 (n2, d), NumPy arrays, that return (n1, n2).
    accuracy: the relative accuracy that they claim, against which they are judged.
    Raises InvalidArgument where neither kernel is given.
    """

    def __init__(
        self,
        *,
        name: str,
        architecture: Architecture,
        nngp: Callable[[np.ndarray, np.ndarray], Array] | None = None,
        ntk: Callable[[np.ndarray, np.ndarray], Array] | None = None,
        accuracy: float = FOREIGN_ACCURACY,
        version: str = "",
    ):
        if nngp is None and ntk is None:
            raise InvalidArgument("ntk", "None (and nngp None)", "at least one kernel", "Pass ntk=function.")
        if not isinstance(architecture, Architecture):
            raise InvalidArgument(
                "architecture", repr(architecture), "an Architecture", "Build one with mlp(...)."
            )
        self.name, self.version, self.architecture, self.accuracy = name, version, architecture, accuracy
        self.nngp, self.ntk = _of_architecture(nngp), _of_architecture(ntk)

    def supports(self, arch: Architecture) -> bool:
        """Whether `arch` is the one that the kernels are of."""
        return arch == self.architecture


def _of_architecture(function: Callable[[np.ndarray, np.ndarray], Array] | None):
    return function and (lambda arch, x1, x2: np.asarray(function(x1, x2), dtype=float))


def load(spec: str) -> Any:
    """The subject that `path/to/file.py:name` or `package.module:name` names.

    Raises InvalidArgument where there is no such file, module or object, or it has no part to test.
    """
    subject = named(spec)
    if not hasattr(subject, "name") or not any(has(subject, part) for part in PARTS):
        remedy = "Wrap a kernel function in ntkverify.KernelSubject(...)."
        expected = f"an object with `name` and some of {', '.join(PARTS)}"
        raise InvalidArgument("subject", repr(subject), expected, remedy)
    return subject


def named(spec: str) -> Any:
    """The object that `path/to/file.py:name` or `package.module:name` names.

    Raises InvalidArgument where there is no such file, module or object.
    """
    place, _, name = spec.rpartition(":")
    if not place or not name.isidentifier():
        expected = "'path/to/file.py:name' or 'package.module:name'"
        raise InvalidArgument("subject", repr(spec), expected, "Name the object after a colon.")
    module = _module_from_file(Path(place)) if place.endswith(".py") else _module_named(place)
    if not hasattr(module, name):
        raise InvalidArgument("subject", repr(spec), f"an object in {place}", f"It defines no {name!r}.")
    return getattr(module, name)


def _module_from_file(path: Path) -> Any:
    if not path.is_file():
        raise InvalidArgument("subject", str(path), "an existing Python file", f"Looked in {Path.cwd()}.")
    definition = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(definition)
    sys.modules[definition.name] = module  # dataclasses and pickle look themselves up there
    definition.loader.exec_module(module)
    return module


def _module_named(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise InvalidArgument("subject", repr(name), "an importable module", f"{error}.") from error


def part(subject: Any, name: str) -> Callable[..., Any]:
    """The subject's own part of that name, else the built-in one."""
    return getattr(subject, name, None) or getattr(BuiltinSubject(), name)


def has(subject: Any, name: str) -> bool:
    """Whether the subject brings that part itself."""
    return getattr(subject, name, None) is not None
