"""Rules of known layers are right by themselves: a wrong one would be replaced by plain gradients, in silence."""

import pytest
import torch
from torch import nn

import ntkverify as nv
from ntkverify.empirical.comparing import agree
from ntkverify.empirical.inputs import prepared
from ntkverify.empirical.structured_derivatives import unaccounted
from tests.empirical.test_empirical_ntk import naive_ntk

D = torch.float64
IMAGES, SIGNALS, VECTORS = (6, 5, 4), (6, 7), (6,)


class Twice(nn.Module):
    """A layer with itself behind it."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(torch.tanh(self.layer(x)))


LAYERS = {
    "group norm": (nn.GroupNorm(3, 6, eps=0.3), IMAGES),
    "layer norm": (nn.LayerNorm((5, 4), eps=0.3), IMAGES),
    "RMS norm": (nn.RMSNorm(7, eps=0.3), SIGNALS),
    "batch norm of images": (nn.BatchNorm2d(6, eps=0.3).eval(), IMAGES),
    "batch norm of vectors": (nn.BatchNorm1d(6, eps=0.3).eval(), VECTORS),
    "dilated convolution": (nn.Conv2d(6, 4, (3, 2), padding=2, dilation=2), IMAGES),
    "convolution with strides": (nn.Conv1d(6, 4, 3, stride=2), SIGNALS),
    "convolution in groups": (nn.Conv2d(6, 6, 2, groups=3), IMAGES),
    "circular convolution": (nn.Conv1d(6, 4, 3, padding=1, padding_mode="circular"), SIGNALS),
    "reflecting convolution": (nn.Conv2d(6, 4, 3, padding=1, padding_mode="reflect"), IMAGES),
    "linear layer of a sequence": (nn.Linear(7, 3), SIGNALS),
    "layer norm, used twice": (Twice(nn.LayerNorm(7, eps=0.3)), SIGNALS),
    "convolution, used twice": (Twice(nn.Conv1d(6, 6, 3, padding=1)), SIGNALS),
}


class Behind(nn.Module):
    """A layer, behind one that mixes features, and before a nonlinearity and a sum to two outputs."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        h = torch.tanh(self.layer(torch.sin(2 * x)))
        return torch.stack([h.flatten(1).sum(dim=1), (h.flatten(1) ** 2).mean(dim=1)], dim=1)


@pytest.mark.parametrize("name", LAYERS)
def test_known_layers_never_fall_back(name):
    layer, shape = LAYERS[name]
    stream = torch.Generator().manual_seed(0)
    for value in (*layer.parameters(), *layer.buffers()):
        if value.is_floating_point():
            value.data = 0.5 + torch.rand(value.shape, generator=stream, dtype=D)
    net, x = Behind(layer).to(D), torch.randn(4, *shape, generator=stream, dtype=D)
    assert unaccounted(*prepared(net, x, None)[:2]) == frozenset()
    kernel = nv.empirical_ntk(net, x, outputs="full", method="structured_derivatives")
    torch.testing.assert_close(kernel, naive_ntk(net, x, x), rtol=1e-10, atol=1e-10)


def test_two_ways_agree_to_half_of_their_digits():
    right = torch.tensor([1.0, 3.0], dtype=D)
    for dtype, digits in ((torch.float64, 1e-8), (torch.float32, 2e-4)):
        assert agree(right + digits, right, dtype) and not agree(right + 10 * digits, right, dtype)
    assert not agree(right * torch.nan, right, D) and not agree(right[:1], right, D)
