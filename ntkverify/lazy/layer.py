"""A hidden layer whose initial weights are drawn where they are asked; `train` trains it like any other."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from ntkverify.architecture import Linear
from ntkverify.errors import InvalidArgument
from ntkverify.lazy.matrix import LazyGaussian
from ntkverify.seeds import derive


class LazyLinear(nn.Module):
    """Computes weight_std / sqrt(fan_in) (W_0 + P^T M Q) x + bias_std b: (n, fan_in) -> (n, fan_out).

    W_0 is a LazyGaussian, Q and P the questions put to it. A step of gradient descent changes the weights by
    outer products of gradients at the outputs and inputs, both of which were asked: so `weight`, the
    parameter, is M (l, k), the whole change of the weights so far, and the norm and the gradient of M are
    those of the change. It grows where questions are added, by zeros. `backward` fills its gradient;
    `torch.autograd.grad` does not know it.
    """

    def __init__(self, matrix: LazyGaussian, bias: Tensor | None, weight_std: float, bias_std: float):
        super().__init__()
        self.matrix, self.fans = matrix, matrix.shape
        self.weight = nn.Parameter(torch.zeros(0, 0, dtype=torch.float64))
        self.bias = None if bias is None else nn.Parameter(bias)
        self.weight_scale, self.bias_scale = weight_std / matrix.shape[1] ** 0.5, bias_std

    def forward(self, x: Tensor) -> Tensor:
        if x.dtype != torch.float64 or x.ndim != 2 or x.shape[1] != self.fans[1]:
            expected, remedy = f"float64 (n, {self.fans[1]})", 'Reshape or cast them, or use weights="dense".'
            raise InvalidArgument("x", f"{x.dtype} {tuple(x.shape)} for a lazy layer", expected, remedy)
        gradient = _Gradient()
        anchor = torch.zeros((), dtype=torch.float64)
        if self.weight.requires_grad:
            anchor.requires_grad_().register_post_accumulate_grad_hook(lambda _: self._accumulate(gradient))
        values = _Product.apply(self.weight_scale * x, anchor, self.weight.detach(), self.matrix, gradient)
        return values if self.bias is None else values + self.bias_scale * self.bias

    def extra_repr(self) -> str:
        return f"fan_in={self.fans[1]}, fan_out={self.fans[0]}"

    def _load_from_state_dict(self, *args: object) -> None:
        raise InvalidArgument("state_dict", "weights of a lazy layer", "none", "Pickle the whole network.")

    def _accumulate(self, gradient: "_Gradient") -> None:
        """Adds to the gradient of `weight`, which could not grow if it were itself in a graph."""
        earlier, shape = self.weight.grad, tuple(map(max, gradient.value.shape, self.weight.shape))
        self.weight.grad = None
        self.weight.data = grown(self.weight.data, shape)
        latest = grown(gradient.value, shape)
        self.weight.grad = latest if earlier is None else latest + grown(earlier, shape)


class _Gradient:
    """A place where the backward pass of one call leaves the gradient of M, (l, k)."""

    value: Tensor


class _Product(torch.autograd.Function):
    """Applies W_0 + P^T M Q to rows x by their coordinates C: C Y + (C M^T) P; transposed for the gradient.

    The anchor stands for M in the graph.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, anchor: Tensor, weight: Tensor, matrix: LazyGaussian, gradient: _Gradient
    ) -> Tensor:
        coordinates = matrix.ask_right(x)
        ctx.save_for_backward(weight, coordinates)
        ctx.matrix, ctx.gradient = matrix, gradient
        moved = (coordinates[:, : weight.shape[1]] @ weight.T) @ matrix.left.questions.filled[: len(weight)]
        return coordinates @ matrix.right.answers.filled + moved

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        if torch._C._functorch.is_batchedtensor(gradient):
            raise RuntimeError("a lazy layer takes gradients one batch after another")
        (weight, coordinates), matrix = ctx.saved_tensors, ctx.matrix
        asked = matrix.ask_left(gradient)
        ctx.gradient.value = asked.T @ coordinates
        moved = (asked[:, : len(weight)] @ weight) @ matrix.right.questions.filled[: weight.shape[1]]
        return asked @ matrix.left.answers.filled + moved, gradient.new_zeros(()), None, None, None


def grown(values: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Pads a matrix with zeros below and to the right, up to `shape`; returns one of that shape as it is."""
    if values.shape == torch.Size(shape):
        return values
    larger = values.new_zeros(shape)
    larger[tuple(slice(n) for n in values.shape)] = values
    return larger


def is_lazy(net: nn.Module) -> bool:
    """Tells whether any layer of `net` draws its weights where they are asked."""
    return any(isinstance(module, LazyLinear) for module in net.modules())


def lazy_linear(layer: Linear, fan_in: int, fan_out: int, seed: int, *names: str | int) -> LazyLinear:
    """Makes the lazy layer (n, fan_in) -> (n, fan_out) in NTK parameterisation; `names` name its streams.

    Raises InvalidArgument for weights that are not Gaussian, and rates of their own.
    """
    if layer.weights != "gaussian":
        remedy = (
            "Given some products with W, only Gaussian weights leave the rest with a law that is known; "
            'use weights="dense".'
        )
        raise InvalidArgument("weights", f"'lazy' with {layer.weights} weights", "gaussian weights", remedy)
    if layer.weight_rate is not None or layer.bias_rate is not None:
        remedy = 'Leave them out, or use weights="dense".'
        raise InvalidArgument("weights", f"'lazy' for {layer!r}", "a layer without rates of its own", remedy)
    bias = None
    if layer.bias_std > 0:
        bias = torch.from_numpy(derive(seed, *names, "bias").standard_normal(fan_out))
    return LazyLinear(LazyGaussian(fan_out, fan_in, seed, *names), bias, layer.weight_std, layer.bias_std)
