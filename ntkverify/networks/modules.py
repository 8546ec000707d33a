"""The torch modules that networks consist of, and what is built from whole ones."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ntkverify.activations import Activation


class NTKLinear(nn.Module):
    """Computes weight_scale W x + bias_scale b: (n, fan_in) -> (n, fan_out).

    weight (fan_out, fan_in), bias (fan_out,) or None: parameters, or buffers where `trained` says that they are not.
    In NTK parameterisation their entries have variance 1 at the start, weight_scale is weight_std / sqrt(fan_in)
    and bias_scale bias_std.
    """

    weight: Tensor
    bias: Tensor | None

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None,
        weight_scale: float,
        bias_scale: float,
        trained: tuple[bool, bool] = (True, True),
    ):
        super().__init__()
        self.weight_scale, self.bias_scale = weight_scale, bias_scale
        keep(self, weight, bias, trained)

    def forward(self, x: Tensor) -> Tensor:
        bias = None if self.bias is None else self.bias_scale * self.bias
        # Scaling the few activations is cheaper than scaling fan_out x fan_in weights.
        return nn.functional.linear(self.weight_scale * x, self.weight, bias)


def keep(module: nn.Module, weight: Tensor, bias: Tensor | None, trained: tuple[bool, bool]) -> None:
    """Gives a linear module its weight and bias, as parameters or as buffers."""
    for name, value, moves in zip(("weight", "bias"), (weight, bias), trained, strict=True):
        if value is None or moves:
            module.register_parameter(name, None if value is None else nn.Parameter(value))
        else:
            module._parameters.pop(name, None)
            module.register_buffer(name, value)


class InMetric(nn.Module):
    """Multiplies inputs (n, d) by the symmetric root of a metric M: plain inner products behind it are x^T M y."""

    root: Tensor

    def __init__(self, metric: Sequence[Sequence[float]]):
        super().__init__()
        rows = torch.tensor(metric, dtype=torch.float64)
        values, vectors = torch.linalg.eigh(torch.diag(rows[0]) if len(rows) == 1 else rows)
        self.register_buffer("root", vectors * values.sqrt() @ vectors.T)

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.root


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


class Scaled(nn.Module):
    """A constant times a network."""

    def __init__(self, net: nn.Module, scale: float):
        super().__init__()
        self.net, self.scale = net, scale

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * self.net(x)
