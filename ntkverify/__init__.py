"""ntkverify: does a wide network equal kernel regression with its neural tangent kernel?"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # What editors and type checkers see; a test keeps it equal to what is loaded below.
    from ntkverify import claims as claims
    from ntkverify import empirical as empirical
    from ntkverify import gpytorch as gpytorch
    from ntkverify import maps as maps
    from ntkverify import predict as predict
    from ntkverify import sklearn as sklearn
    from ntkverify import stats as stats
    from ntkverify import strategies as strategies
    from ntkverify.activations import GELU as GELU
    from ntkverify.activations import RBF as RBF
    from ntkverify.activations import ABReLU as ABReLU
    from ntkverify.activations import Abs as Abs
    from ntkverify.activations import Cos as Cos
    from ntkverify.activations import Custom as Custom
    from ntkverify.activations import Erf as Erf
    from ntkverify.activations import Exp as Exp
    from ntkverify.activations import Gaussian as Gaussian
    from ntkverify.activations import Hermite as Hermite
    from ntkverify.activations import LeakyReLU as LeakyReLU
    from ntkverify.activations import Monomial as Monomial
    from ntkverify.activations import RectifiedMonomial as RectifiedMonomial
    from ntkverify.activations import ReLU as ReLU
    from ntkverify.activations import Sigmoid as Sigmoid
    from ntkverify.activations import Sign as Sign
    from ntkverify.activations import SiLU as SiLU
    from ntkverify.activations import Sin as Sin
    from ntkverify.activations import Tanh as Tanh
    from ntkverify.analytic import nngp as nngp
    from ntkverify.analytic import nngp_diagonal as nngp_diagonal
    from ntkverify.analytic import ntk as ntk
    from ntkverify.analytic import ntk_diagonal as ntk_diagonal
    from ntkverify.architecture import Architecture as Architecture
    from ntkverify.architecture import Linear as Linear
    from ntkverify.architecture import Sequential as Sequential
    from ntkverify.architecture import mlp as mlp
    from ntkverify.checking import check as check
    from ntkverify.checking import write_report as write_report
    from ntkverify.domain import Domain as Domain
    from ntkverify.empirical import empirical_ntk as empirical_ntk
    from ntkverify.empirical import ntk_operator as ntk_operator
    from ntkverify.findings import Finding as Finding
    from ntkverify.findings import Verdict as Verdict
    from ntkverify.gap import explain_gap as explain_gap
    from ntkverify.gap import explain_module_gap as explain_module_gap
    from ntkverify.maps import map_equivalence as map_equivalence
    from ntkverify.methods import GradientDescent as GradientDescent
    from ntkverify.methods import HeavyBall as HeavyBall
    from ntkverify.methods import Nesterov as Nesterov
    from ntkverify.networks import network as network
    from ntkverify.pytest_plugin.parametrize import parametrize_with_claims as parametrize_with_claims
    from ntkverify.subjects import BuiltinSubject as BuiltinSubject
    from ntkverify.subjects import KernelSubject as KernelSubject
    from ntkverify.subjects import ModuleSubject as ModuleSubject
    from ntkverify.subjects import Subject as Subject
    from ntkverify.training import train as train

_HOME = {
    "Linear": "architecture",
    "Sequential": "architecture",
    "Architecture": "architecture",
    "mlp": "architecture",
    "Domain": "domain",
    "GradientDescent": "methods",
    "HeavyBall": "methods",
    "Nesterov": "methods",
    "nngp": "analytic",
    "nngp_diagonal": "analytic",
    "ntk": "analytic",
    "ntk_diagonal": "analytic",
    "network": "networks",
    "empirical_ntk": "empirical",
    "ntk_operator": "empirical",
    "train": "training",
    "explain_gap": "gap",
    "explain_module_gap": "gap",
    "map_equivalence": "maps",
    "Finding": "findings",
    "Verdict": "findings",
    "Subject": "subjects",
    "BuiltinSubject": "subjects",
    "KernelSubject": "subjects",
    "ModuleSubject": "subjects",
    "check": "checking",
    "write_report": "checking",
    "parametrize_with_claims": "pytest_plugin.parametrize",
}
_MODULES = ("claims", "empirical", "maps", "predict", "sklearn", "stats", "strategies")
_EXTRAS = ("gpytorch",)
"""Modules that need what is not always installed, and so are not listed."""

if not TYPE_CHECKING:  # a checker that saw this would take every name for one that is there

    def __getattr__(name: str) -> object:
        """Public names are loaded when first used (PEP 562): pytest's plugin must not import torch."""
        if name == "__all__":
            return __dir__()
        if name in (*_MODULES, *_EXTRAS):
            return importlib.import_module(f"ntkverify.{name}")
        if name in _HOME:
            return getattr(importlib.import_module(f"ntkverify.{_HOME[name]}"), name)
        if name[0].isupper() and name in _activations():
            return _activations()[name]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*_HOME, *_MODULES, *_activations()]


def _activations() -> dict[str, object]:
    return importlib.import_module("ntkverify.activations").BY_NAME
