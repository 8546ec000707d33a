"""Which method takes the least work, and how many examples at a time fit into memory."""

from collections.abc import Callable
from dataclasses import dataclass

from ntkverify.empirical.contraction import Sizes, formed_flops, unformed_flops
from ntkverify.empirical.shapes import Shape
from ntkverify.errors import InvalidArgument

LOOP = 1e7
"""Flops that could be done in the time of one round of a loop in Python over examples."""

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
