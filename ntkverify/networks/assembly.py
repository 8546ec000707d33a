"""The finite torch network of an architecture. Shares no scaling code with `ntkverify.analytic`."""

import itertools
from collections.abc import Sequence
from typing import Literal

import torch
from torch import nn

from ntkverify.architecture import Architecture, Linear
from ntkverify.errors import InvalidArgument
from ntkverify.lazy import lazy_linear
from ntkverify.networks.layers import Parameterization, build
from ntkverify.networks.modules import InMetric
from ntkverify.seeds import derive

Storage = Literal["dense", "lazy", "auto"]

MOST_DENSE = 2**31
"""Bytes that the weights between hidden layers, their gradients and velocities may take with weights="auto"."""

LAZY_OPTIONS = ("ntk", torch.float64, "cpu")
"""Parameterisation, dtype and kind of device of lazy weights."""


def network(
    arch: Architecture,
    width: int | Sequence[int],
    seed: int,
    *,
    parameterization: Parameterization = "ntk",
    weights: Storage = "dense",
    dtype: torch.dtype = torch.float64,
    device: torch.device | str = "cpu",
) -> nn.Sequential:
    """Makes a freshly initialised network (n, inputs) -> (n, outputs), the same for the same seed.

    width: units in every hidden layer, or one number per hidden layer. The same seed draws the
    same numbers in both parameterisations, dtypes and devices, so the functions agree to rounding.
    parameterization: "ntk" realises the layers' rates with one learning rate for all: it computes
    sqrt(weight_rate / fan_in) W x + sqrt(bias_rate) b, W ~ N(0, weight_std^2 / weight_rate) and
    b ~ N(0, bias_std^2 / bias_rate). "standard" stores weights as they are, so that rates are those of
    `Architecture.standard`. What has the rate 0 is a buffer, in both.
    weights: "lazy" draws those between hidden layers only where they are asked: the same law at memory linear
    in the width, for training on few points (see `ntkverify.lazy`), and the same numbers as long as the same
    is asked; only Gaussian ones, in NTK parameterisation, float64 and on the CPU. "auto" does so where it can
    and "dense" would take more than MOST_DENSE.
    Raises InvalidArgument for widths or options that make no network.
    """
    if not isinstance(arch, Architecture):
        raise InvalidArgument("arch", repr(arch), "an Architecture", "Build one with ntkverify.mlp(...).")
    if parameterization not in ("ntk", "standard"):
        raise InvalidArgument(
            "parameterization", repr(parameterization), "'ntk' or 'standard'", "Choose one."
        )
    widths, layers, where = arch.hidden_widths(width), arch.walk(), _device(device)
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise InvalidArgument("dtype", repr(dtype), "a floating-point dtype of torch", "Pass torch.float64.")
    options = parameterization, dtype, where.type
    lazy = _draws_lazily(weights, arch, widths, options)
    sizes = iter([arch.inputs, *widths, arch.outputs])
    fan_in = next(sizes)
    modules: list[nn.Module] = [] if arch.metric is None else [InMetric(arch.metric)]
    for index, layer in enumerate(layers):
        fan_out = next(sizes) if isinstance(layer, Linear) else fan_in
        if lazy and isinstance(layer, Linear) and 0 < index < len(layers) - 1:
            modules.append(lazy_linear(layer, fan_in, fan_out, seed, "network", index))
        else:
            stream = derive(seed, "network", index)
            modules.append(build(layer, fan_in, fan_out, stream, parameterization))
        fan_in = fan_out
    return nn.Sequential(*modules).to(dtype=dtype, device=where)


def _device(device: torch.device | str) -> torch.device:
    """Returns a device that is there; raises InvalidArgument for another."""
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except Exception as error:  # of many types, by what torch was built with
        got = f"{device!r} ({str(error).splitlines()[0]})"
        raise InvalidArgument("device", got, "a device of this machine", 'Try device="cpu".') from error
    return found


def _draws_lazily(weights: str, arch: Architecture, widths: list[int], options: tuple) -> bool:
    if weights not in ("dense", "lazy", "auto"):
        raise InvalidArgument("weights", repr(weights), "'dense', 'lazy' or 'auto'", "Choose one.")
    if weights == "lazy" and options != LAZY_OPTIONS:
        got, expected = ("{} parameterisation in {} on {}".format(*some) for some in (options, LAZY_OPTIONS))
        raise InvalidArgument(
            "weights", f"'lazy' with {got}", expected, 'Leave those options out, or use weights="dense".'
        )
    numbers = 3 * sum(n * m for n, m in itertools.pairwise(widths))
    can_be = options == LAZY_OPTIONS and all(
        linear.weights == "gaussian" and linear.weight_rate is linear.bias_rate is None
        for linear in arch.linears[1:-1]
    )
    return weights == "lazy" or (weights == "auto" and can_be and 8 * numbers > MOST_DENSE)
