"""What is known of each kind of layer: above all, what its parameters receive from one call of it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ntkverify.empirical.contraction import Outer, Piece, Rows, Sizes
from ntkverify.errors import InvalidArgument
from ntkverify.lazy import LazyLinear
from ntkverify.networks import NTKLinear

LinearLayer = nn.Linear | NTKLinear | LazyLinear
Convolution = nn.Conv1d | nn.Conv2d
LastAxesNorm = nn.LayerNorm | nn.RMSNorm
BatchNorm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d


def _outer(module: nn.Module, inputs: Tensor, gradients: Tensor) -> dict[str, Piece]:
    if inputs.dtype != gradients.dtype:  # a layer that was called in another precision than its inputs have
        dtype = torch.promote_types(inputs.dtype, gradients.dtype)
        inputs, gradients = inputs.to(dtype), gradients.to(dtype)
    # A bias is a weight whose input is constant; nothing is computed unless it stands alone.
    constant = inputs.new_full((1, 1, 1, 1), bias_scale(module)).expand(*inputs.shape[:3], 1)
    return {
        "weight": Outer(inputs=inputs, gradients=gradients),
        "bias": Outer(inputs=constant, gradients=gradients),
    }


def bias_scale(module: nn.Module) -> float:
    """Returns what a linear layer or a convolution multiplies its bias by."""
    return getattr(module, "bias_scale", 1.0)


def linear(module: LinearLayer, x: Tensor, g: Tensor) -> dict[str, Piece]:
    """Takes every vector in an example for a position."""
    inputs = x.reshape(len(x), -1, 1, x.shape[-1])
    scale = getattr(module, "weight_scale", 1.0)
    gradients = g.reshape(len(g), len(x), -1, 1, g.shape[-1])
    return _outer(module, inputs if scale == 1.0 else scale * inputs, gradients)


def convolution(module: Convolution, x: Tensor, g: Tensor) -> dict[str, Piece]:
    """Takes every output pixel for a position, whose inputs are the patch below it."""
    mode = "constant" if module.padding_mode == "zeros" else module.padding_mode
    x = F.pad(x, module._reversed_padding_repeated_twice, mode=mode)
    flat = len(module.kernel_size) == 1  # unfold knows images only
    one = (1,) if flat else ()
    patches = F.unfold(
        x.unsqueeze(2) if flat else x,
        (*one, *module.kernel_size),
        dilation=(*one, *module.dilation),
        stride=(*one, *module.stride),
    )
    inputs = patches.unflatten(1, (module.groups, -1)).permute(0, 3, 1, 2)
    gradients = g.flatten(3).unflatten(2, (module.groups, -1)).permute(0, 1, 4, 2, 3)
    return _outer(module, inputs, gradients)


def last_axes_norm(module: LastAxesNorm, x: Tensor, g: Tensor) -> dict[str, Piece]:
    """LayerNorm and RMSNorm have one scale and one shift for each of the last axes' entries."""
    shape = module.normalized_shape
    if isinstance(module, nn.LayerNorm):
        normal = F.layer_norm(x, shape, None, None, module.eps)
    else:
        normal = F.rms_norm(x, shape, None, module.eps)
    size = math.prod(shape)

    def summed(values: Tensor) -> Piece:
        return Rows(values=values.reshape(len(g), len(x), -1, size).sum(dim=2).transpose(0, 1))

    return {"weight": summed(g * normal), "bias": summed(g)}


def channel_norm(module: nn.GroupNorm | BatchNorm, x: Tensor, g: Tensor) -> dict[str, Piece]:
    """GroupNorm and BatchNorm, in evaluation mode, have one scale and one shift for each channel."""
    if isinstance(module, nn.GroupNorm):
        normal = F.group_norm(x, module.num_groups, None, None, module.eps)
    else:
        normal = F.batch_norm(x, module.running_mean, module.running_var, None, None, False, 0.0, module.eps)

    def summed(values: Tensor) -> Piece:
        return Rows(values=values.reshape(*values.shape[:3], -1).sum(dim=3).transpose(0, 1))

    return {"weight": summed(g * normal), "bias": summed(g)}


def _vector_shape(module: LinearLayer, shape: tuple[int, ...]) -> tuple[int, ...]:
    fan_out, fan_in = _fans(module)
    if shape[-1] != fan_in:
        remedy = "Pass inputs with as many features as the network has."
        raise InvalidArgument("inputs", f"{shape[-1]} features for {module}", f"{fan_in} of them", remedy)
    return (*shape[:-1], fan_out)


def _vector_sizes(module: LinearLayer, shape: tuple[int, ...]) -> Sizes:
    fan_out, fan_in = _fans(module)
    positions = math.prod(shape[1:-1])
    return Sizes(count=1, positions=positions, groups=1, fan_in=fan_in, fan_out=fan_out, outputs=1)


def _fans(module: LinearLayer) -> tuple[int, int]:
    fan_out, fan_in = module.fans if isinstance(module, LazyLinear) else module.weight.shape
    return fan_out, fan_in


def _pixel_sizes(module: Convolution, shape: tuple[int, ...]) -> Sizes:
    out, fan_in, *kernel = module.weight.shape
    return Sizes(
        count=1,
        positions=math.prod(shape[2:]),
        groups=module.groups,
        fan_in=fan_in * math.prod(kernel),
        fan_out=out // module.groups,
        outputs=1,
    )


M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True, kw_only=True)
class Rule(Generic[M]):
    """All that is known of a kind of layer.

    pieces: (module, inputs x (n, ...), gradients g (outputs, n, ...) at its outputs) -> a Piece by parameter.
    keeps_examples_apart: (module, x) -> whether the first axis of x cannot be one that the layer works on.
    sizes: (module, shape of its outputs) -> those of one example's gradient of the weight; None for layers whose
    parameters are too few to matter.
    output_shape: (module, shape of its inputs) -> that of its outputs, for layers that work on vectors whatever
    stands before their axis: chains of them need no check. None for others.
    """

    pieces: Callable[[M, Tensor, Tensor], dict[str, Piece]]
    keeps_examples_apart: Callable[[M, Tensor], bool]
    sizes: Callable[[M, tuple[int, ...]], Sizes] | None = None
    output_shape: Callable[[M, tuple[int, ...]], tuple[int, ...]] | None = None


LINEAR: Rule[LinearLayer] = Rule(
    pieces=linear,
    keeps_examples_apart=lambda module, x: x.ndim >= 2,
    sizes=_vector_sizes,
    output_shape=_vector_shape,
)
CONVOLUTION: Rule[Convolution] = Rule(
    pieces=convolution,
    keeps_examples_apart=lambda module, x: x.ndim == len(module.kernel_size) + 2,
    sizes=_pixel_sizes,
)
LAST_AXES_NORM: Rule[LastAxesNorm] = Rule(
    pieces=last_axes_norm,
    keeps_examples_apart=lambda module, x: x.ndim > len(module.normalized_shape),
)
GROUP_NORM: Rule[nn.GroupNorm] = Rule(pieces=channel_norm, keeps_examples_apart=lambda module, x: x.ndim >= 2)
BATCH_NORM: Rule[BatchNorm] = Rule(
    pieces=channel_norm,
    keeps_examples_apart=lambda module, x: (
        x.ndim >= 2 and not module.training and module.running_mean is not None
    ),
)

RULES: dict[type, Rule[Any]] = {
    NTKLinear: LINEAR,
    LazyLinear: LINEAR,
    nn.Linear: LINEAR,
    nn.Conv1d: CONVOLUTION,
    nn.Conv2d: CONVOLUTION,
    nn.LayerNorm: LAST_AXES_NORM,
    nn.RMSNorm: LAST_AXES_NORM,
    nn.GroupNorm: GROUP_NORM,
    nn.BatchNorm1d: BATCH_NORM,
    nn.BatchNorm2d: BATCH_NORM,
    nn.BatchNorm3d: BATCH_NORM,
}
"""The rules by exact type: a subclass may compute something else."""


def rule_for(module: nn.Module) -> Rule[Any] | None:
    """Returns the rule that knows what `module` computes; None where there is none, or its forward was
    replaced."""
    return None if "forward" in module.__dict__ else RULES.get(type(module))
