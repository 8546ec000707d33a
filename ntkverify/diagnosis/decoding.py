"""Fitted numbers as an architecture to paste, and in words."""

import dataclasses
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from ntkverify.activations import Activation
from ntkverify.activations.numeric import Numeric
from ntkverify.architecture import Architecture, Linear, Sequential
from ntkverify.diagnosis.fitting import Fit

SNAP = 1e-4
"""Relative distance to a simple number within which it is tried."""

NOTHING = 1e-6
"""What may stand for 0 where 0 does as well."""

DENOMINATORS = (1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 16, 20, 25, 32, 64, 100)


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A Linear layer's variances at the start and rates, as numbers. weights, biases: variances; moving, drifting: the
    rates of weights and of biases."""

    weights: float
    biases: float
    moving: float
    drifting: float

    @property
    def text(self) -> str:
        """Writes the layer as code."""
        arguments = [root(self.weights)]
        if self.biases:
            arguments.append(root(self.biases))
        if not math.isclose(self.moving, self.weights, rel_tol=1e-9):
            arguments.append(f"weight_rate={self.moving:.10g}")
        if not math.isclose(self.drifting, self.biases, rel_tol=1e-9):
            arguments.append(f"bias_rate={self.drifting:.10g}")
        return f"nv.Linear({', '.join(arguments)})"

    @property
    def layer(self) -> Linear:
        """Makes the layer."""
        return Linear(self.weights**0.5, self.biases**0.5, weight_rate=self.moving, bias_rate=self.drifting)


def decoded(fit: Fit, arch: Architecture, name: str, right: Callable[[list[Layer]], bool]) -> list[Layer]:
    """Returns the Linear layers of a fit, with simple numbers where `right` says that they do as well.

    Of the NTK, the variance of the last layer's weights is free: that is taken with which most is as was claimed.
    """
    known = claimed_layers(arch, fit.structure.depth + 1)
    if name == "NNGP":
        last = (fit.coefficients[0], fit.coefficients[1])
        raw = [Layer(weights=w, biases=v, moving=w, drifting=v) for w, v in (*fit.numbers, last)]
        choices = [raw]
    else:
        choices = [_with_last(fit, weights) for weights in _lasts(fit, known)]
    inputs = arch.inputs
    best = min(choices, key=lambda layers: _cost(layers, known))
    simple = [
        _simplified(layer, was, inputs if place == 0 else 1)
        for place, (layer, was) in enumerate(zip(best, known, strict=True))
    ]
    return simple if right(simple) else best


def claimed_layers(arch: Architecture, count: int) -> list[Layer]:
    """Returns the claimed layers, the last hidden one repeated where more are asked for."""
    layers = [
        Layer(weights=one.weight_std**2, biases=one.bias_std**2, moving=one.rates[0], drifting=one.rates[1])
        for one in arch.linears
    ]
    *hidden, last = layers
    repeated = hidden[-1] if hidden else last
    return [*(hidden + [repeated] * count)[: count - 1], last]


def _lasts(fit: Fit, known: list[Layer]) -> Iterator[float]:
    """Yields variances that the last layer's weights may have."""
    yield known[-1].weights
    moving = fit.coefficients[::2]
    yield moving[-1]
    for place, (coefficient, was) in enumerate(zip(moving[:-1], known[:-1], strict=True)):
        above = math.prod(weights for weights, _ in fit.numbers[place + 1 :])
        for rate in (was.moving, fit.numbers[place][0]):
            if rate and above:
                yield coefficient / (rate * above)


def _with_last(fit: Fit, weights: float) -> list[Layer]:
    weights = weights if weights > 0 else 1.0
    moving, drifting = fit.coefficients[::2], fit.coefficients[1::2]
    numbers = [*fit.numbers, (weights, drifting[-1])]  # what its biases start at does not show in an NTK
    above = [math.prod(one for one, _ in numbers[place + 1 :]) or 1.0 for place in range(len(numbers))]
    return [
        Layer(weights=w, biases=v, moving=r / over, drifting=s / over)
        for (w, v), r, s, over in zip(numbers, moving, drifting, above, strict=True)
    ]


def same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=SNAP, abs_tol=SNAP * SNAP)


def _cost(layers: list[Layer], known: list[Layer]) -> int:
    return sum(len(changes(layer, was)) for layer, was in zip(layers, known, strict=True))


def changes(layer: Layer, was: Layer) -> list[str]:
    """Names the numbers that differ; a rate that follows the start, as before, is no change of its own."""
    changed = [name for name in ("weights", "biases") if not same(getattr(layer, name), getattr(was, name))]
    for rate, start in (("moving", "weights"), ("drifting", "biases")):
        new, old = getattr(layer, rate), getattr(was, rate)
        follows = same(new, getattr(layer, start)) and same(old, getattr(was, start))
        if not follows and not same(new, old):
            changed.append(rate)
    return changed


def _simplified(layer: Layer, was: Layer, inputs: int) -> Layer:
    weights = _simple(layer.weights, was.weights, inputs)
    biases = _simple(layer.biases, was.biases, 1)
    moving = weights if same(layer.moving, layer.weights) else _simple(layer.moving, was.moving, inputs)
    drifting = biases if same(layer.drifting, layer.biases) else _simple(layer.drifting, was.drifting, 1)
    return Layer(weights=weights, biases=biases, moving=moving, drifting=drifting)


def _simple(value: float, was: float, inputs: int) -> float:
    """Returns the simplest number near a value: what was claimed, 0, a fraction, or one times inputs, pi or 1 / pi."""
    if same(value, was):
        return was
    if abs(value) < NOTHING * max(1.0, abs(was)):
        return 0.0
    for factor in (1.0, float(inputs), 1.0 / inputs, was or 1.0, math.pi, 1 / math.pi):
        for denominator in DENOMINATORS:
            rounded = round(value / factor * denominator)
            simple = rounded * factor / denominator
            if 0 < rounded <= 64 and math.isclose(simple, value, rel_tol=SNAP):
                return simple
    return value


def root(variance: float) -> str:
    """Writes the root of a variance as code."""
    root = variance**0.5
    for text in (f"{root:.6g}", f"{variance:.6g}**0.5"):
        if math.isclose(eval(text, {"__builtins__": {}}), root, rel_tol=1e-12):
            return text
    return f"{root:.12g}"


def pasted(fit: Fit, arch: Architecture, layers: list[Layer]) -> str:
    """Writes the architecture as code."""
    following = iter(layers)
    parts = [
        _code(layer) if isinstance(layer, Activation) else next(following).text
        for layer in fit.structure.layers
    ]
    more = "" if arch.metric is None else f", metric={arch.metric!r}"
    return f"nv.Architecture(inputs={arch.inputs}, layers=nv.Sequential({', '.join(parts)}){more})"


def _code(activation: Activation) -> str:
    """Writes an activation; its accuracy, which the search chose, is left out."""
    shown = [
        repr(getattr(activation, field.name))
        for field in dataclasses.fields(cast(Any, activation))
        if field.name != "accuracy" or not isinstance(activation, Numeric)
    ]
    return f"nv.{type(activation).__name__}({', '.join(shown)})"


def made(fit: Fit, arch: Architecture, layers: list[Layer]) -> Architecture:
    """Makes the architecture."""
    following = iter(layers)
    parts = [
        layer if isinstance(layer, Activation) else next(following).layer for layer in fit.structure.layers
    ]
    return Architecture(inputs=arch.inputs, layers=Sequential(*parts), metric=arch.metric)
