"""Gradients of single examples, as far as they need forming, and the kernels that they contract to.

A parameter's gradient for one example is either a row of numbers, or a sum of outer products over
positions (one for a linear layer on vectors, many for a convolution), which is best left unformed
where positions are few (Novak et al. 2022, section 3.3).
"""

from dataclasses import dataclass, replace
from functools import reduce

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Gradients as they are. values: (n, outputs, size)."""

    values: Tensor

    def formed(self) -> Tensor:
        """Returns the rows (n, outputs, size)."""
        return self.values

    def along(self, v: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """Returns J^T v, for v (n, outputs), as a matrix between `rows` and `columns`."""
        pulled = v.to(self.values).flatten() @ self.values.flatten(0, 1)
        return rows.to(pulled) @ pulled.reshape(len(rows), -1) @ columns.to(pulled)

    def __getitem__(self, rows: slice) -> "Rows":
        return Rows(values=self.values[rows])


@dataclass(frozen=True, kw_only=True)
class Outer:
    """sum over positions of gradients x inputs, for each of several groups.

    inputs: (n, positions, groups, fan_in); gradients: (outputs, n, positions, groups, fan_out).
    constant: the squared scale of a bias that shares these gradients, 0 without one.
    """

    inputs: Tensor
    gradients: Tensor
    constant: float = 0.0

    def __getitem__(self, rows: slice) -> "Outer":
        return replace(self, inputs=self.inputs[rows], gradients=self.gradients[:, rows])

    def along(self, v: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """Returns J^T v, for v (n, outputs), between `rows` (groups x fan_out,) and `columns` (fan_in,); it is never
        formed. The bias is left out."""
        by_group = rows.to(self.gradients).reshape(self.gradients.shape[3:])
        gradients = torch.einsum("ontgm,no,gm->ntg", self.gradients, v.to(self.gradients), by_group)
        return (gradients * (self.inputs @ columns.to(self.inputs))).sum()

    def formed(self) -> Tensor:
        """Returns the rows (n, outputs, size), a bias last."""
        rows = torch.einsum("ontgm,ntgk->nogmk", self.gradients, self.inputs).flatten(2)
        if not self.constant:
            return rows
        bias = self.constant**0.5 * self.gradients.sum(dim=2).transpose(0, 1).flatten(2)
        return torch.cat([rows, bias], dim=2)


Piece = Rows | Outer
Features = dict[str, Piece]
"""What each parameter's share of the kernel is made of."""


def joined(pieces: list[Piece]) -> Piece | None:
    """Returns the gradient of a parameter that is used several times; None for uses that do not fit
    together."""
    if len(pieces) == 1:
        return pieces[0]
    if len({(type(piece), *_fit(piece)) for piece in pieces}) > 1:
        return None
    outers = [piece for piece in pieces if isinstance(piece, Outer)]
    if not outers:
        return Rows(values=torch.stack([piece.formed() for piece in pieces]).sum(dim=0))
    return replace(
        outers[0],
        inputs=torch.cat([piece.inputs for piece in outers], dim=1),
        gradients=torch.cat([piece.gradients for piece in outers], dim=2),
    )


def _fit(piece: Piece) -> tuple[float, ...]:
    if isinstance(piece, Rows):
        return tuple(piece.values.shape)
    return (*piece.inputs.shape[2:], len(piece.gradients), *piece.gradients.shape[3:], piece.constant)


def contract(first: Features, second: Features, *, full: bool) -> Tensor:
    """Computes the kernel of n1 examples against n2: (n1, n2, outputs, outputs), or (n1, n2), the mean over
    outputs."""
    return reduce(_added, (_share(piece, second[name], full) for name, piece in first.items()))


def _added(total: Tensor, share: Tensor) -> Tensor:
    """Adds in place where that loses no digits: a share in half precision takes none from others."""
    return (
        total.add_(share) if torch.promote_types(total.dtype, share.dtype) == total.dtype else total + share
    )


def _share(first: Piece, second: Piece, full: bool) -> Tensor:
    if isinstance(first, Rows) or isinstance(second, Rows):
        return _product(first.formed(), second.formed(), full)
    if not unformed_is_cheaper(sizes(first), sizes(second), full):
        return _product(first.formed(), second.formed(), full)
    return _unformed(first, second, full)


def _product(first: Tensor, second: Tensor, full: bool) -> Tensor:
    """Rows (n1, outputs, size) against rows (n2, outputs, size)."""
    outputs = first.shape[1]
    if not full:
        return (first.flatten(1) @ second.flatten(1).T).div_(outputs)
    flat = first.flatten(0, 1) @ second.flatten(0, 1).T
    return flat.reshape(len(first), outputs, len(second), outputs).permute(0, 2, 1, 3)


def _unformed(first: Outer, second: Outer, full: bool) -> Tensor:
    n1, t1, groups, _ = first.inputs.shape
    n2, t2, outputs = *second.inputs.shape[:2], len(second.gradients)
    inputs = _by_group(first.inputs) @ _by_group(second.inputs).mT
    if first.constant:
        inputs += first.constant
    if not full:
        rows1, rows2 = (
            _by_group(piece.gradients.permute(1, 2, 3, 0, 4).flatten(3)) for piece in (first, second)
        )
        product = (rows1 @ rows2.mT).mul_(inputs).reshape(groups, n1, t1, n2, t2)
        return _summed(product, (0, 2, 4)).div_(outputs)
    rows1, rows2 = (_by_group(piece.gradients.flatten(0, 1)) for piece in (first, second))
    gradients = (rows1 @ rows2.mT).reshape(groups, outputs, n1, t1, outputs, n2, t2)
    gradients *= inputs.reshape(groups, 1, n1, t1, 1, n2, t2)
    return _summed(gradients, (0, 3, 6)).permute(1, 3, 0, 2)


def _by_group(values: Tensor) -> Tensor:
    """(n, positions, groups, ...) -> (groups, n positions, ...); without the first axis for a single group."""
    if values.shape[2] == 1:  # a plain product is faster than a batch of one
        return values.flatten(0, 2)
    return values.movedim(2, 0).flatten(1, 2)


def _summed(values: Tensor, axes: tuple[int, ...]) -> Tensor:
    if all(values.shape[axis] == 1 for axis in axes):
        return values.squeeze(axes)
    return values.sum(dim=axes)


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """The lengths of an Outer's axes."""

    count: int
    positions: int
    groups: int
    fan_in: int
    fan_out: int
    outputs: int

    @property
    def parameters(self) -> int:
        return self.groups * self.fan_in * self.fan_out


def sizes(piece: Outer) -> Sizes:
    """Returns the lengths of its axes."""
    outputs, count, positions, groups, fan_out = piece.gradients.shape
    return Sizes(
        count=count,
        positions=positions,
        groups=groups,
        fan_in=piece.inputs.shape[3],
        fan_out=fan_out,
        outputs=outputs,
    )


def unformed_is_cheaper(first: Sizes, second: Sizes, full: bool) -> bool:
    """Whether the contraction takes fewer flops without forming the gradients."""
    return unformed_flops(first, second, full) <= formed_flops(first, second, full)


def unformed_flops(first: Sizes, second: Sizes, full: bool) -> int:
    """Products of inputs and of gradients, for every pair of positions."""
    outputs = first.outputs ** (2 if full else 1)
    pairs = first.count * second.count * first.positions * second.positions * first.groups
    return 2 * pairs * (first.fan_in + outputs * (first.fan_out + 1))


def formed_flops(first: Sizes, second: Sizes, full: bool) -> int:
    """Gradients of every example, and their products."""
    outputs = first.outputs ** (2 if full else 1)
    forming = (first.count * first.positions + second.count * second.positions) * first.outputs
    return 2 * (forming + first.count * second.count * outputs) * first.parameters
