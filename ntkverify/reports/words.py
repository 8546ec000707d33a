"""Scenarios and measurements in words."""

import itertools
import math
from typing import Any

from ntkverify.findings import Measurement, Verdict
from ntkverify.reports.reading import LINEAR, MODULE, layers


def scenario_in_words(scenario: dict[str, Any]) -> str:
    """Returns the scenario of a finding's record as a sentence."""
    if not scenario:
        return "none: it crashed before one was drawn."
    points, module, stack = scenario["points"], scenario.get("module"), layers(scenario)
    count = points["count"]
    text = f"{_count(count, points['source'] + ' point')} of dimension {points['dimension']}"
    text += _domain(points.get("domain"))
    if module:
        text += f"; {_module(module)}"
    if stack:
        text += f"; layers: {_stack(stack)}"
    if rows := (scenario.get("architecture") or {}).get("metric"):
        text += f"; inner products of inputs in a {'diagonal' if len(rows) == 1 else 'full'} metric"
    if scenario.get("widths"):
        text += f"; widths {', '.join(map(str, scenario['widths']))}"
    if scenario.get("profile"):
        text += f"; hidden layers of {', '.join(str(n or 'that many') for n in scenario['profile'])} units"
    if scenario.get("training"):
        training = scenario["training"]
        text += (
            f"; {_count(training['steps'], 'step')} of {_method(training)} at {training['step_size']:g} of the"
            f" largest stable learning rate, {_count(training['test_points'], 'point')} held out"
        )
    return text + "."


def _domain(domain: dict[str, Any] | None) -> str:
    """Says what of a domain is not as usual."""
    if not domain:
        return ""
    parts = ["of norm 1"] if domain.get("unit_norm") else []
    if "norms" in domain and not parts:
        parts.append("of norms {:g} to {:g}".format(*domain["norms"]))
    if domain.get("closest_angle"):
        parts.append(f"no two nearer to parallel than {domain['closest_angle']:g} rad")
    if domain.get("dtype"):
        parts.append(f"in {domain['dtype']}")
    return "".join(f", {part}" for part in parts)


def _method(training: dict[str, Any]) -> str:
    method = dict(training.get("method", {}))
    settings = ", ".join(f"{name}={value:g}" for name, value in method.items() if name != "type")
    return f"{method['type']}({settings})" if method else "gradient descent"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' * (number != 1)}"


def _module(module: dict[str, Any]) -> str:
    module = MODULE | module
    bias = "" if module["bias"] else ", no bias"
    return (
        f"a {module['kind']} module of width {module['width']} with {module['outputs']} outputs,"
        f" {module['activation']}{bias}, {module['dtype']}"
    )


def _stack(stack: list[dict[str, Any]]) -> str:
    """Names the layers from first to last, a repeated pair once."""
    first, *rest = [_layer(layer) for layer in stack]
    pairs = [", ".join(rest[place : place + 2]) for place in range(0, len(rest), 2)]
    runs = [(pair, len(list(same))) for pair, same in itertools.groupby(pairs)]
    return ", ".join([first, *(f"{count} times ({pair})" if count > 1 else pair for pair, count in runs)])


def _layer(layer: dict[str, Any]) -> str:
    if layer["type"] == "Linear":
        layer = LINEAR | layer
        more = "" if layer["weights"] == "gaussian" else f", {layer['weights']}"
        for name in ("weight_rate", "bias_rate"):
            more += "" if layer[name] is None else f", {name}={layer[name]:.4g}"
        return f"Linear(weight_std={layer['weight_std']:.4g}, bias_std={layer['bias_std']:.4g}{more})"
    arguments = ", ".join(f"{name}={value}" for name, value in layer.items() if name != "type")
    return f"{layer['type']}({arguments})" if arguments else layer["type"]


def measurement_in_words(measurement: Measurement) -> str:
    """Says what was got, what was expected, and how far the number can be trusted."""
    if measurement.is_told and math.isnan(measurement.value):
        return f"{measurement.name}: {measurement.tolerance}."
    if measurement.is_told:
        between = " ({:.3g} to {:.3g})".format(*measurement.interval) if measurement.interval else ""
        return f"{measurement.name}: {measurement.value:.3g}{between}; {measurement.tolerance}."
    if measurement.witness and measurement.verdict is Verdict.FAILS:
        return "; ".join(measurement.lines) + "."
    text = f"{measurement.name}: got {measurement.value:.4g}, {_expected(*measurement.allowed)}"
    if measurement.interval:
        text += f"; interval {measurement.interval[0]:.4g} to {measurement.interval[1]:.4g}"
    if "slope" in measurement.series:
        text += f"; {law_in_words(measurement.series)}"
    if measurement.tolerance:
        text += f" ({measurement.tolerance})"
    if measurement.statistics:
        seen = measurement.statistics
        text += (
            f". {seen.samples} draws; a violation of {seen.visible:.3g} would have been seen with probability"
            f" {seen.power:g}; false-alarm rate {seen.level:.2g}; one of {seen.resolution:.3g} takes {seen.needed} draws"
        )
    return text + "."


def law_in_words(series: dict[str, tuple[float, ...]]) -> str:
    """Returns a fitted power law with its 95% intervals."""
    (slope, *slopes), (prefactor, *prefactors) = series["slope"], series["prefactor"]
    return (
        f"fitted {prefactor:.3g} ({prefactors[0]:.3g} to {prefactors[1]:.3g})"
        f" x width^{slope:.3g} ({slopes[0]:.3g} to {slopes[1]:.3g})"
    )


def _expected(low: float, high: float) -> str:
    if low == high:
        return f"expected {low:.4g}"
    if low == -float("inf"):
        return f"expected at most {high:.4g}"
    if high == float("inf"):
        return f"expected at least {low:.4g}"
    return f"expected {low:.4g} to {high:.4g}"


def duration(seconds: float) -> str:
    """Returns a time in words, such as "4 min 10 s"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
