"""Networks that are plain chains of well-known layers: what they do can be told without running them."""

import math
from collections.abc import Iterator

from torch import nn

from ntkverify.empirical.layers import rule_for
from ntkverify.models import Model
from ntkverify.networks import Elementwise, InMetric

WITHOUT_PARAMETERS = (
    Elementwise,
    InMetric,
    nn.Identity,
    nn.ReLU,
    nn.LeakyReLU,
    nn.Tanh,
    nn.Sigmoid,
    nn.GELU,
    nn.SiLU,
    nn.ELU,
    nn.Softplus,
)
"""Layers that keep the shape of what they get, and examples apart."""


def is_plain_chain(model: Model) -> bool:
    """Whether a model is built so that no check is needed: distinct rows in, through known layers, one by one."""
    if model.output is not None or nn.modules.module._has_any_global_hook():
        return False
    return all(_is_plain(module) for module in model.net.modules())


def _is_plain(module: nn.Module) -> bool:
    if module._forward_hooks or module._forward_pre_hooks or "forward" in module.__dict__:
        return False
    if module._backward_hooks or module._backward_pre_hooks:
        return False
    if getattr(module, "inplace", False):
        return False  # it may overwrite another layer's inputs
    if type(module) is nn.Flatten:
        return module.start_dim == 1 and module.end_dim == -1
    rule = rule_for(module)
    return type(module) in (nn.Sequential, *WITHOUT_PARAMETERS) or bool(rule and rule.output_shape)


def leaves(net: nn.Module) -> Iterator[nn.Module]:
    """Yields the layers of a plain chain in turn."""
    if type(net) is nn.Sequential:
        for child in net:
            yield from leaves(child)
    else:
        yield net


def steps(net: nn.Module, shape: tuple[int, ...]) -> list[tuple[nn.Module, tuple[int, ...]]]:
    """Returns every layer of a plain chain in turn, and the shape of what it returns; shape: of the
    inputs."""
    out = []
    for module in leaves(net):
        if (rule := rule_for(module)) and rule.output_shape:
            shape = rule.output_shape(module, shape)
        elif type(module) is nn.Flatten:
            shape = (shape[0], math.prod(shape[1:]))
        out.append((module, tuple(shape)))
    return out
