"""What a layer is in a finite network. Shares no scaling code with `ntkverify.analytic`."""

from collections.abc import Callable
from functools import singledispatch
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from ntkverify.activations import Activation, Layer
from ntkverify.architecture import Linear
from ntkverify.errors import InvalidArgument
from ntkverify.networks.modules import Elementwise, NTKLinear, keep

Parameterization = Literal["ntk", "standard"]

DRAWS: dict[str, Callable[[np.random.Generator, tuple[int, int]], np.ndarray]] = {
    "gaussian": lambda stream, shape: stream.standard_normal(shape),
    "rademacher": lambda stream, shape: stream.choice([-1.0, 1.0], shape),
    "uniform": lambda stream, shape: stream.uniform(-(3**0.5), 3**0.5, shape),
    "ternary": lambda stream, shape: stream.choice([-(1.5**0.5), 0.0, 1.5**0.5], shape),
}
"""Weights of mean 0 and variance 1 from each distribution of `architecture.WEIGHTS`."""


@singledispatch
def build(
    layer: Layer, fan_in: int, fan_out: int, stream: np.random.Generator, parameterization: Parameterization
) -> nn.Module:
    """Makes the module that computes `layer` from `fan_in` to `fan_out` features, with weights from `stream`.

    Raises InvalidArgument for a layer of a type that is not registered.
    """
    raise InvalidArgument("layer", repr(layer), "a layer that has a network", "Register it with `build`.")


@build.register
def _(layer: Activation, *_: Any) -> nn.Module:
    return Elementwise(layer)


@build.register
def _(
    layer: Linear, fan_in: int, fan_out: int, stream: np.random.Generator, parameterization: Parameterization
) -> nn.Module:
    (weight_rate, bias_rate), has_bias = layer.rates, layer.bias_std > 0 or layer.rates[1] > 0
    weight = torch.from_numpy(DRAWS[layer.weights](stream, (fan_out, fan_in)))
    bias = torch.from_numpy(stream.standard_normal(fan_out)) if has_bias else None
    trained = weight_rate > 0, bias_rate > 0
    if parameterization == "ntk":
        start, scale = _start_and_scale(layer.weight_std, weight_rate)
        bias_start, bias_scale = _start_and_scale(layer.bias_std, bias_rate)
        bias = None if bias is None else bias_start * bias
        return NTKLinear(start * weight, bias, scale / fan_in**0.5, bias_scale, trained)
    module = nn.utils.skip_init(nn.Linear, fan_in, fan_out, bias=bias is not None, dtype=weight.dtype)
    bias = None if bias is None else layer.bias_std * bias
    keep(module, weight * (layer.weight_std / fan_in**0.5), bias, trained)
    return module


def _start_and_scale(std: float, rate: float) -> tuple[float, float]:
    """Returns the deviation of a parameter at the start, and what it is multiplied by; it is drawn as it is, and
    multiplied by `std`, where it moves as far as it is spread, or not at all."""
    return (1.0, std) if rate in (0.0, std**2) else (std / rate**0.5, rate**0.5)
