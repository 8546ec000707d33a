"""What is taken for a network, and which of its parameters move."""

import math
from collections.abc import Collection
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import nn

from ntkverify.errors import InvalidArgument
from ntkverify.models.model import Model, coarsest
from ntkverify.models.outputs import Output
from ntkverify.numerics import largest

Chosen = str | Collection[str] | None
"""Names or patterns ("0.*", "*.bias") of parameters; None for all."""


def model_of(net: Any, output: Output | None = None, parameters: Chosen = None) -> Model:
    """Returns `net` as a model whose trainable parameters of those names or patterns move.

    Raises InvalidArgument for what is no module, or none whose parameters can be told apart, for parameters without
    values, for a name or pattern that fits none, and where nothing is left to train.
    """
    _check_module(net)
    if output is not None and not callable(output):
        raise InvalidArgument("output", repr(output), "a function", "It takes what the network returns.")
    trainable = [name for name, value in net.named_parameters() if value.requires_grad]
    if not trainable:
        remedy = "Set requires_grad on what training would move."
        raise InvalidArgument("net", "no trainable parameter", "at least one", remedy)
    dtypes = [p.dtype.to_real() for p in net.parameters() if p.is_floating_point() or p.is_complex()]
    return Model(net, output, tuple(_chosen(trainable, parameters)), coarsest(dtypes))


def _chosen(trainable: list[str], parameters: Chosen) -> list[str]:
    if parameters is None:
        return trainable
    patterns = [parameters] if isinstance(parameters, str) else parameters
    several = isinstance(patterns, Collection) and len(patterns) > 0
    if not several or not all(isinstance(pattern, str) for pattern in patterns):
        remedy = "Names are those of net.named_parameters(); None takes all."
        raise InvalidArgument(
            "parameters", " ".join(repr(parameters)[:60].split()), "names or patterns", remedy
        )
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in trainable):
            expected = (
                f"a name or a pattern of {', '.join(trainable[:6])}{', ...' if len(trainable) > 6 else ''}"
            )
            raise InvalidArgument(
                "parameters", repr(pattern), expected, 'Patterns are those of fnmatch: "0.*".'
            )
    return [name for name in trainable if any(fnmatchcase(name, pattern) for pattern in patterns)]


def _check_module(net: Any) -> None:
    if not isinstance(net, nn.Module):
        got = f"the class {net.__name__}" if isinstance(net, type) else f"{type(net).__name__} {net!r}"[:80]
        remedy = "Make it: net = network(arch, width, seed) for an Architecture, Net() for a class."
        raise InvalidArgument("net", got, "a torch.nn.Module", remedy)
    if isinstance(net, torch.jit.ScriptModule):
        remedy = "Pass the module that it was made from."
        raise InvalidArgument("net", f"a {type(net).__name__}", "a module in Python", remedy)
    if isinstance(net, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        raise InvalidArgument("net", f"a {type(net).__name__}", "the module itself", "Pass net.module.")
    for name, value in net.named_parameters():
        if isinstance(value, nn.parameter.UninitializedParameter) or value.is_meta:
            remedy = "Run it once on an example, or load its weights (net.to_empty(device=...) first)."
            raise InvalidArgument("net", f"parameter {name!r} without values", "numbers", remedy)
        if not math.isfinite(largest(value)):
            remedy = "Training may have diverged; start from finite weights."
            raise InvalidArgument("net", f"parameter {name!r} that is not finite", "finite values", remedy)
