"""Structured derivatives: layer by layer, mostly without forming a Jacobian (Novak et al. 2022, section 3.3).

A linear layer with inputs A (n, fan_in) and gradients G (n, fan_out) at its outputs contributes
(A A^T) * (G G^T) for its weights and G G^T for its biases, each times the square of its scale. A
layer or a parameter used several times adds up over its uses, cross terms included. Parameters that
no layer's rule accounts for get their Jacobian.
"""

from collections import defaultdict
from dataclasses import replace

import torch
from torch import Tensor

from ntkverify.empirical.chains import is_plain_chain
from ntkverify.empirical.checks import check_rows
from ntkverify.empirical.comparing import agree, random_signs
from ntkverify.empirical.contraction import Features, Outer, Piece, Rows, joined
from ntkverify.empirical.layers import RULES, bias_scale
from ntkverify.empirical.plain_gradients import disagreeing
from ntkverify.empirical.recording import Call, Recording, gradients, record, record_chain
from ntkverify.memory import is_out_of_memory
from ntkverify.models import Examples, Model

AND = " and "
"""What stands between the names of two parameters whose shares of the kernel are computed together."""


class NotByLayerError(Exception):
    """Some parameters' gradients are not what their layers' rules say; `names` are theirs."""

    def __init__(self, names: set[str] | frozenset[str]):
        super().__init__(names)
        self.names = frozenset(names)


def structured_features(model: Model, x: Examples, names: frozenset[str]) -> Features:
    """Returns what the gradients of the named parameters at x are made of, by their layers' rules.

    Memory: n x outputs x units.
    Raises NotByLayerError for those that no rule accounts for.
    """
    chain = is_plain_chain(model)
    recording, uses = _uses(model, x if chain else x.not_alone, names, check=not chain)
    _pair(uses, recording.calls)
    joint = {name: joined(pieces) for name, pieces in uses.items()}
    features = {name: piece[: len(x)] for name, piece in joint.items() if piece is not None}
    if unfit := joint.keys() - features.keys():
        raise NotByLayerError({one for name in unfit for one in name.split(AND)})
    return features or {"none": Rows(values=recording.values.detach()[: len(x), :, None] * 0)}


def unaccounted(model: Model, x: Examples) -> frozenset[str]:
    """Names the parameters whose gradients the rules get wrong at a few examples x."""
    names = frozenset(name for name, value in model.own.items() if not value.is_complex())
    while names:
        try:
            _, uses = _uses(model, x, names, check=True)
            wrong = disagreeing(model, x, {name: uses.get(name, []) for name in names})
        except NotByLayerError as found:
            wrong = found.names
        if not wrong:
            break
        names -= wrong
    return frozenset(model.names) - names


def _uses(
    model: Model, x: Examples, names: frozenset[str], *, check: bool
) -> tuple[Recording, dict[str, list[Piece]]]:
    """Collects, by parameter, a Piece for every call of a layer that it belongs to."""
    try:
        recording, found = _recorded(model, x, names)
        wrong = recording.outside | _not_by_example(model, recording, found) if check else set()
    except Exception as error:  # a module that minds being watched; if it is another error, it comes again
        if is_out_of_memory(error) or not check:
            raise
        raise NotByLayerError(names) from error
    if wrong:
        raise NotByLayerError(wrong)
    if check:
        check_rows(model, x, recording.values.detach())
    uses: dict[str, list[Piece]] = defaultdict(list)
    with torch.no_grad():
        for call, gradient in zip(recording.calls, found, strict=True):
            pieces = RULES[type(call.module)].pieces(call.module, call.inputs, gradient)
            for key, name in call.names.items():
                uses[name].append(pieces[key])
    return recording, uses


def _recorded(model: Model, x: Examples, names: frozenset[str]) -> tuple[Recording, list[Tensor]]:
    """A run, and the gradients of every output at the outputs of every call."""
    if is_plain_chain(model):
        recording = record_chain(model, x)
    else:
        parameters = {name: value for name, value in model.detached.items() if name in names}
        recording = record(model, model.function(x.form), parameters, x)
    values = recording.values
    eye = torch.eye(values.shape[1], dtype=values.dtype, device=values.device)
    # Rows do not mix, so the gradient of a column's sum holds every row's own gradient.
    return recording, gradients(recording, eye[:, None].expand(-1, len(x), -1))


def _not_by_example(model: Model, recording: Recording, found: list[Tensor]) -> set[str]:
    """Parameters of calls whose first axis is not that of the examples, row by row."""
    signs = random_signs(recording.values)
    wrong: set[str] = set()
    for call, gradient, mixed in zip(recording.calls, found, gradients(recording, signs[None]), strict=True):
        if not _is_by_example(model, call, gradient, mixed[0], signs):
            wrong |= set(call.names.values())
    return wrong


def _is_by_example(model: Model, call: Call, gradient: Tensor, mixed: Tensor, signs: Tensor) -> bool:
    count = len(signs)
    if not call.is_by_example or len(call.inputs) != count or call.shape[0] != count:
        return False
    return agree(mixed, torch.einsum("on...,no->n...", gradient, signs.to(gradient)), model.coarsest)


def _pair(uses: dict[str, list[Piece]], calls: list[Call]) -> None:
    """Lets a weight and a bias that are always used together share the products of their gradients."""
    owners: dict[str, set] = defaultdict(set)
    for call in calls:
        pair = call.names.get("weight"), call.names.get("bias"), bias_scale(call.module)
        for name in call.names.values():
            owners[name].add(pair)
    for pair in {pair for pairs in owners.values() for pair in pairs}:
        weight, bias, scale = pair
        if (
            None not in pair
            and owners[weight] == owners[bias] == {pair}
            and isinstance(uses[weight][0], Outer)
        ):
            del uses[bias]
            pieces = uses.pop(weight)
            uses[f"{weight}{AND}{bias}"] = [replace(piece, constant=scale**2) for piece in pieces]
