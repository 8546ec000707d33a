"""Torch modules as their owners would write them: one that trains lazily, and one that does not."""

import torch
from torch import nn


class Lazy(nn.Module):
    """One hidden layer in NTK parameterisation."""

    scale = 0.5

    def __init__(self, width: int):
        super().__init__()
        self.first, self.last = nn.Parameter(torch.randn(width, 3)), nn.Parameter(torch.randn(1, width))

    def forward(self, x):
        hidden = torch.tanh(x @ self.first.T / 3**0.5)
        return hidden @ self.last.T / self.last.shape[1] ** self.scale


class InNTKParameterisation(Lazy):
    """What ntkverify calls mlp(inputs=3, depth=1, activation=Erf())."""

    def forward(self, x):
        return torch.erf(x @ self.first.T / 3**0.5) @ self.last.T / self.last.shape[1] ** 0.5


class MeanField(Lazy):
    """The same with an output divided by the width: features move as much at any width."""

    scale = 1.0


def wider(width: int, seed: int) -> nn.Module:
    """PyTorch's own layers and initialisation."""
    return nn.Sequential(nn.Linear(3, width), nn.Tanh(), nn.Linear(width, 1))


def bottleneck(width: int, seed: int) -> nn.Module:
    """Two units in the middle, however wide the rest."""
    layers = [nn.Linear(3, width), nn.Tanh(), nn.Linear(width, 2), nn.Tanh(), nn.Linear(2, width), nn.Tanh()]
    return nn.Sequential(*layers, nn.Linear(width, 1))
