"""What each kind of layer's parameters receive from one call, given its inputs and its outputs' gradients.

A rule takes the module, its inputs x (n, ...) and the gradients g (outputs, n, ...) at its outputs,
and returns a Piece for each of its parameters.
"""

import math
from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from ntkverify.empirical.contraction import Outer, Piece, Rows
from ntkverify.lazy import LazyLinear
from ntkverify.networks import NTKLinear


def _outer(module: nn.Module, inputs: Tensor, gradients: Tensor) -> dict[str, Piece]:
    # A bias is a weight whose input is constant; nothing is computed unless it stands alone.
    constant = inputs.new_full((1, 1, 1, 1), bias_scale(module)).expand(*inputs.shape[:3], 1)
    return {
        "weight": Outer(inputs=inputs, gradients=gradients),
        "bias": Outer(inputs=constant, gradients=gradients),
    }


def bias_scale(module: nn.Module) -> float:
    """What a linear layer or a convolution multiplies its bias by."""
    return getattr(module, "bias_scale", 1.0)


def linear(module: nn.Linear | NTKLinear | LazyLinear, x: Tensor, g: Tensor) -> dict[str, Piece]:
    """One position for each vector in an example."""
    inputs = x.reshape(len(x), -1, 1, x.shape[-1])
    scale = getattr(module, "weight_scale", 1.0)
    gradients = g.reshape(len(g), len(x), -1, 1, g.shape[-1])
    return _outer(module, inputs if scale == 1.0 else scale * inputs, gradients)


def convolution(module: nn.Conv1d | nn.Conv2d, x: Tensor, g: Tensor) -> dict[str, Piece]:
    """One position for each output pixel; its inputs are the patch below it."""
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


def over_last_axes(module: nn.Module, x: Tensor, g: Tensor) -> dict[str, Piece]:
    """LayerNorm and RMSNorm: one scale and one shift for each of the last axes' entries."""
    shape = module.normalized_shape
    if isinstance(module, nn.LayerNorm):
        normal = F.layer_norm(x, shape, None, None, module.eps)
    else:
        normal = F.rms_norm(x, shape, None, module.eps)
    size = math.prod(shape)

    def summed(values: Tensor) -> Piece:
        return Rows(values=values.reshape(len(g), len(x), -1, size).sum(dim=2).transpose(0, 1))

    return {"weight": summed(g * normal), "bias": summed(g)}


def over_channels(module: nn.Module, x: Tensor, g: Tensor) -> dict[str, Piece]:
    """GroupNorm and BatchNorm in evaluation mode: one scale and one shift for each channel."""
    if isinstance(module, nn.GroupNorm):
        normal = F.group_norm(x, module.num_groups, None, None, module.eps)
    else:
        normal = F.batch_norm(x, module.running_mean, module.running_var, None, None, False, 0.0, module.eps)

    def summed(values: Tensor) -> Piece:
        return Rows(values=values.reshape(*values.shape[:3], -1).sum(dim=3).transpose(0, 1))

    return {"weight": summed(g * normal), "bias": summed(g)}


RULES: dict[type, Callable[[nn.Module, Tensor, Tensor], dict[str, Piece]]] = {
    NTKLinear: linear,
    LazyLinear: linear,
    nn.Linear: linear,
    nn.Conv1d: convolution,
    nn.Conv2d: convolution,
    nn.LayerNorm: over_last_axes,
    nn.RMSNorm: over_last_axes,
    nn.GroupNorm: over_channels,
    nn.BatchNorm1d: over_channels,
    nn.BatchNorm2d: over_channels,
    nn.BatchNorm3d: over_channels,
}
"""By exact type: a subclass may compute something else."""


def has_rule(module: nn.Module) -> bool:
    """Whether a rule knows what `module` computes."""
    return type(module) in RULES and "forward" not in module.__dict__


def keeps_examples_apart(module: nn.Module, x: Tensor) -> bool:
    """Whether the first axis of the inputs x cannot be one that the layer works on."""
    if isinstance(module, (nn.Conv1d, nn.Conv2d)):
        return x.ndim == len(module.kernel_size) + 2
    if isinstance(module, (nn.LayerNorm, nn.RMSNorm)):
        return x.ndim > len(module.normalized_shape)
    if isinstance(module, nn.modules.batchnorm._BatchNorm):
        return x.ndim >= 2 and not module.training and module.running_mean is not None
    return x.ndim >= 2
