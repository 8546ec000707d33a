"""What a scenario's record says along each axis of the space of scenarios."""

from collections.abc import Callable, Iterable
from typing import Any

Record = dict[str, Any]
Values = Iterable[str | float]


def layers(scenario: Record) -> list[Record]:
    """The layers with nested Sequentials unpacked."""
    found, waiting = [], [scenario["architecture"]["layers"]]
    while waiting:
        layer = waiting.pop(0)
        if layer["type"] == "Sequential":
            waiting = [*layer["layers"], *waiting]
        else:
            found.append(layer)
    return found


def _linears(scenario: Record) -> list[Record]:
    return [layer for layer in layers(scenario) if layer["type"] == "Linear"]


def activations(scenario: Record) -> set[str]:
    """Names of the activations; of a torch module, its own."""
    if scenario.get("module"):
        return {f"module {scenario['module']['activation']}"}
    return {layer["type"] for layer in layers(scenario)} - {"Linear"}


def depths(scenario: Record) -> list[int]:
    """The number of hidden layers; none for a torch module, which has its own."""
    return [] if scenario.get("module") else [len(_linears(scenario)) - 1]


def widths(scenario: Record) -> list[int]:
    """Units per hidden layer, largest first; none for the limit."""
    return [scenario["module"]["width"]] if scenario.get("module") else list(scenario["widths"])


def _biases(scenario: Record) -> set[str]:
    if scenario.get("module"):
        return {"with" if scenario["module"]["bias"] else "without"}
    return {"with" if any(layer["bias_std"] for layer in _linears(scenario)) else "without"}


def _weights(scenario: Record) -> set[str]:
    return set() if scenario.get("module") else {layer["weights"] for layer in _linears(scenario)}


def _outputs(scenario: Record) -> list[int]:
    return [(scenario.get("module") or scenario["architecture"])["outputs"]]


def _of_training(name: str) -> Callable[[Record], Values]:
    return lambda scenario: [scenario["training"][name]] if scenario["training"] else []


def _momentum(scenario: Record) -> set[str]:
    training = scenario["training"]
    if not training:
        return set()
    kind = "Nesterov" if training.get("nesterov") else "heavy ball"
    return {kind if training.get("momentum") else "none"}


AXES: dict[str, Callable[[Record], Values]] = {
    "activation": activations,
    "data": lambda scenario: {scenario["points"]["source"]},
    "weight distribution": _weights,
    "biases": _biases,
    "torch module": lambda scenario: {scenario["module"]["kind"]} if scenario.get("module") else set(),
    "hidden layers": depths,
    "width": widths,
    "number of points": lambda scenario: [scenario["points"]["count"]],
    "input dimension": lambda scenario: [scenario["points"]["dimension"]],
    "outputs": _outputs,
    "training steps": _of_training("steps"),
    "step size": _of_training("step_size"),
    "momentum": _momentum,
}
"""The values that a scenario takes along each axis; a run's header says under the same names which exist."""
