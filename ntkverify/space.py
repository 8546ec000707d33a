"""The space of scenarios that exist, as plain JSON: what a run never tried is the rest of it."""

from typing import Any

from ntkverify.activations import BY_NAME
from ntkverify.architecture import WEIGHTS
from ntkverify.data import GENERATED, REAL
from ntkverify.recipes import ACTIVATIONS, KINDS


def space() -> dict[str, dict[str, Any]]:
    """Each axis with its `values`, or with the `least` number on it and the `most`, None where there is none.

    A step size is a share of the largest stable one; "module tanh" is the activation of a torch module.
    """
    return {
        "activation": {"values": [*BY_NAME, *(f"module {name}" for name in ACTIVATIONS)]},
        "data": {"values": [*GENERATED, *REAL]},
        "weight distribution": {"values": list(WEIGHTS)},
        "biases": {"values": ["with", "without"]},
        "torch module": {"values": list(KINDS)},
        "hidden layers": {"least": 0, "most": None},
        "width": {"least": 1, "most": None},
        "number of points": {"least": 1, "most": None},
        "input dimension": {"least": 1, "most": None},
        "outputs": {"least": 1, "most": None},
        "training steps": {"least": 1, "most": None},
        "step size": {"least": 0.0, "most": None},
        "momentum": {"values": ["none", "heavy ball", "Nesterov"]},
    }
