"""Recipes of small torch modules: frozen, JSON-able, and the same module every time."""

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ntkverify.errors import InvalidArgument
from ntkverify.seeds import derive

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU}
DTYPES = {"float64": torch.float64, "float32": torch.float32}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A recipe that builds a network (n, inputs) -> (n, outputs) with random parameters.

    kind: "mlp", "convolutional" (inputs as a signal), "residual", "normalised" (LayerNorm),
    "shared" (one layer used twice) or "tied" (two layers with one weight); width: units or channels.
    Raises InvalidArgument for unknown names and sizes below 1.
    """

    kind: str
    width: int
    outputs: int = 1
    bias: bool = True
    activation: str = "relu"
    dtype: str = "float64"

    def __post_init__(self) -> None:
        for name, known in (("kind", KINDS), ("activation", ACTIVATIONS), ("dtype", DTYPES)):
            if getattr(self, name) not in known:
                expected = f"one of {', '.join(known)}"
                raise InvalidArgument(name, repr(getattr(self, name)), expected, "Choose one of those.")
        for name in ("width", "outputs"):
            if getattr(self, name) < 1:
                raise InvalidArgument(
                    name, repr(getattr(self, name)), "an integer >= 1", "Ask for at least one."
                )

    def build(self, inputs: int, seed: int) -> nn.Module:
        """Makes the module for that many features: weights are Gaussian of variance 1 / fan_in, others about 1 or 0."""
        net = KINDS[self.kind](self, inputs).to(DTYPES[self.dtype])
        with torch.no_grad():
            for name, parameter in net.named_parameters():
                draws = torch.from_numpy(derive(seed, "recipe", name).standard_normal(parameter.shape))
                if parameter.ndim > 1:
                    parameter.copy_(draws / parameter[0].numel() ** 0.5)
                else:
                    parameter.copy_(0.3 * draws + (1 if "scale" in name and name.endswith("weight") else 0))
        return net

    def _linear(self, inputs: int, outputs: int) -> nn.Linear:
        return nn.Linear(inputs, outputs, bias=self.bias)

    def _activation(self) -> nn.Module:
        return ACTIVATIONS[self.activation]()


class Skip(nn.Module):
    """Adds what its body makes of x to x."""

    def __init__(self, *body: nn.Module):
        super().__init__()
        self.body = nn.Sequential(*body)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def _mlp(recipe: Recipe, inputs: int) -> nn.Module:
    width = recipe.width
    hidden = (recipe._linear(width, width), recipe._activation())
    return nn.Sequential(
        recipe._linear(inputs, width), recipe._activation(), *hidden, recipe._linear(width, recipe.outputs)
    )


def _convolutional(recipe: Recipe, inputs: int) -> nn.Module:
    width = recipe.width
    return nn.Sequential(
        nn.Unflatten(1, (1, inputs)),
        nn.Conv1d(1, width, 3, padding=1, bias=recipe.bias),
        recipe._activation(),
        nn.Conv1d(width, width, 3, padding=1, bias=recipe.bias),
        recipe._activation(),
        nn.Flatten(),
        recipe._linear(width * inputs, recipe.outputs),
    )


def _residual(recipe: Recipe, inputs: int) -> nn.Module:
    width = recipe.width
    block = Skip(recipe._linear(width, width), recipe._activation(), recipe._linear(width, width))
    return nn.Sequential(recipe._linear(inputs, width), block, recipe._linear(width, recipe.outputs))


def _normalised(recipe: Recipe, inputs: int) -> nn.Module:
    layers = OrderedDict(
        first=recipe._linear(inputs, recipe.width),
        scale=nn.LayerNorm(recipe.width, eps=0.1),
        activation=recipe._activation(),
        last=recipe._linear(recipe.width, recipe.outputs),
    )
    return nn.Sequential(layers)


def _shared(recipe: Recipe, inputs: int) -> nn.Module:
    width = recipe.width
    layer, first, last = (
        recipe._linear(width, width),
        recipe._linear(inputs, width),
        recipe._linear(width, recipe.outputs),
    )
    return nn.Sequential(first, recipe._activation(), layer, recipe._activation(), layer, last)


def _tied(recipe: Recipe, inputs: int) -> nn.Module:
    width = recipe.width
    one, other = recipe._linear(width, width), recipe._linear(width, width)
    other.weight = one.weight
    first, last = recipe._linear(inputs, width), recipe._linear(width, recipe.outputs)
    return nn.Sequential(first, recipe._activation(), one, recipe._activation(), other, last)


KINDS = {
    "mlp": _mlp,
    "convolutional": _convolutional,
    "residual": _residual,
    "normalised": _normalised,
    "shared": _shared,
    "tied": _tied,
}
