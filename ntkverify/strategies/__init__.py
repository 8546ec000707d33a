"""What scenarios are drawn, as values that print and draw. Each lists the simplest first, and widths from the
largest: Hypothesis shrinks toward the first, and a failure at width 4096 says more than one at 16.
"""

from ntkverify.strategies.layers import ANY_LAYERS, RATES, Metrics
from ntkverify.strategies.modules import ModuleScenarios
from ntkverify.strategies.networks import (
    ACTIVATIONS,
    ANY_ACTIVATION,
    BUDGET_WIDTHS,
    CLOSED_FORMS,
    HARD_SOURCES,
    MODERATE,
    SOURCES,
    BudgetWidths,
    Scenarios,
    Trainings,
)
from ntkverify.strategies.spaces import Either, Space, own_inputs

__all__ = [
    "ACTIVATIONS",
    "ANY_ACTIVATION",
    "ANY_LAYERS",
    "BUDGET_WIDTHS",
    "CLOSED_FORMS",
    "HARD_SOURCES",
    "MODERATE",
    "RATES",
    "SOURCES",
    "BudgetWidths",
    "Either",
    "Metrics",
    "ModuleScenarios",
    "Scenarios",
    "Space",
    "Trainings",
    "own_inputs",
]
