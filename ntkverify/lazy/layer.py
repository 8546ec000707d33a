"""A hidden layer whose initial weights are drawn where they are asked; it trains like any other."""

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from ntkverify.architecture import Linear
from ntkverify.errors import InvalidArgument
from ntkverify.lazy.matrix import LazyGaussian
from ntkverify.seeds import derive


class LazyLinear(nn.Module):
    """weight_std / sqrt(fan_in) (W_0 + P^T M Q) x + bias_std b: (n, fan_in) -> (n, fan_out).

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
        scaled = self.weight_scale * x
        coordinates = self.matrix.ask_right(scaled.detach())
        values = _Product.apply(scaled, self._leaf(coordinates), coordinates, self.matrix)
        return values if self.bias is None else values + self.bias_scale * self.bias

    def extra_repr(self) -> str:
        return f"fan_in={self.fans[1]}, fan_out={self.fans[0]}"

    def _leaf(self, coordinates: Tensor) -> Tensor:
        """`weight` as this call's graph sees it: a parameter that is in a graph could not grow.

        It has room for the gradient: each of the examples asks at most one question from the left.
        """
        weight = self.weight.detach()
        if not (torch.is_grad_enabled() and self.weight.requires_grad):
            return weight
        count, right = coordinates.shape
        room = min(self.matrix.left.questions.count + count, self.fans[0]), right
        leaf = grown(weight, _both(room, weight.shape)).requires_grad_()
        leaf.register_post_accumulate_grad_hook(self._accumulate)
        return leaf

    def _accumulate(self, leaf: Tensor) -> None:
        shape, earlier = _both(leaf.shape, self.weight.shape), self.weight.grad
        self.weight.grad = None
        self.weight.data = grown(self.weight.data, shape)
        gradient = grown(leaf.grad, shape)
        self.weight.grad = gradient if earlier is None else gradient + grown(earlier, shape)


class _Product(torch.autograd.Function):
    """(W_0 + P^T M Q) x for rows x, from their coordinates C: C Y + (C M^T) P; transposed for the gradient."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, coordinates: Tensor, matrix: LazyGaussian) -> Tensor:
        ctx.save_for_backward(weight, coordinates)
        ctx.matrix = matrix
        k = coordinates.shape[1]
        change = _filled(weight, matrix)[:, :k]
        moved = (coordinates[:, : change.shape[1]] @ change.T) @ matrix.left.questions.filled[: len(change)]
        return coordinates @ matrix.right.answers.filled[:k] + moved

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        if torch._C._functorch.is_batchedtensor(gradient):
            raise RuntimeError("a lazy layer takes gradients one batch after another")
        (weight, coordinates), matrix = ctx.saved_tensors, ctx.matrix
        asked = matrix.ask_left(gradient)
        change = _filled(weight, matrix)
        moved = (asked[:, : len(change)] @ change) @ matrix.right.questions.filled[: change.shape[1]]
        return asked @ matrix.left.answers.filled + moved, _within(weight, asked.T @ coordinates), None, None


def _filled(weight: Tensor, matrix: LazyGaussian) -> Tensor:
    """The part of M that has questions yet."""
    return weight[: matrix.left.questions.count, : matrix.right.questions.count]


def _within(weight: Tensor, gradient: Tensor) -> Tensor | None:
    """The gradient (l, k) in the shape of `weight`, which had room made for it."""
    if not weight.requires_grad:
        return None
    if any(n > m for n, m in zip(gradient.shape, weight.shape, strict=True)):
        raise RuntimeError("a lazy layer has no room for this gradient: go backward before the next forward")
    return grown(gradient, weight.shape)


def _both(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
    """The smallest shape that holds both."""
    return tuple(map(max, first, second))


def grown(values: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A matrix with zeros below and to the right of it, up to `shape`; anything of that shape as it is."""
    if values.shape == torch.Size(shape):
        return values
    larger = values.new_zeros(shape)
    larger[tuple(slice(n) for n in values.shape)] = values
    return larger


def is_lazy(net: nn.Module) -> bool:
    """Whether any layer of `net` draws its weights where they are asked."""
    return any(isinstance(module, LazyLinear) for module in net.modules())


def lazy_linear(layer: Linear, fan_in: int, fan_out: int, seed: int, *names: str | int) -> LazyLinear:
    """The lazy layer (n, fan_in) -> (n, fan_out) in NTK parameterisation; its streams are named by `names`.

    Raises InvalidArgument for weights that are not Gaussian.
    """
    if layer.weights != "gaussian":
        remedy = (
            "Given some products with W, only Gaussian weights leave the rest with a law that is known; "
            'use weights="dense".'
        )
        raise InvalidArgument("weights", f"'lazy' with {layer.weights} weights", "gaussian weights", remedy)
    bias = None
    if layer.bias_std > 0:
        bias = torch.from_numpy(derive(seed, *names, "bias").standard_normal(fan_out))
    return LazyLinear(LazyGaussian(fan_out, fan_in, seed, *names), bias, layer.weight_std, layer.bias_std)
