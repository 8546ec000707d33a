"""Kernels as people write them, right and wrong: in NumPy, in loops over pairs, in torch, of one matrix, for inputs
of norm 1, with their conventions. Formulas share nothing with ntkverify."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

import ntkverify as nv
from ntkverify import Architecture, Erf, LeakyReLU, Linear, ReLU, Sequential

FEATURES = 4
ROOT2 = 2**0.5


@dataclass(frozen=True, kw_only=True)
class Written:
    """A kernel function, how it is called, and what its author says of it.

    architecture: whose kernel `part`, "ntk" or "nngp", it claims to be, to `accuracy` inside the domain.
    takes, torch, domain: what KernelSubject and Domain take.
    slips: what is wrong, in words; none for a right one. is_really: the architecture whose kernel a wrong one is, where
    there is one; else, or else as well, said: a regular expression that an explanation matches. unsaid: one that none may.
    """

    function: Callable[..., Any]
    architecture: Architecture
    part: str = "ntk"
    accuracy: float = 1e-6
    takes: str = "matrices"
    torch: bool = False
    domain: dict[str, Any] = field(default_factory=dict)
    slips: tuple[str, ...] = ()
    is_really: Architecture | None = None
    said: str = ""
    unsaid: str = "right on ordinary inputs"

    @property
    def name(self) -> str:
        """The function's name, in words."""
        return self.function.__name__.replace("_", " ")

    def subject(self) -> nv.KernelSubject:
        """Makes the subject, as its author would."""
        how = {"architecture": self.architecture, "accuracy": self.accuracy, "takes": self.takes}
        how |= {"torch": self.torch, "domain": nv.Domain(**self.domain), self.part: self.function}
        return nv.KernelSubject(name=self.name, **how)


ALL: dict[str, Written] = {}


def written(*layers, metric=None, **fields):
    """Registers the function below, which claims to be of the `layers`."""
    arch = layers[0] if isinstance(layers[0], Architecture) else net(*layers, metric=metric)

    def register(function):
        record = Written(function=function, architecture=arch, **fields)
        ALL[record.name] = record
        return function

    return register


def net(*layers, metric=None) -> Architecture:
    return Architecture(inputs=FEATURES, layers=Sequential(*layers), metric=metric)


# ---- right ones ----


def kappa0(u):
    return (np.pi - np.arccos(np.clip(u, -1, 1))) / np.pi


def kappa1(u):
    u = np.clip(u, -1, 1)
    return (u * (np.pi - np.arccos(u)) + np.sqrt(1 - u**2)) / np.pi


@written(Linear(2.0), ReLU(), Linear(ROOT2), ReLU(), Linear(ROOT2), domain={"zero": False})
def norms_outside_and_cosines_inside(X, Z):
    """Inputs not over d; 0 / 0 at a row of zeros."""
    norms = np.linalg.norm(X, axis=1)[:, None] * np.linalg.norm(Z, axis=1)[None, :]
    sigma = ntk = X @ Z.T / norms
    for _ in range(2):
        ntk = ntk * kappa0(sigma) + kappa1(sigma)
        sigma = kappa1(sigma)
    return norms * ntk


@written(Linear(2.0, bias_rate=0.25), ReLU(), Linear(ROOT2, bias_rate=0.25), domain={"zero": False})
def biases_that_start_at_zero(x1, x2, beta=0.5):
    """At 0 all hidden units stand on their kink, where each author has a derivative of her own: 1/2 on average here."""
    g = x1 @ x2.T
    s = np.sqrt(np.outer((x1**2).sum(1), (x2**2).sum(1)))
    c = np.divide(g, s, out=np.zeros_like(g), where=s > 0).clip(-1, 1)
    t = np.arccos(c)
    k = s * (np.sin(t) + (np.pi - t) * c) / np.pi
    return k + (g + beta**2) * (np.pi - t) / np.pi + beta**2


@written(Linear(2.0), ReLU(), Linear(ROOT2), ReLU(), Linear(ROOT2), domain={"unit_norm": True})
def recursion_for_unit_norm(x, y):
    g = np.clip(x @ y.T, -1, 1)
    theta = g
    for _ in range(2):
        theta = kappa1(g) + theta * kappa0(g)
        g = kappa1(g)
    return theta


@written(Linear(ROOT2, 0.5**0.5), Erf(), Linear(1.0), part="nngp")
def arcsine_covariance_of_a_gaussian_process(X, Y):
    top = 1 + X @ Y.T
    bottom = np.outer(2 + np.sum(X * X, axis=1), 2 + np.sum(Y * Y, axis=1)) ** 0.5
    return 2 / np.pi * np.arcsin(top / bottom)


@written(nv.mlp(inputs=FEATURES, depth=2, bias_std=0.1), takes="vectors")
def one_pair_at_a_time(x, y):
    """Jacot's beta, one number for two vectors."""
    beta = 0.1
    xx, yy, xy = (sum(a * b for a, b in zip(p, q, strict=True)) / len(p) for p, q in ((x, x), (y, y), (x, y)))
    xx, yy, xy = xx + beta**2, yy + beta**2, xy + beta**2
    theta = xy
    for _ in range(2):
        t = math.acos(max(-1.0, min(1.0, xy / math.sqrt(xx * yy))))
        xy = math.sqrt(xx * yy) * (math.sin(t) + (math.pi - t) * math.cos(t)) / (2 * math.pi) + beta**2
        theta = xy + theta * (math.pi - t) / (2 * math.pi)
        xx, yy = xx / 2 + beta**2, yy / 2 + beta**2
    return theta


@written(nv.mlp(inputs=FEATURES, depth=3, weight_std=ROOT2, bias_std=0.1), takes="matrix")
def gram_matrix_of_the_training_set(X):
    sigma = 2 * X @ X.T / X.shape[1] + 0.01
    theta = sigma.copy()
    for _ in range(3):
        root = np.sqrt(np.diag(sigma))
        rho = np.clip(sigma / root[:, None] / root[None, :], -1, 1)
        angle = np.arccos(rho)
        sigma = np.outer(root, root) * (np.sqrt(1 - rho**2) + (np.pi - angle) * rho) / np.pi + 0.01
        theta = sigma + (1 - angle / np.pi) * theta
    return theta


def torch_erf_ntk(a, b, slope):
    """The NTK of 1.5 W erf(1.5 V x + 0.2 b) + 0.2 c, where the derivative's kernel has `slope` on top."""

    def cov(u, v):
        return 1.5**2 * (u * v).sum(-1) / u.shape[-1] + 0.2**2

    k, ka, kb = cov(a[:, None], b[None]), cov(a, a)[:, None], cov(b, b)[None]
    det = (1 + 2 * ka) * (1 + 2 * kb)
    nngp = 1.5**2 * (2 / torch.pi) * torch.asin(2 * k / det.sqrt()) + 0.2**2
    return nngp + 1.5**2 * slope / (det - 4 * k**2).sqrt() * k


@written(nv.mlp(inputs=FEATURES, depth=1, activation=Erf(), weight_std=1.5, bias_std=0.2), torch=True)
def torch_tensors_with_gradients(a, b):
    return torch_erf_ntk(a, b, slope=4 / torch.pi)


@written(
    Linear(ROOT2), ReLU(), Linear(ROOT2),
    accuracy=1e-3, domain={"norms": (1e-2, 1e2), "zero": False, "dtype": "float32"},
)  # fmt: skip
def float32_in_and_out(x1, x2):
    """Angles that are read off cosines in float32 have half of its digits."""
    q1, q2 = np.einsum("id,id->i", x1, x1), np.einsum("id,id->i", x2, x2)
    scale = np.sqrt(q1[:, None] * q2)
    cosine = np.minimum(np.maximum(np.einsum("id,jd->ij", x1, x2) / scale, -1), 1)
    angle = np.arccos(cosine)
    on_sphere = (np.sin(angle) + (np.pi - angle) * cosine) / np.pi + cosine * (1 - angle / np.pi)
    return 2 * scale * on_sphere / x1.shape[1]


@written(Linear(2.0, 1.0), ReLU(), Linear(ROOT2))
def ones_appended_to_the_inputs(x1, x2):
    x1, x2 = (np.hstack([x, np.ones((len(x), 1))]) for x in (x1, x2))
    n1, n2 = np.linalg.norm(x1, axis=1, keepdims=True), np.linalg.norm(x2, axis=1, keepdims=True)
    u = (x1 / n1) @ (x2 / n2).T
    return n1 * n2.T * (kappa1(u) + u * kappa0(u))


@written(Linear(ROOT2, weight_rate=0.0), ReLU(), Linear(ROOT2), ReLU(), Linear(ROOT2), domain={"zero": False})
def first_layer_fixed(X, Z):
    d = X.shape[1]
    S, SX, SZ = 2 * X @ Z.T / d, 2 * (X**2).sum(1) / d, 2 * (Z**2).sum(1) / d
    norms = np.sqrt(np.outer(SX, SZ))  # which stay as they are
    K1 = norms * kappa1(S / norms)
    K2 = norms * kappa1(K1 / norms)
    return K2 + kappa0(K1 / norms) * K1


@written(Linear(2.0), ReLU(), Linear(weight_rate=0.0), domain={"unit_norm": True})
def last_layer_not_counted(X, Y):
    """The Gram matrix H of proofs about gradient descent, whose outputs' signs are fixed."""
    H = np.empty((len(X), len(Y)))
    for i in range(len(X)):
        for j in range(len(Y)):
            inner = X[i] @ Y[j]
            H[i, j] = inner * (np.pi - np.arccos(min(max(inner, -1.0), 1.0))) / (2 * np.pi)
    return H


LENGTHS = np.array([0.5, 1.0, 2.0, 4.0])


@written(Linear(2.0, 0.3**0.5), ReLU(), Linear(3**0.5), part="nngp", metric=LENGTHS**-2)
def arc_cosine_with_a_length_for_each_feature(X, X2, variance=1.5, bias_variance=0.3):
    X, X2 = X / LENGTHS, X2 / LENGTHS
    root = np.sqrt((X**2).sum(-1) + bias_variance)
    root2 = np.sqrt((X2**2).sum(-1) + bias_variance)
    theta = np.arccos(np.clip((X @ X2.T + bias_variance) / root[:, None] / root2, -1, 1))
    J = np.sin(theta) + (np.pi - theta) * np.cos(theta)
    return variance / np.pi * J * root[:, None] * root2


FEATURE_MATRIX = np.array(
    [[2.0, 0.5, 0.0, 0.0], [0.5, 1.0, 0.2, 0.0], [0.0, 0.2, 0.5, 0.1], [0.0, 0.0, 0.1, 1.0]]
)


@written(Linear(2.0), ReLU(), Linear(ROOT2), metric=FEATURE_MATRIX)
def feature_matrix_learned_elsewhere(x, z):
    M = FEATURE_MATRIX
    nx, nz = np.sqrt(np.sum(x @ M * x, 1)), np.sqrt(np.sum(z @ M * z, 1))
    nx, nz = np.where(nx == 0, 1, nx), np.where(nz == 0, 1, nz)
    unit = (x / nx[:, None]) @ M @ (z / nz[:, None]).T
    alive = np.outer(x.any(axis=1) * nx, z.any(axis=1) * nz)
    return alive * (unit * kappa0(unit) + kappa1(unit))


@written(Linear(2.0), ReLU(), Linear(ROOT2), ReLU(), Linear((2 / 3) ** 0.5), domain={"unit_norm": True})
def one_on_the_diagonal(x, y):
    """Divided by the number of layers, for inputs of norm 1."""
    u = x @ y.T
    layers = [np.clip(u, -1, 1)]
    for _ in range(2):
        layers.append(kappa1(layers[-1]))
    ntk = layers[0]
    for below, above in zip(layers, layers[1:], strict=False):
        ntk = above + kappa0(below) * ntk
    return ntk / len(layers)


GAIN = (2 / (1 + 0.2**2)) ** 0.5


@written(nv.mlp(inputs=FEATURES, depth=2, activation=LeakyReLU(0.2), weight_std=GAIN, bias_std=0.3))
def leaky_with_its_gain(x1, x2, a=0.2, bias=0.09):
    gain, d = 2 / (1 + a * a), x1.shape[1]
    k, p, q = gain * x1 @ x2.T / d + bias, gain * (x1**2).sum(1) / d + bias, gain * (x2**2).sum(1) / d + bias
    theta = k
    for _ in range(2):
        s = np.sqrt(np.outer(p, q))
        dot = a + (1 - a) ** 2 * kappa0(k / s) / 2
        k = gain * (a * k + (1 - a) ** 2 * s * kappa1(k / s) / 2) + bias
        theta, p, q = k + gain * dot * theta, p + bias, q + bias
    return theta


@written(Linear(2.0), ReLU(), Linear(0.0, weight_rate=2.0))
def head_that_starts_at_zero(x1, x2):
    """Nothing comes through a head of zeros, so that it alone moves."""
    s = np.outer(np.linalg.norm(x1, axis=1), np.linalg.norm(x2, axis=1))
    with np.errstate(invalid="ignore"):
        return s * kappa1(np.nan_to_num(x1 @ x2.T / s))


@written(nv.mlp(inputs=FEATURES, depth=1, weight_std=ROOT2, bias_std=0.5).standard(256))
def standard_parameterisation(x1, x2, width=256):
    g, d = x1 @ x2.T, x1.shape[1]
    k, p, q = 2 * g / d + 0.25, 2 * (x1**2).sum(1) / d + 0.25, 2 * (x2**2).sum(1) / d + 0.25
    s = np.sqrt(np.outer(p, q))
    return width * s * kappa1(k / s) / 2 + 1 + kappa0(k / s) * (g + 1)


# ---- wrong ones ----


def dense_relu_ntk(x1, x2, *, variances, biases, d=None, first=None, half=1.0):
    """The NTK (n1, n2) of a ReLU network, as a table of numbers: one variance and one bias variance a layer."""
    d = d or x1.shape[1]
    grams = (x1 @ x2.T, (x1**2).sum(1), (x2**2).sum(1))
    k, p, q = (variances[0] * gram / d + biases[0] for gram in grams)
    theta = first if first is not None else k
    for variance, bias in zip(variances[1:], biases[1:], strict=True):
        s = np.sqrt(np.outer(p, q))
        u = k / s
        k, p, q = variance / 2 * s * kappa1(u) + bias, variance / 2 * p + bias, variance / 2 * q + bias
        theta = k + half * variance / 2 * kappa0(u) * theta
    return theta


@written(
    nv.mlp(inputs=FEATURES, depth=2, weight_std=ROOT2, bias_std=0.1),
    slips=("inputs not over d",),
    is_really=net(Linear(8**0.5, 0.1), ReLU(), Linear(ROOT2, 0.1), ReLU(), Linear(ROOT2, 0.1)),
)
def forgot_the_dimension(x1, x2):
    return dense_relu_ntk(x1, x2, variances=[2, 2, 2], biases=[0.01] * 3, d=1)


@written(
    nv.mlp(inputs=FEATURES, depth=1, weight_std=ROOT2, bias_std=0.5),
    slips=("the recursion starts at 0: no term of the first layer", "no bias in the last layer"),
    is_really=net(Linear(ROOT2, 0.5, weight_rate=0.0, bias_rate=0.0), ReLU(), Linear(ROOT2)),
)
def starts_from_nothing(x1, x2):
    return dense_relu_ntk(x1, x2, variances=[2, 2], biases=[0.25, 0], first=0.0)


@written(
    Linear(2.0), ReLU(), Linear(ROOT2),
    domain={"zero": False}, slips=("a clip at 1 - 1e-7",), said=r"1e-0?7",
)  # fmt: skip
def clipped_below_one(x1, x2):
    s = np.outer(np.linalg.norm(x1, axis=1), np.linalg.norm(x2, axis=1))
    u = np.clip(x1 @ x2.T / s, -1 + 1e-7, 1 - 1e-7)
    return s * (kappa1(u) + u * kappa0(u))


@written(
    nv.mlp(inputs=FEATURES, depth=2, weight_std=ROOT2, bias_std=0.3),
    slips=("half the derivative's kernel",),
    is_really=net(
        Linear(ROOT2, 0.3, weight_rate=0.5, bias_rate=0.0225), ReLU(),
        Linear(ROOT2, 0.3, weight_rate=1.0, bias_rate=0.045), ReLU(), Linear(ROOT2, 0.3),
    ),
)  # fmt: skip
def two_pi_for_pi(x1, x2):
    return dense_relu_ntk(x1, x2, variances=[2, 2, 2], biases=[0.09] * 3, half=0.5)


@written(
    nv.mlp(inputs=FEATURES, depth=2, weight_std=ROOT2, bias_std=0.3),
    slips=("the bias' deviation in place of its variance",),
    is_really=nv.mlp(inputs=FEATURES, depth=2, weight_std=ROOT2, bias_std=0.3**0.5),
)
def deviation_not_squared(x1, x2):
    return dense_relu_ntk(x1, x2, variances=[2, 2, 2], biases=[0.3] * 3)


@written(
    nv.mlp(inputs=FEATURES, depth=2, weight_std=1.3, bias_std=0.7),
    slips=("one hidden layer more",),
    said="one hidden layer more|one layer more",
    is_really=nv.mlp(inputs=FEATURES, depth=3, weight_std=1.3, bias_std=0.7),
)
def off_by_one_layer(x1, x2, depth=2):
    layers = [1.69] * (depth + 2)
    return dense_relu_ntk(x1, x2, variances=layers, biases=[0.49] * len(layers))


@written(
    Linear(ROOT2, 0.1), ReLU(), Linear(ROOT2, 0.1),
    slips=("the NNGP in place of the NTK",),
    said="NNGP in place of the NTK",
    is_really=net(Linear(ROOT2, 0.1, weight_rate=0.0, bias_rate=0.0), ReLU(), Linear(ROOT2, 0.1)),
)  # fmt: skip
def returned_the_other_one(X, Y):
    covs = []
    for a, b in ((X, Y), (X, X), (Y, Y)):
        covs.append(a @ b.T / 2 + 0.01)
    both = np.sqrt(np.outer(np.diag(covs[1]), np.diag(covs[2])))
    nngp = both * kappa1(covs[0] / both) + 0.01
    ntk = nngp + covs[0] * kappa0(covs[0] / both)
    ntk, nngp = nngp, ntk
    return ntk


@written(
    Linear(1.5, 0.5), Erf(), Linear(1.0), part="nngp",
    slips=("erf(u / sqrt 2) in place of erf(u)",),
    is_really=net(Linear(1.5 / ROOT2, 0.5 / ROOT2), Erf(), Linear(1.0)),
)  # fmt: skip
def normal_distribution_function_for_erf(X, Y):
    weights, bias = 1.5**2 / X.shape[1], 0.25
    qx, qy = weights * (X * X).sum(1) + bias, weights * (Y * Y).sum(1) + bias
    return 2 / np.pi * np.arcsin((weights * X @ Y.T + bias) / np.sqrt(np.outer(1 + qx, 1 + qy)))


@written(
    nv.mlp(inputs=FEATURES, depth=1, activation=LeakyReLU(0.1), weight_std=1.4, bias_std=0.3),
    slips=("ReLU in place of LeakyReLU", "inputs not over d"),
    is_really=net(Linear(2.8, 0.3), ReLU(), Linear(1.4, 0.3)),
)
def leak_and_dimension_forgotten(x1, x2):
    return dense_relu_ntk(x1, x2, variances=[1.96, 1.96], biases=[0.09, 0.09], d=1)


@written(
    nv.mlp(inputs=FEATURES, depth=1, weight_std=ROOT2, bias_std=0.5),
    slips=("divided by the roots of the diagonal",), said="diagonal",
)  # fmt: skip
def made_a_correlation(x1, x2):
    def ntk(a, b):
        return dense_relu_ntk(a, b, variances=[2, 2], biases=[0.25, 0.25])

    return ntk(x1, x2) / np.sqrt(np.outer(np.diag(ntk(x1, x1)), np.diag(ntk(x2, x2))))


@written(
    nv.mlp(inputs=FEATURES, depth=1, weight_std=ROOT2, bias_std=0.5), takes="matrix",
    slips=("1e-3 added to the diagonal",), said=r"diagonal.*(0\.001|1e-0?3)",
)  # fmt: skip
def ridge_left_in(X):
    return dense_relu_ntk(X, X, variances=[2, 2], biases=[0.25, 0.25]) + 1e-3 * np.eye(len(X))


@written(
    Linear(2.0, 0.5), ReLU(), Linear(ROOT2, 0.5),
    domain={"zero": False},
    slips=("biases that start at 0 in place of random ones",),
    is_really=net(Linear(2.0, bias_rate=0.25), ReLU(), Linear(ROOT2, bias_rate=0.25)),
)  # fmt: skip
def biases_in_the_tangent_kernel_alone(x1, x2):
    return biases_that_start_at_zero(x1, x2)


@written(
    Linear(2.0), ReLU(), Linear(ROOT2),
    domain={"zero": False}, slips=("norms of the first batch for both",),
)  # fmt: skip
def norms_of_one_batch_for_both(x1, x2):
    """Right for a square matrix of one batch."""
    norms = np.linalg.norm(x1, axis=1)
    s = np.outer(norms, np.resize(norms, len(x2)))
    u = x1 @ x2.T / s
    return s * (kappa1(u) + u * kappa0(u))


@written(
    nv.mlp(inputs=FEATURES, depth=1, weight_std=ROOT2, bias_std=0.5),
    slips=("float32 inside",), said="float32",
)  # fmt: skip
def float32_on_the_way(x1, x2):
    x1, x2 = x1.astype(np.float32), x2.astype(np.float32)
    return dense_relu_ntk(x1, x2, variances=[2, 2], biases=[0.25, 0.25]).astype(np.float64)


@written(
    Linear(1.5, 0.3), ReLU(), Linear(1.5, 0.3),
    domain={"zero": False},
    slips=("inputs not over d", "no bias in the first layer", "weight variance 1 in the last layer"),
    is_really=net(Linear(3.0), ReLU(), Linear(1.0, 0.3)),
)  # fmt: skip
def three_at_once(x1, x2):
    return dense_relu_ntk(x1, x2, variances=[2.25, 1.0], biases=[0.0, 0.09], d=1)


@written(
    Linear(2.0), ReLU(), Linear(ROOT2),
    slips=("a 1 appended to the inputs",),
    is_really=net(Linear(2.0, 1.0), ReLU(), Linear(ROOT2)),
)  # fmt: skip
def intercept_that_nobody_mentioned(x1, x2):
    return ones_appended_to_the_inputs(x1, x2)


@written(
    nv.mlp(inputs=FEATURES, depth=1, activation=Erf(), weight_std=1.5, bias_std=0.2), torch=True,
    slips=("half the derivative's kernel",),
    is_really=net(Linear(1.5, 0.2, weight_rate=1.125, bias_rate=0.02), Erf(), Linear(1.5, 0.2)),
)  # fmt: skip
def derivative_of_erf_misremembered(a, b):
    return torch_erf_ntk(a, b, slope=2 / torch.pi)


@written(
    nv.mlp(inputs=FEATURES, depth=2, bias_std=0.1), takes="vectors",
    slips=("the last layer's own term twice", "the bias variance twice as large"),
    is_really=net(
        Linear(1.0, 0.02**0.5), ReLU(), Linear(1.0, 0.02**0.5), ReLU(),
        Linear(1.0, 0.02**0.5, weight_rate=2.0, bias_rate=0.04),
    ),
)  # fmt: skip
def both_kernels_added(x, y):
    xx, yy, xy = x @ x / len(x) + 0.02, y @ y / len(y) + 0.02, x @ y / len(x) + 0.02
    theta = xy
    for _ in range(2):
        u = xy / np.sqrt(xx * yy)
        xy = np.sqrt(xx * yy) * kappa1(u) / 2 + 0.02
        theta = xy + theta * kappa0(u) / 2
        xx, yy = xx / 2 + 0.02, yy / 2 + 0.02
    return theta + xy


RIGHT = {name: one for name, one in ALL.items() if not one.slips}
WRONG = {name: one for name, one in ALL.items() if one.slips}
