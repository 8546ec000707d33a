"""Which method takes the least work, and how many examples at a time fit into memory."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from ntkverify.empirical.chains import is_plain_chain, steps
from ntkverify.empirical.contraction import Sizes, formed_flops, unformed_flops
from ntkverify.empirical.functional import function_of_parameters, meta_function
from ntkverify.empirical.layers import RULES, rule_for
from ntkverify.empirical.recording import Recording, record
from ntkverify.errors import InvalidArgument
from ntkverify.memory import is_out_of_memory

LOOP = 1e7
"""Flops that could be done in the time of one round of a loop in Python over examples."""

LARGE = 2**22
"""Parameters from which a pass over one example costs more than one over shapes."""

MEMORY = 2**30
"""Bytes that a kernel may take beside the network and the result, unless the caller says otherwise."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """How a kernel is computed, and why.

    flops: estimated, of the method chosen; memory: its estimated peak in bytes beside the network
    and the result; block: how many examples of each side it takes at a time.
    """

    method: str
    reason: str
    flops: float
    memory: int
    block: int


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


def shape_of(net: nn.Module, x: Tensor, rest: frozenset[str] = frozenset()) -> Shape:
    """Says what one of the examples x (n, ...) costs; `rest`: parameters whose Jacobian is formed."""
    outputs, activations, layers = (_of_chain if is_plain_chain(net) else _of_module)(net, x[:1], rest)
    trainable = {name: p.numel() for name, p in net.named_parameters() if p.requires_grad}
    return Shape(
        outputs=outputs,
        layers=tuple(layers),
        rest=sum(trainable[name] for name in rest),
        parameters=sum(trainable.values()),
        activations=activations,
        bytes_per_number=x.element_size(),
    )


def _of_chain(net: nn.Module, x: Tensor, rest: frozenset[str]) -> tuple[int, int, list[Sizes]]:
    activations, layers = x.numel(), []
    shape: tuple[int, ...] = x.shape
    for module, shape in steps(net, x.shape):
        activations += math.prod(shape)
        if (rule := rule_for(module)) and rule.sizes and module.weight.requires_grad:
            layers.append(rule.sizes(module, shape))
    return shape[-1], activations, layers


def _of_module(net: nn.Module, x: Tensor, rest: frozenset[str]) -> tuple[int, int, list[Sizes]]:
    recording = _recorded(net, x)
    activations, layers = recording.values.numel(), []
    for call in recording.calls:
        activations += call.inputs.numel() + call.shape.numel()
        sizes = RULES[type(call.module)].sizes
        if sizes and call.names.get("weight") not in (None, *rest):
            layers.append(sizes(call.module, call.shape))
    return recording.values.shape[1], activations, layers


def _recorded(net: nn.Module, x: Tensor) -> Recording:
    function, parameters = function_of_parameters(net)
    if sum(value.numel() for value in parameters.values()) > LARGE:
        try:
            function, shapes = meta_function(net)
            return record(net, function, shapes, x.to("meta"))
        except RuntimeError as error:  # tensors that are no parameters
            if is_out_of_memory(error):
                raise
    return record(net, *function_of_parameters(net), x)


def jacobian_cost(shape: Shape, n1: int, n2: int, full: bool) -> tuple[float, float]:
    """Estimates (flops, bytes) of all Jacobians at once."""
    count, pairs = n1 + n2, n1 * n2 * shape.outputs ** (2 if full else 1)
    flops = count * (1 + 2 * shape.outputs) * shape.forward + 2.0 * pairs * shape.parameters
    numbers = count * shape.outputs * (2 * shape.parameters + shape.activations)
    return flops, float(numbers * shape.bytes_per_number)


def structured_cost(shape: Shape, n1: int, n2: int, full: bool) -> tuple[float, float]:
    """Estimates (flops, bytes) of structured derivatives, and of the Jacobian of the rest."""
    count, outputs, power = n1 + n2, shape.outputs, 2 if full else 1
    flops = count * (1 + outputs) * shape.forward
    numbers = count * (2 + 2 * outputs) * shape.activations
    if shape.rest:
        flops += count * 2 * outputs * shape.forward + 2.0 * n1 * n2 * outputs**power * shape.rest
        numbers += count * outputs * (2 * shape.rest + shape.activations)
    largest = 0
    for layer in shape.layers:
        first, second = (_counted(layer, n, outputs) for n in (n1, n2))
        formed, unformed = formed_flops(first, second, full), unformed_flops(first, second, full)
        flops += min(formed, unformed)
        patches = layer.positions * layer.groups * layer.fan_in
        numbers += count * patches
        if formed < unformed:
            largest = max(largest, 2 * count * outputs * layer.parameters)
        else:
            square = first.positions * second.positions * layer.groups
            largest = max(largest, 2 * n1 * n2 * square * (outputs**2 if full else 1))
    return flops, float((numbers + largest) * shape.bytes_per_number)


def _counted(layer: Sizes, count: int, outputs: int) -> Sizes:
    return Sizes(**{**vars(layer), "count": count, "outputs": outputs})


def products_cost(shape: Shape, n1: int, n2: int, full: bool) -> tuple[float, float]:
    """Estimates (flops, bytes) of one NTK-vector product for every output of every example of the second
    set."""
    flops = (
        n2 * LOOP + n2 * shape.outputs * (1 + 3 * n1) * shape.forward + n2 * 2 * shape.outputs * shape.forward
    )
    numbers = (2 + shape.outputs) * shape.parameters + 3 * n1 * shape.activations * shape.outputs
    return flops, float(numbers * shape.bytes_per_number)


COSTS: dict[str, Callable[[Shape, int, int, bool], tuple[float, float]]] = {
    "structured_derivatives": structured_cost,
    "jacobian_contraction": jacobian_cost,
    "ntk_vector_products": products_cost,
}


def choose_among(
    methods: tuple[str, ...], shape: Shape, n1: int, n2: int, *, full: bool, memory: int
) -> Choice:
    """Chooses the method of fewest flops whose blocks fit into `memory` bytes.

    Raises InvalidArgument, naming the least that would do, where none fits.
    """
    fitting = [(name, _largest_block(COSTS[name], shape, n1, n2, full, memory)) for name in methods]
    possible = []
    for name, block in fitting:
        if block:
            flops = COSTS[name](shape, n1, n2, full)[0]
            possible.append((flops, name, block, COSTS[name](shape, min(block, n1), min(block, n2), full)[1]))
    if not possible:
        least = min(COSTS[name](shape, 1, 1, full)[1] for name in methods)
        remedy = "Allow more, or move the network to a device that has it."
        raise InvalidArgument(
            "memory", f"{memory} bytes", f"at least {least:.0f}, for one pair of examples", remedy
        )
    flops, name, block, peak = min(possible)
    others = ", ".join(f"{other} {work:.3g}" for work, other, *_ in sorted(possible)[1:])
    reason = f"{flops:.3g} flops" + (f" ({others})" if others else "")
    if shape.rest:
        reason += f"; {shape.rest} of {shape.parameters} parameters are in no known layer"
    if block < max(n1, n2):
        reason += f"; {block} examples at a time keep to {memory} bytes"
    return Choice(method=name, reason=reason, flops=flops, memory=int(peak), block=block)


def _largest_block(cost: Callable, shape: Shape, n1: int, n2: int, full: bool, memory: int) -> int:
    block = max(n1, n2)
    while block and cost(shape, min(block, n1), min(block, n2), full)[1] > memory:
        block //= 2
    return block
