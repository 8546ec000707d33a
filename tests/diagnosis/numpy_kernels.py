"""A kernel as its author would write it, in NumPy, and as slips would leave it. Shares nothing with ntkverify."""

from collections.abc import Callable

import numpy as np

import ntkverify as nv

WEIGHT, BIAS, DEPTH = 1.3, 0.7, 2
ARCH = nv.mlp(inputs=4, depth=DEPTH, weight_std=WEIGHT, bias_std=BIAS)


def arccos_duals(k, q1, q2, slope=0.0):
    """E[phi phi], E[phi' phi'] of max(u, slope u) from covariances k and variances q1, q2."""
    scale = np.sqrt(np.outer(q1, q2))
    angle = np.arccos(np.clip(k / scale, -1, 1))
    kinked = scale * (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2 * np.pi)
    return slope * k + (1 - slope) ** 2 * kinked, slope + (1 - slope) ** 2 * (np.pi - angle) / (2 * np.pi)


def relu_kernels(
    x1, x2, *, depth=DEPTH, weight=WEIGHT**2, bias=BIAS**2, above=None, slope=0.0, dimension=None, late=False,
    trained_first=True, bias_gradient=None,
):  # fmt: skip
    """NNGP and NTK (n1, n2) of the network; every argument is a variance or a slip."""
    d = dimension or x1.shape[1]
    above = bias if above is None else above
    gradient = (lambda k, b: k) if bias_gradient is None else (lambda k, b: k - b + bias_gradient)
    q1, q2, k = (weight * part / d + bias for part in ((x1**2).sum(1), (x2**2).sum(1), x1 @ x2.T))
    theta = gradient(k, bias) * trained_first
    for layer in range(depth):
        b = bias if layer == depth - 1 else above
        k_next, derivative = arccos_duals(k, q1, q2, slope)
        q1, q2 = (weight * (1 + slope**2) / 2 * q + b for q in (q1, q2))
        k_raw, k = k_next, weight * k_next + b
        if late:
            derivative = arccos_duals(k_raw, (q1 - b) / weight, (q2 - b) / weight, slope)[1]
        theta = gradient(k, b) + weight * derivative * theta
    return k, theta


def ntk(**slip) -> Callable:
    return lambda x1, x2: relu_kernels(x1, x2, **slip)[1]


def on_sphere(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True) * x.shape[1] ** 0.5


def unit_diagonal(x1, x2):
    roots = [np.sqrt([relu_kernels(p[None], p[None])[1][0, 0] for p in x]) for x in (x1, x2)]
    return ntk()(x1, x2) / np.outer(*roots)


def laplace(x1, x2):
    return np.exp(-np.linalg.norm(x1[:, None] - x2[None], axis=2))


WRONG: dict[str, tuple[Callable, str]] = {
    "divided by the number of layers": (lambda x1, x2: ntk()(x1, x2) / 3, "a constant factor, 0.333333"),
    "no biases in the hidden layers": (ntk(above=0.0), "no bias in the hidden layers above the first"),
    "the last layer not trained": (
        lambda x1, x2: np.subtract(*relu_kernels(x1, x2)[::-1]),
        "the last layer's own term left out: NTK less NNGP",
    ),
    "inputs put on the sphere": (
        lambda x1, x2: ntk()(on_sphere(x1), on_sphere(x2)),
        "inputs normalised to the root of their dimension",
    ),
    "the weight variance squared": (
        ntk(weight=WEIGHT**4),
        "weight variance taken for weight_std, squared again",
    ),
    "leaky": (ntk(slope=0.1), "the dual of another activation, LeakyReLU(negative_slope=0.1)"),
    "features only": (ntk(trained_first=False), "the first layer not trained"),
    "the covariance updated too soon": (ntk(late=True), "the derivative's dual taken one layer too late"),
    "a correlation": (unit_diagonal, "normalised to a unit diagonal"),
    "biases of gradient 1": (ntk(bias_gradient=1.0), "gradients to biases not scaled by bias_std"),
    "one degree of freedom less": (
        ntk(dimension=3),
        "inner products of inputs divided by their dimension less 1",
    ),
}
"""Each with the slip that it is."""
