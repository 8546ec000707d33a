"""The axes along which scenarios vary. Imports nothing."""

from enum import StrEnum


class Axis(StrEnum):
    """The name of an axis, as a run's header and its report say it."""

    ACTIVATION = "activation"
    DATA = "data"
    WEIGHTS = "weight distribution"
    BIASES = "biases"
    LAYERS = "layers"
    RATES = "rates"
    METRIC = "metric of the inputs"
    MODULE = "torch module"
    DEPTH = "hidden layers"
    WIDTH = "width"
    POINTS = "number of points"
    DIMENSION = "input dimension"
    OUTPUTS = "outputs"
    STEPS = "training steps"
    STEP_SIZE = "step size"
    METHOD = "training method"
