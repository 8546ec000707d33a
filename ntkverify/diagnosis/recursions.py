"""Slips in the recursion of the NTK, each as the step that is taken in place of the right one."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from ntkverify.activations import SUSPECTED, Activation, Layer, SecondMoments
from ntkverify.analytic import Kernel, propagate
from ntkverify.architecture import Linear

Step = Callable[[Layer, Kernel], Kernel]
"""The kernel behind a layer, from the kernel before it."""

Slope = Callable[[Activation, SecondMoments], Tensor]
"""What multiplies the NTK at an activation, (n1, n2)."""


def right_slope(layer: Activation, moments: SecondMoments) -> Tensor:
    """Returns the derivative's dual."""
    return layer.dual_derivative(moments)


def slopes() -> Iterator[tuple[str, Slope]]:
    """Yields what is taken for the derivative's dual by mistake."""
    yield "the derivative's dual left out", lambda layer, moments: torch.ones_like(moments.covariance)
    yield "the derivative's dual squared", lambda layer, moments: layer.dual_derivative(moments) ** 2
    yield (
        "the dual of the activation in place of its derivative's",
        lambda layer, moments: layer.dual(moments).covariance,
    )
    yield (
        "the derivative's dual taken one layer too late",
        lambda layer, moments: layer.dual_derivative(layer.dual(moments)),
    )
    for activation in SUSPECTED:
        yield f"the derivative's dual of another activation, {activation}", _slope_of(activation)


def recursions() -> Iterator[tuple[str, Step]]:
    """Yields slips in the recursion of the NTK; that of the NNGP is right."""
    for words, slope in slopes():
        yield words, _slope(slope)
    yield "biases not trained", _linear(lambda layer, before, nngp, ntk, number: ntk - layer.bias_std**2)
    yield (
        "the first layer not trained",
        _linear(lambda layer, before, nngp, ntk, number: 0 * ntk if number == 0 else ntk),
    )
    yield (
        "the first layer's biases not trained",
        _linear(lambda layer, before, nngp, ntk, number: ntk - layer.bias_std**2 * (number == 0)),
    )
    yield (
        "weight variance left out of the derivative's term",
        _linear(lambda layer, before, nngp, ntk, number: nngp + before),
    )
    yield (
        "hidden layers' own terms left out",
        _linear(
            lambda layer, before, nngp, ntk, number: ntk if number == 0 else layer.weight_std**2 * before
        ),
    )
    yield (
        "gradients to weights not scaled by weight_std",
        _linear(
            lambda layer, before, nngp, ntk, number: (
                (nngp - layer.bias_std**2) / layer.weight_std**2
                + layer.bias_std**2
                + layer.weight_std**2 * before
            )
        ),
    )
    yield (
        "gradients to biases not scaled by bias_std",
        _linear(lambda layer, before, nngp, ntk, number: ntk - layer.bias_std**2 + (layer.bias_std > 0)),
    )


def _linear(rule: Callable[[Linear, Tensor, Tensor, Tensor, int], Tensor]) -> Step:
    """Takes `rule` for Linear layers: the NTK behind one, from the layer, the NTK before it, the right NNGP
    and NTK behind it, and the layer's number.

    The step counts the Linear layers that it meets: it is for one pass through a network.
    """
    numbers = itertools.count()

    def step(layer: Layer, kernel: Kernel) -> Kernel:
        after = propagate(layer, kernel)
        if not isinstance(layer, Linear):
            return after
        assert kernel.ntk is not None and after.ntk is not None, "the NTK is computed beside the NNGP"
        return dataclasses.replace(after, ntk=rule(layer, kernel.ntk, after.nngp, after.ntk, next(numbers)))

    return step


def _slope_of(other: Activation) -> Slope:
    return lambda layer, moments: other.dual_derivative(moments)


def _slope(rule: Slope) -> Step:
    """Takes `rule` for activations: the factor in place of the dual of the derivative."""

    def step(layer: Layer, kernel: Kernel) -> Kernel:
        after = propagate(layer, kernel)
        if not isinstance(layer, Activation):
            return after
        assert kernel.ntk is not None, "the NTK is computed beside the NNGP"
        return dataclasses.replace(after, ntk=rule(layer, kernel.moments) * kernel.ntk)

    return step
