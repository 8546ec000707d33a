"""The finite torch network of an architecture. Shares no scaling code with `ntkverify.analytic`."""

import copy
import itertools
from collections.abc import Callable, Sequence
from functools import singledispatch
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from ntkverify.activations import Activation, Layer
from ntkverify.architecture import Architecture, Linear
from ntkverify.errors import InvalidArgument
from ntkverify.lazy import lazy_linear
from ntkverify.seeds import derive

Parameterization = Literal["ntk", "standard"]
Storage = Literal["dense", "lazy", "auto"]

MOST_DENSE = 2**31
"""Bytes that the weights between hidden layers, their gradients and velocities may take with weights="auto"."""

LAZY_OPTIONS = ("ntk", torch.float64, "cpu")
"""Parameterisation, dtype and kind of device of lazy weights."""

DRAWS: dict[str, Callable[[np.random.Generator, tuple[int, int]], np.ndarray]] = {
    "gaussian": lambda stream, shape: stream.standard_normal(shape),
    "rademacher": lambda stream, shape: stream.choice([-1.0, 1.0], shape),
    "uniform": lambda stream, shape: stream.uniform(-(3**0.5), 3**0.5, shape),
    "ternary": lambda stream, shape: stream.choice([-(1.5**0.5), 0.0, 1.5**0.5], shape),
}
"""Weights of mean 0 and variance 1 from each distribution of `architecture.WEIGHTS`."""


class NTKLinear(nn.Module):
    """Computes weight_std / sqrt(fan_in) W x + bias_std b: (n, fan_in) -> (n, fan_out).

    Entries of W (fan_out, fan_in) and b (fan_out,) have variance 1 at initialisation.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, weight_std: float, bias_std: float):
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.bias = None if bias is None else nn.Parameter(bias)
        self.weight_scale, self.bias_scale = weight_std / weight.shape[1] ** 0.5, bias_std

    def forward(self, x: Tensor) -> Tensor:
        bias = None if self.bias is None else self.bias_scale * self.bias
        # Scaling the few activations is cheaper than scaling fan_out x fan_in weights.
        return nn.functional.linear(self.weight_scale * x, self.weight, bias)


class Elementwise(nn.Module):
    """Applies an activation to every entry."""

    def __init__(self, activation: Activation):
        super().__init__()
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(x)

    def extra_repr(self) -> str:
        return repr(self.activation)


class Antisymmetric(nn.Module):
    """Computes (f(x; w1) - f(x; w2)) / sqrt 2, both started at the weights of `net`: 0 then, with its NTK.

    Source: Zhang, Xu, Luo & Ma 2020, "antisymmetrical initialisation".
    """

    def __init__(self, net: nn.Module):
        super().__init__()
        self.plus, self.minus = net, copy.deepcopy(net)

    def forward(self, x: Tensor) -> Tensor:
        return (self.plus(x) - self.minus(x)) / 2**0.5


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
    widths, layers, where = _hidden_widths(arch, width), arch.walk(), _device(device)
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise InvalidArgument("dtype", repr(dtype), "a floating-point dtype of torch", "Pass torch.float64.")
    options = parameterization, dtype, where.type
    lazy = _draws_lazily(weights, arch, widths, options)
    sizes = iter([arch.inputs, *widths, arch.outputs])
    fan_in = next(sizes)
    modules: list[nn.Module] = []
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


def _hidden_widths(arch: Architecture, width: int | Sequence[int]) -> list[int]:
    widths = list(width) if isinstance(width, Sequence) else [width] * arch.depth
    whole = all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) and n >= 1 for n in widths)
    if len(widths) != arch.depth or not whole:
        expected = f"an integer >= 1, or {arch.depth} of them, one per hidden layer"
        raise InvalidArgument(
            "width", repr(width), expected, "Pass one width for all hidden layers, or one each."
        )
    return [int(n) for n in widths]


def _draws_lazily(weights: str, arch: Architecture, widths: list[int], options: tuple) -> bool:
    if weights not in ("dense", "lazy", "auto"):
        raise InvalidArgument("weights", repr(weights), "'dense', 'lazy' or 'auto'", "Choose one.")
    if weights == "lazy" and options != LAZY_OPTIONS:
        got, expected = ("{} parameterisation in {} on {}".format(*some) for some in (options, LAZY_OPTIONS))
        raise InvalidArgument(
            "weights", f"'lazy' with {got}", expected, 'Leave those options out, or use weights="dense".'
        )
    numbers = 3 * sum(n * m for n, m in itertools.pairwise(widths))
    can_be = options == LAZY_OPTIONS and all(linear.weights == "gaussian" for linear in arch.linears[1:-1])
    return weights == "lazy" or (weights == "auto" and can_be and 8 * numbers > MOST_DENSE)


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
    weight = torch.from_numpy(DRAWS[layer.weights](stream, (fan_out, fan_in)))
    bias = torch.from_numpy(stream.standard_normal(fan_out)) if layer.bias_std > 0 else None
    if parameterization == "ntk":
        return NTKLinear(weight, bias, layer.weight_std, layer.bias_std)
    module = nn.utils.skip_init(nn.Linear, fan_in, fan_out, bias=bias is not None, dtype=weight.dtype)
    module.weight = nn.Parameter(weight * (layer.weight_std / fan_in**0.5))
    if bias is not None:
        module.bias = nn.Parameter(bias * layer.bias_std)
    return module
