"""The space of scenarios that exist, as plain JSON: what a run never tried is the rest of it."""

from typing import Any

from ntkverify.activations import BY_NAME
from ntkverify.architecture import WEIGHTS
from ntkverify.axes import Axis
from ntkverify.data import GENERATED, REAL
from ntkverify.methods import KNOWN
from ntkverify.recipes import ACTIVATIONS, KINDS


def space() -> dict[Axis, dict[str, Any]]:
    """Each axis with its `values`, or with the `least` number on it and the `most`, None where there is none.

    A step size is a share of the largest stable one; "module tanh" is the activation of a torch module.
    """
    return {
        Axis.ACTIVATION: {"values": [*BY_NAME, *(f"module {name}" for name in ACTIVATIONS)]},
        Axis.DATA: {"values": [*GENERATED, *REAL]},
        Axis.WEIGHTS: {"values": list(WEIGHTS)},
        Axis.BIASES: {"values": ["with", "without"]},
        Axis.LAYERS: {"values": ["alike", "unlike numbers", "unlike activations", "no activation between"]},
        Axis.RATES: {"values": ["as spread", "own", "frozen", "from zero"]},
        Axis.METRIC: {"values": ["none", "diagonal", "full"]},
        Axis.MODULE: {"values": list(KINDS)},
        Axis.DEPTH: {"least": 0, "most": None},
        Axis.WIDTH: {"least": 1, "most": None},
        Axis.POINTS: {"least": 1, "most": None},
        Axis.DIMENSION: {"least": 1, "most": None},
        Axis.OUTPUTS: {"least": 1, "most": None},
        Axis.STEPS: {"least": 1, "most": None},
        Axis.STEP_SIZE: {"least": 0.0, "most": None},
        Axis.METHOD: {"values": [method.__name__ for method in KNOWN]},
    }
