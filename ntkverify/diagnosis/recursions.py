"""Slips in the recursion of the NTK, each as the step that is taken in place of the right one."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator

import torch

from ntkverify.activations import SUSPECTED, Activation, Layer
from ntkverify.analytic import Kernel, propagate
from ntkverify.architecture import Linear

Step = Callable[[Layer, Kernel], Kernel]
"""The kernel behind a layer, from the kernel before it."""


def recursions() -> Iterator[tuple[str, Step]]:
    """Slips in the recursion of the NTK; that of the NNGP is right."""

    yield "the derivative's dual left out", _slope(lambda layer, kernel: torch.ones_like(kernel.ntk))
    yield (
        "the derivative's dual squared",
        _slope(lambda layer, kernel: layer.dual_derivative(kernel.moments) ** 2),
    )
    yield (
        "the dual of the activation in place of its derivative's",
        _slope(lambda layer, kernel: layer.dual(kernel.moments).covariance),
    )
    yield (
        "the derivative's dual taken one layer too late",
        _slope(lambda layer, kernel: layer.dual_derivative(layer.dual(kernel.moments))),
    )
    for activation in SUSPECTED:
        words = f"the derivative's dual of another activation, {activation}"
        yield words, _slope(lambda layer, kernel, other=activation: other.dual_derivative(kernel.moments))
    yield "biases not trained", _linear(lambda layer, before, after, number: after.ntk - layer.bias_std**2)
    yield (
        "the first layer not trained",
        _linear(lambda layer, before, after, number: 0 * after.ntk if number == 0 else after.ntk),
    )
    yield (
        "the first layer's biases not trained",
        _linear(lambda layer, before, after, number: after.ntk - layer.bias_std**2 * (number == 0)),
    )
    yield (
        "weight variance left out of the derivative's term",
        _linear(lambda layer, before, after, number: after.nngp + before.ntk),
    )
    yield (
        "hidden layers' own terms left out",
        _linear(
            lambda layer, before, after, number: (
                after.ntk if number == 0 else layer.weight_std**2 * before.ntk
            )
        ),
    )
    yield (
        "gradients to weights not scaled by weight_std",
        _linear(
            lambda layer, before, after, number: (
                (after.nngp - layer.bias_std**2) / layer.weight_std**2
                + layer.bias_std**2
                + layer.weight_std**2 * before.ntk
            )
        ),
    )
    yield (
        "gradients to biases not scaled by bias_std",
        _linear(lambda layer, before, after, number: after.ntk - layer.bias_std**2 + (layer.bias_std > 0)),
    )


def _linear(rule: Callable[[Linear, Kernel, Kernel, int], torch.Tensor]) -> Step:
    """rule: the NTK behind a Linear layer, from the layer, the kernels before and behind it, and its number.

    The step counts the Linear layers that it meets: it is for one pass through a network.
    """
    numbers = itertools.count()

    def step(layer: Layer, kernel: Kernel) -> Kernel:
        after = propagate(layer, kernel)
        if not isinstance(layer, Linear):
            return after
        return dataclasses.replace(after, ntk=rule(layer, kernel, after, next(numbers)))

    return step


def _slope(rule: Callable[[Activation, Kernel], torch.Tensor]) -> Step:
    """rule: the factor in place of the dual of the derivative."""

    def step(layer: Layer, kernel: Kernel) -> Kernel:
        after = propagate(layer, kernel)
        wrong = isinstance(layer, Activation)
        return dataclasses.replace(after, ntk=rule(layer, kernel) * kernel.ntk) if wrong else after

    return step
