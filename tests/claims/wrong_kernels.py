"""Kernels with one slip each, of the kinds that people make in this recursion."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from ntkverify.activations import Activation, Erf, Layer, ReLU
from ntkverify.analytic import Kernel, in_metric, input_kernel, propagate
from ntkverify.architecture import Linear
from ntkverify.diagnosis.slips import swapped
from ntkverify.subjects import BuiltinSubject

Layers = list[Layer]
Matrix = torch.Tensor


@dataclass(frozen=True)
class Wrong(BuiltinSubject):
    """The right recursion, with one part replaced.

    metric: whether inputs are taken in it. layers: changes the layers. inputs: changes both inputs (n, d). first: the kernel of two sets of
    inputs. step: the kernel behind one layer. result: (kernel at the output, part asked for, x1, x2).
    """

    metric: bool = True
    layers: Callable[[Layers], Layers] = lambda layers: layers
    inputs: Callable[[Matrix], Matrix] = lambda x: x
    first: Callable[[Matrix, Matrix], Kernel] = input_kernel
    step: Callable[[Layer, Kernel], Kernel] = propagate
    result: Callable[[Kernel, str, Matrix, Matrix], Matrix] = lambda kernel, part, x1, x2: getattr(
        kernel, part
    )

    def _kernel(self, part: str, arch, x1, x2):
        numpy = not isinstance(x1, torch.Tensor)
        x1, x2 = (torch.as_tensor(np.ascontiguousarray(x) if numpy else x) for x in (x1, x2))
        if self.metric:
            x1, x2 = in_metric(arch, x1), in_metric(arch, x2)
        kernel = self.first(self.inputs(x1), self.inputs(x2))
        for layer in self.layers(list(arch.walk())):
            kernel = self.step(layer, kernel)
        matrix = self.result(kernel, part, x1, x2)
        return matrix.detach().numpy() if numpy else matrix

    def nngp(self, arch, x1, x2):
        return self._kernel("nngp", arch, x1, x2)

    def ntk(self, arch, x1, x2):
        return self._kernel("ntk", arch, x1, x2)


def linears(change: Callable[[Linear], Linear], where=slice(None)) -> Callable[[Layers], Layers]:
    """Changes the Linear layers that `where` selects."""

    def changed(layers: Layers) -> Layers:
        places = [index for index, layer in enumerate(layers) if isinstance(layer, Linear)][where]
        return [change(layer) if index in places else layer for index, layer in enumerate(layers)]

    return changed


def with_derivative(dual_derivative) -> Callable[[Layer, Kernel], Kernel]:
    """A step whose derivative kernel is `dual_derivative(layer, moments)`."""

    def step(layer: Layer, kernel: Kernel) -> Kernel:
        if not isinstance(layer, Activation):
            return propagate(layer, kernel)
        return Kernel(
            moments=layer.dual(kernel.moments), ntk=dual_derivative(layer, kernel.moments) * kernel.ntk
        )

    return step


def with_ntk(rule: Callable[[Linear, Kernel, Kernel], Matrix]) -> Callable[[Layer, Kernel], Kernel]:
    """A step whose NTK behind a Linear layer is rule(layer, kernel before, kernel behind)."""

    def step(layer: Layer, kernel: Kernel) -> Kernel:
        after = propagate(layer, kernel)
        return replace(after, ntk=rule(layer, kernel, after)) if isinstance(layer, Linear) else after

    return step


def doubled_dual(layer: Layer, kernel: Kernel) -> Kernel:
    after = propagate(layer, kernel)
    return (
        replace(after, moments=propagate(Linear(2**0.5), after).moments)
        if isinstance(layer, Activation)
        else after
    )


def through_arccos(x1: Matrix, x2: Matrix) -> Kernel:
    kernel = input_kernel(x1, x2)
    scale = kernel.moments.scale
    cosine = (kernel.nngp / torch.where(scale > 0, scale, 1)).clamp(-1, 1)
    return replace(
        kernel, moments=replace(kernel.moments, one_minus_cosine=1 - cosine, one_plus_cosine=1 + cosine)
    )


def in_float32(x1: Matrix, x2: Matrix) -> Kernel:
    return input_kernel(x1.float(), x2.float())


def one_variance_for_both(x1: Matrix, x2: Matrix) -> Kernel:
    kernel = input_kernel(x1, x2)
    moments = kernel.moments
    return replace(kernel, moments=replace(moments, variance2=moments.variance1.mean().expand(len(x2))))


def unguarded_norm(x1: Matrix, x2: Matrix) -> Kernel:
    kernel = input_kernel(x1, x2)
    poison = (0 * x1).sum(dim=1)[:, None] / x1.norm(dim=1)[:, None]
    return replace(kernel, moments=replace(kernel.moments, covariance=kernel.nngp + 0 * poison))


def unguarded_root(x1: Matrix, x2: Matrix) -> Kernel:
    """Right values; but the root of a sum of squares has no gradient at 0."""
    kernel = input_kernel(x1, x2)
    nothing = 0 * (x1**2).sum(dim=1).sqrt()[:, None]
    return replace(kernel, moments=replace(kernel.moments, covariance=kernel.nngp + nothing))


def angles_from(smallest: float):
    def first(x1: Matrix, x2: Matrix) -> Kernel:
        kernel = input_kernel(x1, x2)
        deficit = kernel.moments.one_minus_cosine
        deficit = torch.where(deficit > 0, deficit.clamp(min=smallest**2 / 2), deficit)
        return replace(kernel, moments=replace(kernel.moments, one_minus_cosine=deficit))

    return first


def same(x1: Matrix, x2: Matrix) -> bool:
    return x1.shape == x2.shape and bool((x1 == x2).all())


def other_part(kernel: Kernel, part: str, x1, x2) -> Matrix:
    return kernel.ntk if part == "nngp" else kernel.nngp


def jitter(kernel: Kernel, part: str, x1, x2) -> Matrix:
    matrix = getattr(kernel, part)
    return matrix + 1e-6 * torch.eye(len(x1)) * matrix.diagonal().mean() if same(x1, x2) else matrix


def diagonal_by_index(kernel: Kernel, part: str, x1, x2) -> Matrix:
    matrix = getattr(kernel, part).clone()
    if matrix.shape[0] == matrix.shape[1]:
        matrix.fill_diagonal_(float(matrix.detach().diagonal().max()))
    return matrix


def constant_subtracted(kernel: Kernel, part: str, x1, x2) -> Matrix:
    matrix = getattr(kernel, part)
    return matrix - 0.24 * matrix.abs().max()


def transposed(kernel: Kernel, part: str, x1, x2) -> Matrix:
    return getattr(kernel, part).T if len(x1) == len(x2) else getattr(kernel, part)


def upper_half_only(kernel: Kernel, part: str, x1, x2) -> Matrix:
    matrix = getattr(kernel, part)
    return matrix.triu() if same(x1, x2) else matrix


def gradient_cut(layer: Layer, kernel: Kernel) -> Kernel:
    after = propagate(layer, kernel)
    return replace(after, ntk=after.ntk.detach()) if isinstance(layer, Activation) else after


def scaled_ntk(factor: float):
    return lambda kernel, part, x1, x2: getattr(kernel, part) * (factor if part == "ntk" else 1)


def wrong_activation(layer: Activation, moments) -> Matrix:
    return (ReLU() if isinstance(layer, Erf) else Erf()).dual_derivative(moments)


def first_deviations(layers):
    """Gives every layer that starts at random the deviations of the first."""
    first = next(layer for layer in layers if isinstance(layer, Linear))
    numbers = {"weight_std": first.weight_std, "bias_std": first.bias_std}
    return linears(lambda layer: replace(layer, **numbers) if layer.weight_std else layer)(layers)


def first_activation(layers):
    """Gives every hidden layer the activation of the first."""
    activations = [layer for layer in layers if isinstance(layer, Activation)]
    return swapped(layers, activations[0]) if activations else layers


def without_first_bias(layers: Layers) -> Layers:
    return linears(lambda layer: replace(layer, bias_std=0.0), slice(1))(layers)


WRONG_KERNELS = {
    "the first layer's deviations everywhere": Wrong(layers=first_deviations),
    "the first activation everywhere": Wrong(layers=first_activation),
    "metric forgotten": Wrong(metric=False),
    "rates of biases forgotten": Wrong(layers=linears(lambda layer: replace(layer, bias_rate=None))),
    "frozen weights that move": Wrong(
        layers=linears(lambda layer: replace(layer, weight_rate=layer.weight_rate or None))
    ),
    "rates taken for their roots": Wrong(
        layers=linears(lambda layer: replace(layer, weight_rate=layer.weight_rate and layer.weight_rate**2))
    ),
    "derivative kernel squared": Wrong(
        step=with_derivative(lambda layer, moments: layer.dual_derivative(moments) ** 2)
    ),
    "derivative kernel forgotten": Wrong(
        step=with_derivative(lambda layer, moments: torch.ones_like(moments.covariance))
    ),
    "derivative of the wrong activation": Wrong(step=with_derivative(wrong_activation)),
    "derivative kernel cut out of the gradient": Wrong(step=gradient_cut),
    "no bias anywhere": Wrong(layers=linears(lambda layer: replace(layer, bias_std=0.0))),
    "no bias in the first layer": Wrong(layers=without_first_bias),
    "no bias in the last layer": Wrong(
        layers=linears(lambda layer: replace(layer, bias_std=0.0), slice(-1, None))
    ),
    "bias counted twice": Wrong(
        layers=linears(lambda layer: replace(layer, bias_std=2**0.5 * layer.bias_std))
    ),
    "bias std for its variance": Wrong(
        layers=linears(lambda layer: replace(layer, bias_std=layer.bias_std**0.5))
    ),
    "a bias where there is none": Wrong(
        layers=linears(lambda layer: replace(layer, bias_std=layer.bias_std or 0.1))
    ),
    "weight std for its variance": Wrong(
        layers=linears(lambda layer: replace(layer, weight_std=layer.weight_std**0.5))
    ),
    "weight variance left out of the NTK": Wrong(
        step=with_ntk(lambda layer, before, after: after.nngp + before.ntk)
    ),
    "hidden layers' own term left out": Wrong(
        step=with_ntk(lambda layer, before, after: after.ntk - 0.5 * after.nngp)
    ),
    "biases not trained": Wrong(step=with_ntk(lambda layer, before, after: after.ntk - layer.bias_std**2)),
    "one layer too many": Wrong(layers=lambda layers: layers + layers[-2:]),
    "one layer too few": Wrong(layers=lambda layers: layers[:-2] if len(layers) > 3 else layers[:1]),
    "layers above the twentieth left out": Wrong(layers=lambda layers: layers[:41]),
    "dual too large by 2": Wrong(step=doubled_dual),
    "inputs not divided by the dimension": Wrong(inputs=lambda x: x * x.shape[1] ** 0.5),
    "inputs divided by the number of points": Wrong(inputs=lambda x: x * (x.shape[1] / len(x)) ** 0.5),
    "inputs scaled to norm 1": Wrong(inputs=lambda x: x / x.norm(dim=1, keepdim=True).clamp(min=1e-300)),
    "the last feature left out": Wrong(inputs=lambda x: torch.cat([x[:, :-1], 0 * x[:, -1:]], dim=1)),
    "inputs centred over the batch": Wrong(inputs=lambda x: x - x.mean(dim=0)),
    "inputs centred over the features": Wrong(inputs=lambda x: x - 0.5 * x.mean(dim=1, keepdim=True)),
    "an epsilon under the norm": Wrong(
        inputs=lambda x: x * (1 + 1e-5 / x.norm(dim=1, keepdim=True).clamp(min=1e-300)) ** 0.5
    ),
    "one variance for both points": Wrong(first=one_variance_for_both),
    "NNGP and NTK exchanged": Wrong(result=other_part),
    "NNGP returned for NTK": Wrong(result=lambda kernel, part, x1, x2: kernel.nngp),
    "NTK of half the size": Wrong(result=scaled_ntk(0.5)),
    "NTK too large by a part in a million": Wrong(result=scaled_ntk(1 + 1e-6)),
    "cross-kernel transposed": Wrong(result=transposed),
    "only the upper half filled": Wrong(result=upper_half_only),
    "diagonal known by its index": Wrong(result=diagonal_by_index),
    "jitter on the diagonal": Wrong(result=jitter),
    "a constant subtracted": Wrong(result=constant_subtracted),
    "float32 inside": Wrong(first=in_float32),
    "angles through arccos": Wrong(first=through_arccos),
    "small angles rounded up": Wrong(first=angles_from(1e-3)),
    "norms divided by without looking": Wrong(first=unguarded_norm),
    "a root differentiated at 0": Wrong(first=unguarded_root),
}
