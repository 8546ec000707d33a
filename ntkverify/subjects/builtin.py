"""ntkverify itself as what is under test."""

import importlib.metadata
from dataclasses import dataclass
from typing import Any

from torch import nn

from ntkverify import analytic, empirical, networks, predict
from ntkverify.architecture import Architecture
from ntkverify.arrays import Array


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
