"""The slips that people make in kernels, each as the kernel that it gives. The simplest come first."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch

from ntkverify.activations import SUSPECTED, Activation, Layer
from ntkverify.analytic import in_metric, input_kernel, propagate
from ntkverify.architecture import Architecture, Linear
from ntkverify.diagnosis.inputs import prepared
from ntkverify.diagnosis.recursions import Step, recursions
from ntkverify.errors import NtkverifyError

T = TypeVar("T")

Named = Iterator[tuple[str, np.ndarray]]


@dataclass(frozen=True, kw_only=True)
class Kernels:
    """Both kernels (n, n) of the points x (n, d)."""

    nngp: np.ndarray
    ntk: np.ndarray

    @staticmethod
    def computed(layers: list[Layer], x: np.ndarray, step: Step = propagate) -> "Kernels":
        """Takes `step` for every layer: the kernel behind it, from the kernel before it. x: (n, d), in the metric."""
        tensor = torch.from_numpy(np.ascontiguousarray(x))
        kernel = input_kernel(tensor, tensor)
        for layer in layers:
            kernel = step(layer, kernel)
        assert kernel.ntk is not None, "both kernels are computed"
        return Kernels(nngp=kernel.nngp.numpy(), ntk=kernel.ntk.numpy())

    def part(self, name: str) -> np.ndarray:
        """Returns the kernel of the name "NNGP" or "NTK"."""
        return getattr(self, name.lower())


def slips(arch: Architecture, x: np.ndarray, name: str, got: np.ndarray) -> Named:
    """Yields (words, kernel (n, n)) for every slip that can be made in `name`, "NTK" or "NNGP", of `arch` on
    x (n, d).

    got: the wrong kernel, to which the few constants that are free are fitted.
    """
    layers, points = list(arch.walk()), mapped(arch, x)
    right = Kernels.computed(layers, points)
    yield from _whole(right, name)
    yield _factor(right.part(name), got)
    for words, changed in _layers(layers):
        yield from _tried(words, lambda it: Kernels.computed(it, points).part(name), changed)
    for words, inputs in _inputs(x):
        yield from _tried(words, lambda it: Kernels.computed(layers, mapped(arch, it)).part(name), inputs)
    for words, step in recursions() if name == "NTK" else ():
        yield from _tried(words, lambda it: Kernels.computed(layers, points, it).ntk, step)
    yield from _fitted(right.part(name), got)


def mapped(arch: Architecture, x: np.ndarray) -> np.ndarray:
    """Returns inputs (n, d) in the architecture's metric."""
    return in_metric(arch, torch.from_numpy(np.ascontiguousarray(x))).numpy()


def _tried(words: str, kernel: Callable[[T], np.ndarray], changed: T) -> Named:
    try:
        matrix = kernel(changed)
    except NtkverifyError:
        return  # no such network, or no such kernel
    yield words, matrix


def _whole(right: Kernels, name: str) -> Named:
    """The right kernels, confused or changed at the very end."""
    other = "NNGP" if name == "NTK" else "NTK"
    yield f"the {other} in place of the {name}", right.part(other)
    kernel, root = right.part(name), np.sqrt(np.diag(right.part(name)))
    yield "normalised to a unit diagonal", kernel / np.outer(root, root)
    if name == "NTK":
        yield "the last layer's own term left out: NTK less NNGP", right.ntk - right.nngp
        yield "NTK and NNGP added up: the last layer's own term counted twice", right.ntk + right.nngp


def _factor(kernel: np.ndarray, got: np.ndarray) -> tuple[str, np.ndarray]:
    factor = float(np.vdot(kernel, got) / np.vdot(kernel, kernel))
    return f"a constant factor, {factor:.6g}", factor * kernel


def _fitted(kernel: np.ndarray, got: np.ndarray) -> Named:
    """Slips with a free constant, which a slip without one is preferred to."""
    constant = float((got - kernel).mean())
    yield f"a constant added, {constant:.6g}", kernel + constant
    jitter = float(np.diag(got - kernel).mean())
    yield f"a constant on the diagonal, {jitter:.6g}", kernel + jitter * np.eye(len(kernel))


def _layers(layers: list[Layer]) -> Iterator[tuple[str, list[Layer]]]:
    """Other layers than the right ones."""
    count = sum(isinstance(layer, Linear) for layer in layers)
    activated = count > 1 and isinstance(layers[-2], Activation)
    block = layers[-2:] if activated else layers[-1:]
    for words, times in (("one hidden layer", 1), ("two hidden layers", 2)):
        yield f"{words} more", layers + times * block
        if len(layers) > times * len(block):
            yield f"{words} fewer", layers[: -times * len(block)]
    if activated:
        yield "an activation behind the last layer", [*layers, layers[-2]]
    places = {
        "anywhere": range(count), "in the first layer": (0,), "in the last layer": (count - 1,),
        "in the hidden layers above the first": range(1, count - 1), "in any layer but the first": range(1, count),
        "in any layer but the last": range(count - 1),
    }  # fmt: skip
    for where, chosen in places.items():
        yield f"no bias {where}", _changed(layers, chosen, lambda it: replace(it, bias_std=0.0))
    for where, chosen in places.items():
        yield f"weight variance 1 {where}", _changed(layers, chosen, lambda it: replace(it, weight_std=1.0))
    everywhere, above_the_first = range(count), range(1, count)
    for words, chosen, change in (
        ("bias_std taken for the variance", everywhere, lambda it: replace(it, bias_std=it.bias_std**0.5)),
        (
            "bias variance taken for bias_std, squared again",
            everywhere,
            lambda it: replace(it, bias_std=it.bias_std**2),
        ),
        (
            "weight_std taken for the variance",
            everywhere,
            lambda it: replace(it, weight_std=it.weight_std**0.5),
        ),
        (
            "weight variance taken for weight_std, squared again",
            everywhere,
            lambda it: replace(it, weight_std=it.weight_std**2),
        ),
        ("weight variance 2 in every layer", everywhere, lambda it: replace(it, weight_std=2**0.5)),
        (
            "a factor 2 in the dual activation",
            above_the_first,
            lambda it: replace(it, weight_std=2**0.5 * it.weight_std),
        ),
        (
            "half the dual activation",
            above_the_first,
            lambda it: replace(it, weight_std=0.5**0.5 * it.weight_std),
        ),
        ("bias variance 1 in every layer", everywhere, lambda it: replace(it, bias_std=1.0)),
    ):
        yield words, _changed(layers, chosen, change)
    for activation in SUSPECTED:
        yield _of_another(layers, activation)


def _of_another(layers: Sequence[Layer], activation: Activation) -> tuple[str, list[Layer]]:
    return f"the dual of another activation, {activation}", swapped(layers, activation)


def swapped(layers: Sequence[Layer], activation: Activation) -> list[Layer]:
    """Returns the layers, with that activation in place of each of theirs."""
    return [activation if isinstance(layer, Activation) else layer for layer in layers]


def _changed(layers: list[Layer], chosen: Iterable[int], change: Callable[[Linear], Linear]) -> list[Layer]:
    """The layers with the chosen ones of the Linear layers changed."""
    places = [index for index, layer in enumerate(layers) if isinstance(layer, Linear)]
    wanted = {places[number] for number in chosen}
    return [
        change(layer) if index in wanted and isinstance(layer, Linear) else layer
        for index, layer in enumerate(layers)
    ]


def _inputs(x: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Inputs normalised by the wrong quantity."""
    n, d = x.shape
    yield "inner products of inputs not divided by their dimension", x * d**0.5
    yield "inner products of inputs divided by the root of their dimension", x * d**0.25
    yield "inner products of inputs divided by their dimension twice", x / d**0.5
    yield "inner products of inputs divided by their dimension less 1", x * (d / max(d - 1, 1)) ** 0.5
    yield "inner products of inputs divided by the number of points", x * (d / n) ** 0.5
    for words, prepare in prepared():
        yield words, prepare(x)
