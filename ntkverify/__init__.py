"""ntkverify: does a wide network equal kernel regression with its neural tangent kernel?"""

import importlib

_ACTIVATIONS = """ReLU LeakyReLU ABReLU Abs RectifiedMonomial Sign Erf GELU Sin Cos RBF Exp Gaussian Monomial
Hermite Tanh Sigmoid SiLU Custom""".split()
_HOME = dict.fromkeys(_ACTIVATIONS, "activations") | {
    "Linear": "architecture",
    "Sequential": "architecture",
    "Architecture": "architecture",
    "mlp": "architecture",
    "GradientDescent": "methods",
    "HeavyBall": "methods",
    "Nesterov": "methods",
    "nngp": "analytic",
    "ntk": "analytic",
    "network": "networks",
    "empirical_ntk": "empirical",
    "ntk_operator": "empirical",
    "train": "training",
    "explain_gap": "gap",
    "explain_module_gap": "gap",
    "map_equivalence": "maps",
    "BuiltinSubject": "subjects",
    "KernelSubject": "subjects",
    "ModuleSubject": "subjects",
    "check": "checking",
    "write_report": "checking",
    "parametrize_with_claims": "pytest_plugin.parametrize",
}
_MODULES = ("claims", "empirical", "maps", "predict", "stats", "strategies")

__all__ = [*_HOME, *_MODULES]


def __getattr__(name: str):
    """Public names are loaded when first used (PEP 562): pytest's plugin must not import torch."""
    if name in _MODULES:
        return importlib.import_module(f"ntkverify.{name}")
    if name in _HOME:
        return getattr(importlib.import_module(f"ntkverify.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
