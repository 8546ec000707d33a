"""What one example costs, told from the layers of a chain, or from watching one run."""

import math
from dataclasses import dataclass

import torch

from ntkverify.empirical.chains import is_plain_chain, steps
from ntkverify.empirical.contraction import Sizes
from ntkverify.empirical.layers import RULES, rule_for
from ntkverify.empirical.recording import Recording, record
from ntkverify.memory import is_out_of_memory
from ntkverify.models import Examples, Function, Model, Parameters

LARGE = 2**22
"""Parameters from which a pass over one example costs more than one over shapes."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What one example costs. layers: of every use of a weight by its layer, for one output;
    rest: parameters whose Jacobian is formed; activations: numbers in the outputs of all layers."""

    outputs: int
    layers: tuple[Sizes, ...]
    rest: int
    parameters: int
    activations: int
    bytes_per_number: int

    @property
    def forward(self) -> float:
        """Flops of one example's forward pass; unknown layers are taken to use their parameters once."""
        return 2.0 * (sum(layer.positions * layer.parameters for layer in self.layers) + self.rest)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What one run shows. layers: the weight's name and the sizes of every use of a layer whose weight moves; outside:
    parameters used other than by layers; sizes: numbers in each parameter."""

    outputs: int
    layers: tuple[tuple[str, Sizes], ...]
    outside: frozenset[str]
    activations: int
    sizes: dict[str, int]
    bytes_per_number: int

    def shape(self, formed: frozenset[str]) -> Shape:
        """Says what an example costs where the Jacobians of the parameters `formed` are."""
        return Shape(
            outputs=self.outputs,
            layers=tuple(sizes for name, sizes in self.layers if name not in formed),
            rest=sum(self.sizes[name] for name in formed),
            parameters=sum(self.sizes.values()),
            activations=self.activations,
            bytes_per_number=self.bytes_per_number,
        )


def layout_of(model: Model, x: Examples) -> Layout:
    """Watches one of the examples x, or reads a chain of layers."""
    outputs, activations, layers, outside = (_of_chain if is_plain_chain(model) else _of_module)(model, x[:1])
    return Layout(
        outputs=outputs,
        layers=tuple(layers),
        outside=frozenset(outside),
        activations=activations,
        sizes={name: p.numel() for name, p in model.own.items()},
        bytes_per_number=max(p.element_size() for p in model.own.values()),
    )


Seen = tuple[int, int, list[tuple[str, Sizes]], set[str]]
"""Outputs, activations, layers and parameters outside, as in `Layout`."""


def _of_chain(model: Model, x: Examples) -> Seen:
    activations, layers = x.numbers, []
    names = {id(value): name for name, value in model.own.items()}
    shape: tuple[int, ...] = ()
    for module, shape in steps(model.net, tuple(x.only.shape)):
        activations += math.prod(shape)
        if (rule := rule_for(module)) and rule.sizes and id(module.weight) in names:
            layers.append((names[id(module.weight)], rule.sizes(module, shape)))
    return math.prod(shape[1:]), activations, layers, set()


def _of_module(model: Model, x: Examples) -> Seen:
    recording = _recorded(model, x)
    if recording is None:
        return model.values(x).shape[1], x.numbers, [], set(model.names)
    activations, layers = recording.values.numel(), []
    for call in recording.calls:
        activations += call.inputs.numel() + call.shape.numel()
        sizes = RULES[type(call.module)].sizes
        if sizes and (name := call.names.get("weight")):
            layers.append((name, sizes(call.module, call.shape)))
    return recording.values.shape[1], activations, layers, recording.outside


def _recorded(model: Model, x: Examples) -> Recording | None:
    """A run of x, on shapes alone where that is cheaper; None for a module that minds being watched."""
    large = sum(value.numel() for value in model.own.values()) > LARGE
    for on_meta in (True, False) if large else (False,):
        try:
            function, parameters = _on_meta(model, x) if on_meta else (model.function(x.form), model.detached)
            return record(model, function, parameters, x.to("meta") if on_meta else x)
        except Exception as error:
            if is_out_of_memory(error):
                raise
    return None


def _on_meta(model: Model, x: Examples) -> tuple[Function, Parameters]:
    """The model with shapes for values: it costs no work, and takes such examples."""
    state = dict(model.net.named_parameters()) | dict(model.net.named_buffers())
    metas = {name: torch.empty_like(value, device="meta") for name, value in state.items()}
    function, moving = model.function(x.form), {name: metas[name] for name in model.names}
    fixed = {name: meta for name, meta in metas.items() if name not in moving}
    return lambda parameters, leaves: function(fixed | parameters, leaves), moving
