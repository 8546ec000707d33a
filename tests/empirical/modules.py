"""Modules of the kinds that empirical kernels have been seen to stumble over."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Residual(nn.Module):
    """No plain chain, and one layer used twice."""

    def __init__(self):
        super().__init__()
        self.inner, self.readout = nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.readout(x + torch.tanh(self.inner(torch.tanh(self.inner(x)))))


class BareParameter(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.scale = nn.Linear(4, 2), nn.Parameter(torch.tensor([1.5, -0.5]))

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * torch.tanh(self.layer(x))


class FunctionalUse(nn.Module):
    """A layer's weight used beside the layer's own call."""

    def __init__(self):
        super().__init__()
        self.layer, self.readout = nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.readout(torch.tanh(F.linear(self.layer(x), self.layer.weight.T)))


class Derivative(nn.Module):
    """The output is a derivative with respect to the input, so weights enter through the backward pass too."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 5), nn.Linear(5, 1)

    def forward(self, x: Tensor) -> Tensor:
        with torch.enable_grad():
            x = x if x.requires_grad else x.detach().requires_grad_()
            u = self.second(torch.tanh(self.first(x)))
            return torch.autograd.grad(u.sum(), x, create_graph=True)[0][:, :2]


class Turned(nn.Module):
    """A layer that sees features by examples, not examples by features."""

    def __init__(self):
        super().__init__()
        self.each, self.readout = nn.Linear(1, 3), nn.Linear(12, 2)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.tanh(self.each(x.T[:, :, None]))  # (4, n, 3)
        return self.readout(h.transpose(0, 1).flatten(1))


class Sorted(nn.Module):
    """A layer that sees the examples in another order."""

    def __init__(self):
        super().__init__()
        self.layer, self.readout = nn.Linear(4, 5), nn.Linear(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        order = x[:, 0].argsort()
        return self.readout(torch.tanh(self.layer(x[order])))[order.argsort()]


class PartFrozen(nn.Module):
    """A stretch without gradients, and one that is cut off."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            h = torch.tanh(self.a(x))
        return self.c(torch.tanh(h + self.b(x).detach()))


class Unused(nn.Module):
    def __init__(self):
        super().__init__()
        self.used, self.unused = nn.Linear(4, 2), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        self.unused(x)
        return self.used(x)


class InPlace(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.b(self.a(x).add_(x).relu_())


class Attention(nn.Module):
    """Sequences, and a layer whose output projection torch uses without calling it."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(2, 4)
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.norm, self.readout = nn.LayerNorm(4), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        h = self.embed(x.unflatten(1, (2, 2)))
        h = self.norm(h + self.attention(h, h, h, need_weights=False)[0])
        return self.readout(h.mean(dim=1))


class SharedBias(nn.Module):
    """Two layers with one bias, and a norm whose shift it is too."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.norm, self.c = nn.Linear(4, 4), nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 2)
        self.b.bias = self.norm.bias = self.a.bias

    def forward(self, x: Tensor) -> Tensor:
        return self.c(self.norm(torch.tanh(self.b(torch.tanh(self.a(x))))))


class KeywordCall(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(input=x)


class OtherLinear(nn.Linear):
    """A subclass that computes something else."""

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight**2, self.bias)


def used_twice() -> nn.Module:
    layer = nn.Linear(4, 4)
    return nn.Sequential(layer, nn.Tanh(), layer)


def tied() -> nn.Module:
    net = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4))
    net[2].weight = net[0].weight
    return net


def hooked() -> nn.Module:
    net = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 2))
    net[0].register_forward_hook(lambda module, args, out: 3 * out)
    net[0].register_forward_pre_hook(lambda module, args: (args[0] - 1,))
    return net


def patched() -> nn.Module:
    net = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 2))
    net[0].forward = lambda x: F.linear(x, 2 * net[0].weight)
    return net


def normed() -> nn.Module:
    net = nn.Sequential(
        nn.Unflatten(1, (2, 2)),
        nn.Linear(2, 6),
        nn.LayerNorm((2, 6)),
        nn.RMSNorm(6),
        nn.GELU(),
        nn.BatchNorm1d(2),
        nn.GroupNorm(2, 2),
        nn.Flatten(),
        nn.Linear(12, 2),
    )
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
        net[5].running_mean += 0.2
    return net.eval()


def convolutional(mode: str = "zeros", groups: int = 1) -> nn.Module:
    return nn.Sequential(
        nn.Unflatten(1, (1, 2, 2)),
        nn.Conv2d(1, 4, (3, 2), padding=(1, 1), padding_mode=mode),
        nn.ReLU(inplace=True),
        nn.Conv2d(4, 4, 2, stride=1, dilation=1, padding="same", groups=groups, bias=False),
        nn.BatchNorm2d(4),
        nn.Tanh(),
        nn.Flatten(2),
        nn.Conv1d(4, 2, 3, stride=2, padding=1, groups=groups if groups < 3 else 1),
        nn.AdaptiveAvgPool1d(1),
        nn.Flatten(),
    ).eval()


def transposed() -> nn.Module:
    """Layers that no rule knows, beside ones that do."""
    layers = (nn.Unflatten(1, (1, 2, 2)), nn.ConvTranspose2d(1, 2, 2), nn.PReLU(2), nn.Conv2d(2, 1, 2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(4, 2))


def parametrized() -> nn.Module:
    net = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 2))
    nn.utils.parametrizations.weight_norm(net[0])
    return net


def repeated_convolution() -> nn.Module:
    layer = nn.Conv2d(1, 1, 3, padding=1)
    return nn.Sequential(nn.Unflatten(1, (1, 2, 2)), layer, nn.Tanh(), layer, nn.Flatten(), nn.Linear(4, 2))


MODULES = {
    "residual": Residual,
    "bare parameter": BareParameter,
    "functional use": FunctionalUse,
    "derivative": Derivative,
    "turned": Turned,
    "sorted": Sorted,
    "part frozen": PartFrozen,
    "unused layer": Unused,
    "in place": InPlace,
    "attention": Attention,
    "shared bias": SharedBias,
    "keyword call": KeywordCall,
    "subclass": lambda: nn.Sequential(OtherLinear(4, 3), nn.Tanh(), nn.Linear(3, 2)),
    "used twice": used_twice,
    "tied": tied,
    "hooked": hooked,
    "patched": patched,
    "norms": normed,
    "convolutions": convolutional,
    "circular convolutions": lambda: convolutional("circular", 2),
    "grouped convolutions": lambda: convolutional("replicate", 4),
    "unknown layers": transposed,
    "weight norm": parametrized,
    "repeated convolution": repeated_convolution,
}
