"""Structured derivatives: layer by layer, mostly without forming a Jacobian (Novak et al. 2022, section 3.3).

A linear layer with inputs A (n, fan_in) and gradients G (n, fan_out) at its outputs contributes
(A A^T) * (G G^T) for its weights and G G^T for its biases, each times the square of its scale. A
layer or a parameter used several times adds up over its uses, cross terms included. Parameters that
no layer's rule accounts for get their Jacobian.
"""

from collections import defaultdict
from dataclasses import replace
from functools import reduce

import torch
from torch import Tensor, nn

from ntkverify.empirical.chains import is_plain_chain
from ntkverify.empirical.checks import random_signs, tolerance
from ntkverify.empirical.contraction import Features, Outer, Piece, joined
from ntkverify.empirical.functional import function_of_parameters
from ntkverify.empirical.jacobian_contraction import jacobian_features
from ntkverify.empirical.layers import RULES, bias_scale
from ntkverify.empirical.recording import Call, Recording, gradients, record, record_chain

AND = " and "
"""What stands between the names of two parameters whose shares of the kernel are computed together."""


class NotByLayerError(Exception):
    """Some parameters' gradients are not what their layers' rules say; `names` are theirs."""

    def __init__(self, names: set[str]):
        super().__init__(names)
        self.names = frozenset(names)


def structured_features(net: nn.Module, x: Tensor, rest: frozenset[str] = frozenset()) -> Features:
    """Returns what the gradients at x (n, ...) are made of; `rest`: parameters whose Jacobian is formed.

    Memory: n x outputs x units, and n x outputs x (parameters in `rest`).
    Raises NotByLayerError where `rest` leaves some out that no rule accounts for.
    """
    recording, uses = _uses(net, x, rest, check=not is_plain_chain(net))
    _pair(uses, recording.calls)
    joint = {name: joined(pieces) for name, pieces in uses.items()}
    features = {name: piece for name, piece in joint.items() if piece is not None}
    if unfit := joint.keys() - features.keys():
        raise NotByLayerError({one for name in unfit for one in name.split(AND)})
    return features | (jacobian_features(net, x, rest) if rest else {})


def unaccounted(net: nn.Module, x: Tensor) -> frozenset[str]:
    """Names the trainable parameters whose gradients the rules get wrong at a few examples x (n, ...)."""
    if is_plain_chain(net):
        return frozenset()
    rest: frozenset[str] = frozenset()
    while True:
        try:
            _, uses = _uses(net, x, rest, check=True)
            wrong = _wrong(net, x, uses)
        except NotByLayerError as found:
            wrong = found.names
        if not wrong:
            return rest
        rest |= wrong


def _wrong(net: nn.Module, x: Tensor, uses: dict[str, list[Piece]]) -> frozenset[str]:
    """Those whose J^T v, for random v, is not what torch's own backward pass says."""
    function, trainable = function_of_parameters(net)
    leaves = {name: trainable[name].requires_grad_() for name in uses}
    if not leaves:
        return frozenset()
    with torch.enable_grad():
        values = function(leaves, x)
    signs = random_signs(values)
    expected = torch.autograd.grad(values, list(leaves.values()), signs, allow_unused=True)
    wrong = set()
    for (name, pieces), right in zip(uses.items(), expected, strict=True):
        got = reduce(torch.add, (torch.einsum("no,nop->p", signs, piece.formed()) for piece in pieces))
        right = torch.zeros_like(got) if right is None else right.flatten()
        if got.shape != right.shape or not torch.allclose(got, right, rtol=0, atol=_allowed(right)):
            wrong.add(name)
    return frozenset(wrong)


def _allowed(right: Tensor) -> float:
    return tolerance(right.dtype) * float(right.abs().max()) if right.numel() else 0.0


def _uses(
    net: nn.Module, x: Tensor, rest: frozenset[str], *, check: bool
) -> tuple[Recording, dict[str, list[Piece]]]:
    """Collects, by parameter, a Piece for every call of a layer that it belongs to."""
    if is_plain_chain(net):
        recording = record_chain(net, x)
    else:
        function, trainable = function_of_parameters(net)
        recording = record(net, function, {n: v for n, v in trainable.items() if n not in rest}, x)
    outputs = recording.values.shape[1]
    eye = torch.eye(outputs, dtype=x.dtype, device=x.device)
    # Rows do not mix, so the gradient of a column's sum holds every row's own gradient.
    found = gradients(recording, eye[:, None].expand(outputs, len(x), outputs))
    if check:
        wrong = recording.outside | _not_by_example(recording, found)
        if wrong:
            raise NotByLayerError(wrong)
    uses: dict[str, list[Piece]] = defaultdict(list)
    with torch.no_grad():
        for call, gradient in zip(recording.calls, found, strict=True):
            pieces = RULES[type(call.module)].pieces(call.module, call.inputs, gradient)
            for key, name in call.names.items():
                uses[name].append(pieces[key])
    return recording, uses


def _not_by_example(recording: Recording, found: list[Tensor]) -> set[str]:
    """Parameters of calls whose first axis is not that of the examples, row by row."""
    signs = random_signs(recording.values)
    wrong: set[str] = set()
    for call, gradient, mixed in zip(recording.calls, found, gradients(recording, signs[None]), strict=True):
        if not _is_by_example(call, gradient, mixed[0], signs):
            wrong |= set(call.names.values())
    return wrong


def _is_by_example(call: Call, gradient: Tensor, mixed: Tensor, signs: Tensor) -> bool:
    count = len(signs)
    if not call.is_by_example or len(call.inputs) != count or call.shape[0] != count:
        return False
    expected = torch.einsum("on...,no->n...", gradient, signs)
    return torch.allclose(mixed, expected, rtol=0, atol=_allowed(expected))


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
