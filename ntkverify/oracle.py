"""The same kernels by numeric integration: shares no code with the closed forms.

An activation enters as a function alone; its derivative is PyTorch's. Expectations over a pair of
Gaussians are taken in polar coordinates, where a kink at 0 lies on four rays between which the
integrand is smooth. The recursion is that of Jacot, Gabriel & Hongler 2018, Theorem 1.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.polynomial.legendre import leggauss

from ntkverify.activations import Activation
from ntkverify.architecture import Architecture, Linear

Function = Callable[[np.ndarray], np.ndarray]

TAIL, GROWTH = 12.0, 6.0
"""A standard Gaussian carries less than any rounding beyond TAIL: exp(-TAIL^2 / 2) < 1e-31. An activation
that grows like exp moves its weight out by up to the standard deviation, which is followed up to GROWTH."""


def functions(activation: Activation) -> tuple[Function, Function]:
    """phi and its derivative, elementwise on arrays."""

    def phi(x: np.ndarray) -> np.ndarray:
        return activation(torch.from_numpy(x)).numpy()

    def derivative(x: np.ndarray) -> np.ndarray:
        at = torch.from_numpy(x).requires_grad_()
        return torch.autograd.grad(activation(at).sum(), at)[0].numpy()

    return phi, derivative


def mean_of_square(function: Function, variance: float, panels: int = 24) -> float:
    """E f(u)^2 for u ~ N(0, variance)."""
    z, weights = _panels(np.linspace(0, TAIL + 2 * min(math.sqrt(variance), GROWTH), panels + 1))
    density = weights * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    u = math.sqrt(variance) * z
    return float(density @ (function(u) ** 2 + function(-u) ** 2))


def mean_of_product(function: Function, a: float, c: float, b: float, panels: int = 24) -> float:
    """E f(u) f(v) for (u, v) ~ N(0, [[a, c], [c, b]])."""
    if a == 0 or b == 0:
        return mean_of_square(function, a) ** 0.5 * mean_of_square(function, b) ** 0.5
    angle = math.atan2(math.sqrt(max(a * b - c * c, 0.0)), c)
    rays = np.array([-np.pi / 2, np.pi / 2, angle - np.pi / 2, angle + np.pi / 2])
    rays = np.unique(np.concatenate([rays, [1.5 * np.pi]]))
    t, weights_t = _panels(rays, panels)
    reach = TAIL + min(math.sqrt(a), GROWTH) + min(math.sqrt(b), GROWTH)
    r, weights_r = _panels(np.linspace(0, reach, panels + 1))
    u = math.sqrt(a) * np.outer(np.cos(t), r)
    v = math.sqrt(b) * np.outer(np.cos(t - angle), r)
    radial = weights_r * r * np.exp(-(r**2) / 2) / (2 * math.pi)
    return float(weights_t @ (function(u) * function(v)) @ radial)


def inner(arch: Architecture, x: np.ndarray, y: np.ndarray) -> float:
    """The inner product of two inputs (d,) in the architecture's metric, over d."""
    metric = np.eye(len(x)) if arch.metric is None else np.array(arch.metric)
    return float(x @ (metric[0] * y if len(metric) == 1 else metric @ y)) / len(x)


def own_term(layer: Linear, covariance: float) -> float:
    """What a layer's own parameters add to the NTK, from the covariance of its inputs."""
    weight_rate, bias_rate = layer.rates
    return weight_rate * covariance + bias_rate


def kernels_of_pair(arch: Architecture, x: np.ndarray, y: np.ndarray, panels: int = 24) -> dict[str, float]:
    """NNGP and NTK of two points, x and y (d,) each."""
    covariances, theta = np.array([inner(arch, x, x), inner(arch, x, y), inner(arch, y, y)]), 0.0
    for layer in arch.walk():
        if isinstance(layer, Linear):
            theta = own_term(layer, covariances[1]) + layer.weight_std**2 * theta
            covariances = layer.weight_std**2 * covariances + layer.bias_std**2
        elif isinstance(layer, Activation):
            (phi, derivative), (a, c, b) = functions(layer), covariances
            theta = mean_of_product(derivative, a, c, b, panels) * theta
            covariances = np.array(
                [
                    mean_of_square(phi, a, panels),
                    mean_of_product(phi, a, c, b, panels),
                    mean_of_square(phi, b, panels),
                ]
            )
    return {"NNGP": float(covariances[1]), "NTK": float(theta)}


def kernels_of_point(arch: Architecture, x: np.ndarray, panels: int = 24) -> dict[str, float]:
    """NNGP and NTK of a point (d,) with itself."""
    variance, theta = inner(arch, x, x), 0.0
    for layer in arch.walk():
        if isinstance(layer, Linear):
            theta = own_term(layer, variance) + layer.weight_std**2 * theta
            variance = layer.weight_std**2 * variance + layer.bias_std**2
        elif isinstance(layer, Activation):
            phi, derivative = functions(layer)
            theta = mean_of_square(derivative, variance, panels) * theta
            variance = mean_of_square(phi, variance, panels)
    return {"NNGP": float(variance), "NTK": float(theta)}


def _panels(breaks: np.ndarray, nodes: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Legendre nodes and weights on each interval between `breaks`, all in one row."""
    x, w = leggauss(nodes)
    half = np.diff(breaks)[:, None] / 2
    return ((breaks[:-1, None] + half) + half * x).ravel(), (half * w).ravel()
