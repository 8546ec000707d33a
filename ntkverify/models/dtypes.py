"""The numbers that a network takes: found by trying, where its parameters do not say."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ntkverify.memory import is_out_of_memory
from ntkverify.models.examples import Examples
from ntkverify.models.model import Model


@dataclass(frozen=True)
class Cast:
    """real: the dtype that real numbers get; integers: whether they stay integers."""

    real: torch.dtype
    integers: bool

    def __call__(self, x: Examples) -> Examples:
        """Returns the examples in these dtypes."""
        return x.of(self._one(leaf) for leaf in x.leaves)

    def _one(self, leaf: Tensor) -> Tensor:
        return leaf.to(self.real) if leaf.is_floating_point() or not self.integers else leaf


def cast_for(model: Model, x: Examples) -> Cast:
    """Returns the first cast of x that the network takes: its trainable parameters' dtypes come before the frozen
    ones', and integers stay integers (of an embedding) where they can.

    Returns the first of all where none does, so that the network's own error shows.
    """
    parameters = sorted(model.net.parameters(), key=lambda parameter: not parameter.requires_grad)
    reals = dict.fromkeys(p.dtype.to_real() for p in parameters if p.is_floating_point() or p.is_complex())
    kept = (True, False) if any(not leaf.is_floating_point() for leaf in x.leaves) else (True,)
    casts = [Cast(real, integers) for integers in kept for real in reals]
    if len(casts) > 1:
        for cast in casts:
            if _takes(model, cast(x[:2])):
                return cast
    return casts[0]


def _takes(model: Model, x: Examples) -> bool:
    try:
        model.values(x)
    except Exception as error:
        if is_out_of_memory(error):
            raise
        return False
    return True
