"""ntkverify itself as what is under test."""

import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from torch import nn

from ntkverify import analytic, empirical, networks, predict
from ntkverify.architecture import Architecture
from ntkverify.arrays import Array
from ntkverify.domain import Domain


@dataclass(frozen=True)
class BuiltinSubject:
    """ntkverify's own kernels, networks and predictors, judged at rounding level."""

    name: str = "ntkverify"
    accuracy: float = 0.0
    domain: Domain | None = None
    knows_rates: bool = True
    empirical_methods: tuple[str, ...] = ("auto", *empirical.METHODS)

    @property
    def version(self) -> str:
        """The version of ntkverify that is installed."""
        return importlib.metadata.version("ntkverify")

    def supports(self, arch: Architecture) -> bool:
        """Says yes: every architecture that can be written down has a kernel here."""
        return True

    def nngp(self, arch: Architecture, x1: Array, x2: Array) -> Array:
        """Returns `ntkverify.nngp`, (n1, n2)."""
        return analytic.nngp(arch, x1, x2)

    def ntk(self, arch: Architecture, x1: Array, x2: Array) -> Array:
        """Returns `ntkverify.ntk`, (n1, n2)."""
        return analytic.ntk(arch, x1, x2)

    def network(self, arch: Architecture, width: int | Sequence[int], seed: int, **options: Any) -> nn.Module:
        """Makes an `ntkverify.network`."""
        return networks.network(arch, width, seed, **options)

    def standard_network(self, arch: Architecture, width: int | Sequence[int], seed: int) -> nn.Module:
        """Makes the same function as `network` in standard parameterisation."""
        return networks.network(arch, width, seed, parameterization="standard")

    def empirical_ntk(self, net: nn.Module, x1: Array, x2: Array | None = None, **options: Any) -> Array:
        """Computes `ntkverify.empirical_ntk`: (n1, n2), or (n1, n2, outputs, outputs) with outputs="full"."""
        return cast(Array, empirical.empirical_ntk(net, x1, x2, **options))

    def gradient_descent(
        self, k_train: Array, y: Array, k_test_train: Array, **options: Any
    ) -> predict.Outputs:
        """Predicts by `ntkverify.predict.gradient_descent`."""
        return predict.gradient_descent(k_train, y, k_test_train, **options)

    def kernel_regression(
        self, k_train: Array, y: Array, k_test_train: Array, ridge: float = 0.0
    ) -> predict.Regression:
        """Predicts by `ntkverify.predict.kernel_regression`."""
        return predict.kernel_regression(k_train, y, k_test_train, ridge)

    def ensemble(self, k_train: Array, y: Array, k_test_train: Array, **options: Any) -> predict.Gaussian:
        """Predicts by `ntkverify.predict.ensemble`."""
        return predict.ensemble(k_train, y, k_test_train, **options)
