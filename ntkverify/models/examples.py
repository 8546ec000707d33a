"""Examples as a network takes them: one array, or tuples and dicts of arrays with a common first axis."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import TreeSpec, tree_unflatten

from ntkverify.arrays import Array
from ntkverify.errors import InvalidArgument

Inputs = Array | Mapping[str, Any] | tuple[Any, ...]
"""An array (n, ...); or a dict or a tuple of such. A dict is passed as keywords where `forward` takes these names, a
tuple as positional arguments where it takes as many, and either as one argument elsewhere. What is no array is
the same for all examples."""

Leaves = tuple[Tensor, ...]
Call = Literal["one", "positional", "keywords"]


@dataclass(frozen=True)
class Form:
    """How arrays become the arguments of a call.

    spec: of the nest that they stand in; names: of the arrays; constants: (value,) for what is no array, else None.
    """

    spec: TreeSpec
    call: Call
    names: tuple[str, ...]
    constants: tuple[tuple[Any] | None, ...]

    def run(self, net: Any, leaves: Leaves) -> Any:
        """Returns what `net` returns for arrays of its own, which it may change."""
        arrays = iter(leaves)
        flat = [next(arrays).clone() if held is None else held[0] for held in self.constants]
        nest = tree_unflatten(flat, self.spec)
        if self.call == "keywords":
            return net(**nest)
        return net(*nest) if self.call == "positional" else net(nest)

    def arguments(self, leaves: Leaves) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Returns the positional arguments and the keywords of the call."""
        return self.run(lambda *args, **kwargs: (args, kwargs), leaves)


@dataclass(frozen=True, eq=False)
class Examples:
    """n examples: arrays (n, ...) each, and how a network is called with them."""

    leaves: Leaves
    form: Form

    def __len__(self) -> int:
        return len(self.leaves[0])

    def __getitem__(self, rows: slice | list[int] | np.ndarray) -> "Examples":
        return self.of(leaf[rows] for leaf in self.leaves)

    def of(self, leaves: Iterator[Tensor]) -> "Examples":
        """Returns other examples of the same form."""
        return replace(self, leaves=tuple(leaves))

    def split(self, size: int) -> Iterator["Examples"]:
        """Yields `size` examples at a time."""
        return (self[start : start + size] for start in range(0, len(self), size))

    def followed_by(self, other: "Examples") -> "Examples":
        """Returns these examples and then the others, of the same form."""
        return self.of(torch.cat(pair) for pair in zip(self.leaves, other.leaves, strict=True))

    def equals(self, other: "Examples") -> bool:
        """Tells whether these are the same examples."""
        return all(map(torch.equal, self.leaves, other.leaves))

    @property
    def not_alone(self) -> "Examples":
        """Is a single example twice, and others as they are: torch's batch norms in evaluation mode give wrong gradients
        for a batch of one whose memory is not in order."""
        return self[[0, 0]] if len(self) == 1 else self

    def to(self, where: torch.device | str) -> "Examples":
        """Returns them on another device."""
        return self.of(leaf.to(where) for leaf in self.leaves)

    def with_gradients(self) -> "Examples":
        """Returns them as leaves of a graph, where numbers can be."""
        return self.of(x.detach().requires_grad_(x.is_floating_point()) for x in self.leaves)

    @property
    def only(self) -> Tensor:
        """Is the one array of a network that takes one; raises InvalidArgument for several."""
        if len(self.leaves) > 1 or self.form.call != "one":
            remedy = "Pass an array (n, ...)."
            raise InvalidArgument(
                "inputs", f"several arguments: {self}", "one, for a chain of layers", remedy
            )
        return self.leaves[0]

    @property
    def numbers(self) -> int:
        """Counts the numbers in all arrays."""
        return sum(leaf.numel() for leaf in self.leaves)

    def __str__(self) -> str:
        """Says what they look like: "5 examples of shape (4,), float64"."""
        each = (
            f"{name} {tuple(leaf.shape[1:])}, {str(leaf.dtype).removeprefix('torch.')}"
            for name, leaf in zip(self.form.names, self.leaves, strict=True)
        )
        return f"{len(self)} examples of shape {'; '.join(each)}".replace("shape  ", "shape ")
