"""What a scenario's record says along each axis of the space of scenarios."""

import itertools
from collections.abc import Callable, Iterable
from typing import Any

from ntkverify.axes import Axis

Record = dict[str, Any]
Values = Iterable[str | float]


LINEAR: Record = {
    "weight_std": 1.0,
    "bias_std": 0.0,
    "weights": "gaussian",
    "weight_rate": None,
    "bias_rate": None,
}
MODULE: Record = {"outputs": 1, "bias": True, "activation": "relu", "dtype": "float64"}
"""What a record leaves out of a Linear layer, and of a torch module, that stands at its default."""


def layers(scenario: Record) -> list[Record]:
    """Returns the layers with nested Sequentials unpacked; none where there is no architecture."""
    found, waiting = [], [scenario["architecture"]["layers"]] if scenario.get("architecture") else []
    while waiting:
        layer = waiting.pop(0)
        if layer["type"] == "Sequential":
            waiting = [*layer["layers"], *waiting]
        else:
            found.append(layer)
    return found


def _linears(scenario: Record) -> list[Record]:
    return [LINEAR | layer for layer in layers(scenario) if layer["type"] == "Linear"]


def _module(scenario: Record) -> Record | None:
    return MODULE | scenario["module"] if scenario.get("module") else None


def activations(scenario: Record) -> set[str]:
    """Returns the names of the activations; for a torch module, that of its own."""
    if module := _module(scenario):
        return {f"module {module['activation']}"}
    return {layer["type"] for layer in layers(scenario)} - {"Linear"}


def depths(scenario: Record) -> list[int]:
    """Returns the number of hidden layers; nothing where no architecture says it."""
    return [len(_linears(scenario)) - 1] if scenario.get("architecture") else []


def widths(scenario: Record) -> list[int]:
    """Returns the units per hidden layer, largest first; nothing for the limit."""
    return [scenario["module"]["width"]] if scenario.get("module") else list(scenario.get("widths", ()))


def _biases(scenario: Record) -> set[str]:
    has_bias = [bool(layer["bias_std"] or layer["bias_rate"]) for layer in _linears(scenario)]
    if module := _module(scenario):
        has_bias = [module["bias"]]
    return {"with" if any(has_bias) else "without"} if has_bias else set()


def _layers(scenario: Record) -> set[str]:
    """Says how layers differ from one another, but for rates and a last layer that starts at zero."""
    linears = _linears(scenario)
    if len(linears) < 2:
        return set()
    numbers = {(layer["weight_std"], layer["bias_std"]) for layer in linears if layer["weight_std"]}
    kinds = [layer["type"] for layer in layers(scenario)]
    found = {"unlike numbers"} if len(numbers) > 1 else set()
    found |= {"unlike activations"} if len({kind for kind in kinds if kind != "Linear"}) > 1 else set()
    found |= {"no activation between"} if ("Linear", "Linear") in itertools.pairwise(kinds) else set()
    return found or {"alike"}


def _rates(scenario: Record) -> set[str]:
    """Says how parameters move: as they are spread at the start, at rates of their own, not at all, or from zero."""
    found = set()
    for layer in _linears(scenario):
        for std, rate in ((layer[f"{part}_std"], layer[f"{part}_rate"]) for part in ("weight", "bias")):
            moves = "own" if rate and std else "from zero" if rate else "frozen"
            found.add("as spread" if rate is None else moves)
    return found


def _metric(scenario: Record) -> set[str]:
    arch = scenario.get("architecture")
    rows = arch.get("metric") if arch else None
    return {"none" if not rows else "diagonal" if len(rows) == 1 else "full"} if arch else set()


def _weights(scenario: Record) -> set[str]:
    return {layer["weights"] for layer in _linears(scenario)}


def _outputs(scenario: Record) -> list[int]:
    described = scenario.get("module") or scenario.get("architecture")
    return [described.get("outputs", 1)] if described else []


def _training_setting(name: str) -> Callable[[Record], Values]:
    return lambda scenario: [scenario["training"][name]] if scenario.get("training") else []


def _method(scenario: Record) -> set[str]:
    training = scenario.get("training")
    return {training.get("method", {"type": "GradientDescent"})["type"]} if training else set()


AXES: dict[Axis, Callable[[Record], Values]] = {
    Axis.ACTIVATION: activations,
    Axis.DATA: lambda scenario: {scenario["points"]["source"]},
    Axis.WEIGHTS: _weights,
    Axis.BIASES: _biases,
    Axis.LAYERS: _layers,
    Axis.RATES: _rates,
    Axis.METRIC: _metric,
    Axis.MODULE: lambda scenario: {scenario["module"]["kind"]} if scenario.get("module") else set(),
    Axis.DEPTH: depths,
    Axis.WIDTH: widths,
    Axis.POINTS: lambda scenario: [scenario["points"]["count"]],
    Axis.DIMENSION: lambda scenario: [scenario["points"]["dimension"]],
    Axis.OUTPUTS: _outputs,
    Axis.STEPS: _training_setting("steps"),
    Axis.STEP_SIZE: _training_setting("step_size"),
    Axis.METHOD: _method,
}
"""The values that a scenario takes along each axis; a run's header says under the same names which exist."""
