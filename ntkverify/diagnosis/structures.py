"""What a kernel may be apart from its numbers: layers, what is taken for the derivative's dual, prepared inputs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from ntkverify.activations import SUSPECTED, Activation, Layer, SecondMoments
from ntkverify.activations.numeric import any_integrated
from ntkverify.analytic import Kernel, in_metric, input_kernel, propagate
from ntkverify.architecture import Architecture, Linear
from ntkverify.diagnosis.inputs import prepared
from ntkverify.diagnosis.recursions import Slope, right_slope, slopes
from ntkverify.diagnosis.slips import swapped

Numbers = tuple[float, float]
"""Of a Linear layer: the variance of its weights, times fan_in, and of its biases."""

LEAST = 1e-12
"""A weight variance that stands for 0, which a layer without a rate of its own may not have."""


@dataclass(frozen=True, kw_only=True)
class Structure:
    """A recursion whose Linear layers have no numbers yet.

    layers: from input to output. slope: what is taken for the derivative's dual. prepare: what is done to inputs
    (n, d) first. clip: the least that 1 - |cosine| is taken for. words: how it differs from what was claimed.
    """

    arch: Architecture
    layers: tuple[Layer, ...]
    slope: Slope = right_slope
    prepare: Callable[[np.ndarray], np.ndarray] = field(default=lambda x: x)
    clip: float = 0.0
    words: tuple[str, ...] = ()

    @property
    def is_slow(self) -> bool:
        """Tells whether duals are integrated numerically."""
        return any_integrated(self.layers)

    @property
    def depth(self) -> int:
        """Is the number of Linear layers but for the last."""
        return sum(isinstance(layer, Linear) for layer in self.layers) - 1

    def basis(self, name: str, x: np.ndarray, numbers: list[Numbers]) -> np.ndarray:
        """Returns what the kernel of points x (n, d) is a sum of, (terms, n, n), given the numbers of the Linear layers
        but for the last.

        The NTK is sum_l (r_l E_l + s_l) D_l+1 ... D_L, whose terms come layer by layer, weights before biases, and
        where variances of weights stand in the coefficients; the NNGP kernel is w E + v of the last layer alone.
        """
        points = in_metric(self.arch, torch.from_numpy(np.ascontiguousarray(self.prepare(x))))
        moments, following = self._clipped(input_kernel(points, points).moments), iter(numbers)
        terms: list[Tensor] = []
        for layer in self.layers:
            if isinstance(layer, Linear):
                terms += [moments.covariance, torch.ones_like(moments.covariance)]
                if pair := next(following, None):
                    weights, biases = pair
                    shifted = Linear(max(weights, LEAST) ** 0.5, max(biases, 0.0) ** 0.5)
                    moments = propagate(shifted, Kernel(moments=moments, ntk=None)).moments
            elif isinstance(layer, Activation):
                seen = self._clipped(moments)
                if name == "NTK":
                    derivative = self.slope(layer, seen)
                    terms = [derivative * term for term in terms]
                moments = layer.dual(seen)
        return torch.stack(terms if name == "NTK" else terms[-2:]).numpy()

    def _clipped(self, moments: SecondMoments) -> SecondMoments:
        if not self.clip:
            return moments
        below, above = (
            one.clamp(min=self.clip, max=2 - self.clip)
            for one in (moments.one_minus_cosine, moments.one_plus_cosine)
        )
        return replace(moments, one_minus_cosine=below, one_plus_cosine=above)


def claimed(arch: Architecture) -> Structure:
    """Returns the structure that is claimed."""
    return Structure(arch=arch, layers=arch.walk())


def variants(arch: Architecture) -> Iterator[Structure]:
    """Yields structures that differ from the one claimed in one thing other than the number of layers."""
    right = claimed(arch)
    for words, slope in slopes():
        if words.startswith("the derivative's dual of another"):
            continue
        yield replace(right, slope=slope, words=(words,))
    for activation in SUSPECTED:
        if activation not in arch.activations:
            yield _swapped(right, activation)
    for words, prepare in prepared():
        yield replace(right, prepare=prepare, words=(words,))


def depths(arch: Architecture) -> Iterator[Structure]:
    """Yields structures of other numbers of layers."""
    yield from _depths(claimed(arch))


def pairs(arch: Architecture) -> Iterator[Structure]:
    """Yields structures that differ in two: another number of layers, and another activation or slope."""
    for deeper in _depths(claimed(arch)):
        for activation in SUSPECTED:
            if activation not in arch.activations:
                yield _swapped(deeper, activation)
        for words, slope in slopes():
            if not words.startswith("the derivative's dual of another"):
                yield replace(deeper, slope=slope, words=(*deeper.words, words))


def _swapped(structure: Structure, activation: Activation) -> Structure:
    words = (*structure.words, f"activation {activation}")
    return replace(structure, layers=tuple(swapped(structure.layers, activation)), words=words)


def _depths(right: Structure) -> Iterator[Structure]:
    layers = right.layers
    block = layers[-2:] if len(layers) > 1 and isinstance(layers[-2], Activation) else layers[-1:]
    for times, number in ((1, "one"), (2, "two")):
        words = f"{number} hidden layer{'s' * (times > 1)}"
        if len(layers) > times * len(block):
            yield replace(right, layers=layers[: -times * len(block)], words=(f"{words} fewer",))
        yield replace(right, layers=layers + times * block, words=(f"{words} more",))
