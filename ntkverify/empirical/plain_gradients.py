"""Gradients as a user would take them: torch.autograd.grad of the module itself, at its own parameters.

Nothing is swapped, batched or transformed, so they are right wherever torch's own backward pass is: for parameters that
a module reaches in another way than by its attributes, and for custom functions that run again in their backward pass.
They are what faster ways are held against, and what is left where those go wrong.
"""

import math
from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor

from ntkverify.empirical.comparing import random_signs, tolerance
from ntkverify.empirical.contraction import Features, Outer, Piece, Rows
from ntkverify.errors import InvalidArgument
from ntkverify.models import Examples, Model, Parameters
from ntkverify.numerics import largest

NOISE = 100
"""Unit roundoffs of the largest gradient that are rounding in another one: some, such as a shift of all scores before a
softmax, are nothing else."""


def pulled_back(model: Model, x: Examples, v: Tensor) -> Parameters:
    """Computes J^T v, by parameter, for v (n, outputs)."""
    with torch.enable_grad():
        values = model.for_gradients(x)
    return _gradients(values, model.own, v)


def plain_features(model: Model, x: Examples, names: Collection[str]) -> Features:
    """Forms the named parameters' Jacobians at x, by a backward pass for every output of every example."""
    own = {name: value for name, value in model.own.items() if name in names}
    rows: list[list[Tensor]] = []
    for example in x.split(1):
        with torch.enable_grad():
            values = model.for_gradients(example)[0]
        rows += [list(_gradients(value, own).values()) for value in values]
    columns = (torch.stack(column).unflatten(0, (len(x), -1)) for column in zip(*rows, strict=True))
    return {name: Rows(values=as_rows(column)) for name, column in zip(own, columns, strict=True)}


def as_rows(jacobian: Tensor) -> Tensor:
    """Returns a Jacobian (n, outputs, *shape) as real rows (n, outputs, size)."""
    jacobian = jacobian.detach()
    if jacobian.is_complex():
        jacobian = torch.view_as_real(jacobian.resolve_conj())
    return jacobian.reshape(*jacobian.shape[:2], -1)


def as_parameter(rows: Tensor, like: Tensor) -> Tensor:
    """Returns real rows (k, size) as k values of a parameter (k, *shape)."""
    if like.is_complex():
        return torch.view_as_complex(rows.reshape(-1, *like.shape, 2))
    return rows.reshape(-1, *like.shape)


def disagreeing(model: Model, x: Examples, pieces: Mapping[str, Sequence[Piece]]) -> frozenset[str]:
    """Names those of `pieces` of which J^T v, for random v, is not what the module's own backward pass says: of a
    matrix, what is between two random vectors.

    pieces: what each parameter's Jacobian at x is the sum of; nothing where it is 0.
    Raises InvalidArgument for gradients that are not finite, naming the example and the parameter.
    """
    signs = random_signs(model.values(x))
    gradients = pulled_back(model, x, signs)
    sizes = {name: largest(gradient) for name, gradient in gradients.items()}
    if not all(map(math.isfinite, sizes.values())):
        check_finite(model, x)
    noise = NOISE * torch.finfo(model.coarsest).eps * max(sizes.values())
    wrong = set()
    for name in pieces:
        right = as_rows(gradients[name][None, None])[0, 0]
        columns = random_signs(right.new_empty(_fan_in(pieces[name])), seed=1)
        rows = random_signs(right.new_empty(right.numel() // len(columns)), seed=2)
        said = sum(float(piece.along(signs, rows, columns)) for piece in pieces[name])
        expected = float(rows @ right.reshape(len(rows), -1) @ columns)
        # What errors of random signs in all entries would add up to.
        allowed = max(tolerance(model.coarsest) * sizes[name], noise) * right.numel() ** 0.5
        if not abs(said - expected) <= allowed:
            wrong.add(name)
    return frozenset(wrong)


def _fan_in(pieces: Sequence[Piece]) -> int:
    return next((piece.inputs.shape[-1] for piece in pieces if isinstance(piece, Outer)), 1)


def check_finite(model: Model, x: Examples) -> None:
    """Raises InvalidArgument where gradients at x are not finite, naming an example and a parameter."""
    for index, example in enumerate(x.split(1)):
        values = model.values(example)
        for name, value in pulled_back(model, example, torch.ones_like(values)).items():
            if not value.isfinite().all():
                got = f"a gradient that is not finite at example {index}, of parameter {name!r}"
                remedy = "Look for roots, divisions and logarithms at 0; add an epsilon within."
                raise InvalidArgument("net", got, "finite gradients", remedy)


def _gradients(values: Tensor, own: Mapping[str, Tensor], v: Tensor | None = None) -> Parameters:
    if not values.requires_grad:  # nothing that moves has a part in it
        return {name: torch.zeros_like(value) for name, value in own.items()}
    found = torch.autograd.grad(
        values, list(own.values()), v, retain_graph=True, allow_unused=True, materialize_grads=True
    )
    return dict(zip(own, found, strict=True))
