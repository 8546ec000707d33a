"""J u, the change of the outputs along a change of the parameters, in the fastest of four ways that is right.

Each way is held against J^T v of the module itself on a few examples, since v . J u = J^T v . u: forward mode is
missing for some operations and wrong for others, and a custom function that can be differentiated only once loses its
part in silence when it is differentiated twice.
"""

from collections.abc import Callable, Iterator
from functools import reduce

import torch
from torch import Tensor
from torch.func import jvp, vmap

from ntkverify.empirical.comparing import random_signs, tolerance
from ntkverify.empirical.plain_gradients import plain_features, pulled_back
from ntkverify.memory import is_out_of_memory
from ntkverify.models import Examples, Model, Parameters

Push = Callable[[Model, Parameters, Examples], Tensor]
"""(model, k tangents of every parameter (k, *shape), n examples) -> J times each (k, n, outputs)."""


def choose_push(model: Model, x: Examples) -> Push:
    """Returns the first way to compute J u that is right at a few examples x."""
    with torch.no_grad():
        v = random_signs(model.values(x))
    gradients = [pulled_back(model, x, w) for w in (v, v.flip(0).abs())]
    tangents = {name: torch.stack([g[name] for g in gradients]) for name in gradients[0]}
    right = torch.stack([dot(gradients[0], g) for g in gradients])
    for push in (_batched, _one_by_one, _by_two_backward_passes):
        try:
            got = (push(model, tangents, x) * v).flatten(1).sum(dim=1)
        except Exception as error:
            if is_out_of_memory(error):
                raise
            continue
        if torch.allclose(
            got, right.to(got), rtol=0, atol=tolerance(model.coarsest) * float(right.abs().max())
        ):
            return push
    return _by_jacobians


def dot(first: Parameters, second: Parameters) -> Tensor:
    """Returns the inner product of two changes of the parameters, as real numbers."""
    return reduce(
        torch.add, (_real(value).flatten() @ _real(second[name]).flatten() for name, value in first.items())
    )


def _real(value: Tensor) -> Tensor:
    return torch.view_as_real(value.resolve_conj()) if value.is_complex() else value


def _push_one(model: Model, tangent: Parameters, x: Examples) -> Tensor:
    function = model.function(x.form)
    return jvp(lambda values: function(values, x.leaves), (model.detached,), (tangent,))[1]


def _batched(model: Model, tangents: Parameters, x: Examples) -> Tensor:
    """In forward mode, all tangents at once."""
    return vmap(lambda tangent: _push_one(model, tangent, x))(tangents)


def _one_by_one(model: Model, tangents: Parameters, x: Examples) -> Tensor:
    """In forward mode, one after the other."""
    return torch.stack([_push_one(model, tangent, x) for tangent in _each(tangents)])


def _by_two_backward_passes(model: Model, tangents: Parameters, x: Examples) -> Tensor:
    """As the gradient of u . J^T v, which is linear in v."""
    with torch.enable_grad():
        values = model.for_gradients(x)
        weights = torch.zeros_like(values, requires_grad=True)
        pulled = torch.autograd.grad(
            values,
            list(model.own.values()),
            weights,
            create_graph=True,
            allow_unused=True,
            materialize_grads=True,
        )
        products = [dot(dict(zip(model.own, pulled, strict=True)), tangent) for tangent in _each(tangents)]
    return torch.stack(
        [torch.autograd.grad(p, weights, retain_graph=True, materialize_grads=True)[0] for p in products]
    )


def _by_jacobians(model: Model, tangents: Parameters, x: Examples) -> Tensor:
    """Row by row: slower, and right wherever plain gradients are."""
    rows = plain_features(model, x, model.names)
    flat = {name: _real(value).flatten(1) for name, value in tangents.items()}
    return reduce(
        torch.add, (torch.einsum("nop,kp->kno", rows[name].formed(), t) for name, t in flat.items())
    )


def _each(tangents: Parameters) -> Iterator[Parameters]:
    count = len(next(iter(tangents.values())))
    return ({name: value[index] for name, value in tangents.items()} for index in range(count))
