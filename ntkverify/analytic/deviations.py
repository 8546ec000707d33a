"""Standard deviations that are tensors, so that kernels can be differentiated in them."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ntkverify.activations import Layer
from ntkverify.architecture import Architecture, Linear
from ntkverify.errors import InvalidArgument

Deviations = dict[str, Tensor | float | None]
"""weight_std and bias_std that take the place of an architecture's: one for all Linear layers, or one for each."""


@dataclass(frozen=True, eq=False)
class _TensorLinear(Linear):
    """A Linear whose deviations are scalar tensors: it lives for one evaluation and is never written as JSON."""

    weight_std: Any = 1.0
    bias_std: Any = 0.0

    def __post_init__(self) -> None:
        """Takes what `substitute` has checked."""


def substitute(arch: Architecture, deviations: Deviations) -> Architecture:
    """Returns the architecture with these deviations, which rates that are not given follow: itself where all are None.

    Raises InvalidArgument for what is neither a finite number >= 0, and above 0 for weights, nor one for each of the
    Linear layers.
    """
    if all(value is None for value in deviations.values()):
        return arch
    columns = {
        name: [getattr(linear, name) for linear in arch.linears]
        if value is None
        else _each(name, value, len(arch.linears))
        for name, value in deviations.items()
    }
    rows = (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))
    replaced = iter(
        [
            _TensorLinear(**row, weight_rate=linear.weight_rate, bias_rate=linear.bias_rate)
            for row, linear in zip(rows, arch.linears, strict=True)
        ]
    )

    def change(layer: Layer) -> Layer:
        return next(replaced) if isinstance(layer, Linear) else layer

    return arch.mapped(change)


def _each(name: str, value: Tensor | float, layers: int) -> list[Tensor]:
    tensor = torch.as_tensor(value)
    expected = f"finite numbers {'> 0' if name == 'weight_std' else '>= 0'}: a scalar, or one for each of {layers} layers"
    least = tensor.detach().min().item() if tensor.numel() and tensor.is_floating_point() else -1.0
    fits = tensor.shape in ((), (layers,)) and torch.isfinite(tensor).all()
    if not fits or least < 0 or (least == 0 and name == "weight_std"):
        remedy = "Pass a floating point tensor; it is a standard deviation, not a variance."
        raise InvalidArgument(name, repr(value), expected, remedy)
    return list(tensor.expand(layers))
