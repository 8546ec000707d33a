"""Modules whose gradients faster methods get wrong in silence, or at which they raise; all of (n, 4) inputs."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.utils.checkpoint import checkpoint, checkpoint_sequential


class TwoLayers(nn.Module):
    """What most of these do something else with."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 3), nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.hidden(x))

    def hidden(self, x: Tensor) -> Tensor:
        return torch.tanh(self.first(x))


class ChangesItsInput(TwoLayers):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.sub_(0.5).div_(0.25))


class ZeroesAColumn(TwoLayers):
    def forward(self, x: Tensor) -> Tensor:
        x[:, 1] = x[:, 0] * 2
        return super().forward(x)


class InAList(TwoLayers):
    """A parameter that the forward pass reaches other than by the module's attribute."""

    def __init__(self):
        super().__init__()
        self.weights = [self.first.weight]

    def hidden(self, x: Tensor) -> Tensor:
        return torch.tanh(x @ self.weights[0].T)


class InAClosure(nn.Module):
    """All of its parameters are."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 2, bias=False)
        weight = self.first.weight
        self.run = lambda x: torch.tanh(x @ weight.T)

    def forward(self, x: Tensor) -> Tensor:
        return self.run(x)


class SineOnce(torch.autograd.Function):
    """Has a derivative whose own derivative is 0 without a word."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx, gradient):
        return gradient.detach() * ctx.saved_tensors[0].detach().cos()


class MarkedOnce(SineOnce):
    """Raises where it is differentiated twice."""

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        return gradient * ctx.saved_tensors[0].cos()


class Once(TwoLayers):
    def hidden(self, x: Tensor) -> Tensor:
        return SineOnce.apply(self.first(x))


class OnceAsMarked(TwoLayers):
    def hidden(self, x: Tensor) -> Tensor:
        return MarkedOnce.apply(self.first(x))


class RunsAgain(torch.autograd.Function):
    """Runs its function again in the backward pass, as adjoint solvers and reversible networks do."""

    @staticmethod
    def forward(ctx, x, run, *parameters):
        ctx.run, ctx.parameters = run, parameters
        ctx.save_for_backward(x)
        with torch.no_grad():
            return run(x)

    @staticmethod
    def backward(ctx, gradient):
        with torch.enable_grad():
            x = ctx.saved_tensors[0].detach().requires_grad_()
            found = torch.autograd.grad(ctx.run(x), [x, *ctx.parameters], gradient)
        return found[0], None, *found[1:]


class Adjoint(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight, self.last = nn.Parameter(torch.randn(4, 4)), nn.Parameter(torch.ones(4, 1))

    def forward(self, x: Tensor) -> Tensor:
        return RunsAgain.apply(x, lambda z: torch.tanh(z @ self.weight.T), self.weight) @ self.last


class Equilibrium(TwoLayers):
    """Iterates a layer, and runs the iteration again backward."""

    def hidden(self, x: Tensor) -> Tensor:
        def run(z: Tensor) -> Tensor:
            h = torch.tanh(self.first(z))
            return torch.tanh(h + self.first(z))

        return RunsAgain.apply(x, run, self.first.weight, self.first.bias)


class ComplexWeights(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 3, dtype=torch.complex128))

    def forward(self, x: Tensor) -> Tensor:
        return (x.to(self.weight.dtype) @ self.weight).abs()


class Spectral(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.weight = nn.Parameter(torch.randn(3, dtype=torch.complex128))

    def forward(self, x: Tensor) -> Tensor:
        return torch.fft.irfft(torch.fft.rfft(torch.tanh(self.first(x))) * self.weight, n=4)


class RadialBasis(nn.Module):
    """torch.cdist, whose batched derivatives are wrong."""

    def __init__(self):
        super().__init__()
        self.centres = nn.Parameter(torch.randn(3, 4))

    def forward(self, x: Tensor) -> Tensor:
        return torch.exp(-torch.cdist(x, self.centres) / 5)


class Product(nn.Module):
    """Products by scatter_reduce, whose forward derivative is wrong."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor([1.5, -0.5, 0.7, 2.0]))

    def forward(self, x: Tensor) -> Tensor:
        index = torch.tensor([0, 0, 1, 1]).expand(len(x), 4)
        zero = torch.zeros(len(x), 2, dtype=x.dtype)
        return zero.scatter_reduce(1, index, torch.tanh(x * self.scale), "prod", include_self=False)


class KeepsFeatures(TwoLayers):
    def __init__(self):
        super().__init__()
        self.history = []

    def hidden(self, x: Tensor) -> Tensor:
        self.features = super().hidden(x)
        self.history.append(self.features)
        return self.features


class Caches(TwoLayers):
    """Computes something of a parameter in its first pass, and keeps it for later ones."""

    def __init__(self):
        super().__init__()
        self.shift, self.cache = nn.Parameter(torch.randn(3)), {}

    def hidden(self, x: Tensor) -> Tensor:
        if 0 not in self.cache:
            self.cache[0] = self.shift.exp()
        return super().hidden(x) + self.cache[0]


class CachesInAnAttribute(TwoLayers):
    def __init__(self):
        super().__init__()
        self.cached = None

    def hidden(self, x: Tensor) -> Tensor:
        if self.cached is None:
            self.cached = torch.linalg.matrix_norm(self.first.weight)
        return super().hidden(x) / self.cached


class TransposedNorm(nn.Module):
    """Gives a batch norm in evaluation mode gradients that are not in the order of memory."""

    def __init__(self):
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(1, 3, 1), nn.BatchNorm2d(3)
        self.after, self.last = nn.LayerNorm(3), nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(self.convolution(x.unflatten(1, (1, 2, 2)))).flatten(2).transpose(1, 2)
        return self.last(torch.tanh(self.after(h)).mean(dim=1))


class ScalarScale(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale, self.linear = nn.Parameter(torch.tensor(2.0)), nn.Linear(4, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * self.linear(x)


class Temperature(TwoLayers):
    def __init__(self):
        super().__init__()
        self.temperature = nn.Parameter(torch.tensor(0.7))

    def hidden(self, x: Tensor) -> Tensor:
        return torch.softmax(self.first(x) / self.temperature, dim=1)


class ScaledAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.queries, self.keys, self.values = (nn.Linear(2, 4) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        x = x.unflatten(1, (1, 2, 2))
        return F.scaled_dot_product_attention(self.queries(x), self.keys(x), self.values(x)).mean(dim=(1, 2))


class Encoder(nn.Module):
    """Takes torch's fast path in evaluation: its number of heads is even."""

    def __init__(self):
        super().__init__()
        self.embed, layer = nn.Linear(2, 4), nn.TransformerEncoderLayer(4, 2, 4, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.encoder(self.embed(x.unflatten(1, (2, 2)))).mean(dim=1)


class RowByRow(TwoLayers):
    def hidden(self, x: Tensor) -> Tensor:
        return torch.stack([torch.tanh(self.first(row)) for row in x])


class ColumnByColumn(nn.Module):
    def __init__(self):
        super().__init__()
        self.each, self.last = nn.Linear(1, 3), nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(sum(torch.tanh(self.each(column[:, None])) for column in x.unbind(1)))


class Checkpointed(TwoLayers):
    def hidden(self, x: Tensor) -> Tensor:
        return checkpoint(nn.Sequential(self.first, nn.Tanh()), x, use_reentrant=False)


class CheckpointedLambda(TwoLayers):
    def hidden(self, x: Tensor) -> Tensor:
        return checkpoint(lambda z: torch.tanh(self.first(z)), x, use_reentrant=False)


class CheckpointedInSegments(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 2))

    def forward(self, x: Tensor) -> Tensor:
        return checkpoint_sequential(self.layers, 2, x, use_reentrant=False)


class PhysicsInformed(nn.Module):
    def __init__(self):
        super().__init__()
        self.u = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 1))

    def forward(self, x: Tensor) -> Tensor:
        x.requires_grad_()
        u = self.u(x)
        slope = torch.autograd.grad(u.sum(), x, create_graph=True)[0]
        return torch.cat([u, slope[:, :1] - u], dim=1)


class Laplacian(PhysicsInformed):
    """Differentiates twice within, by torch.func."""

    def forward(self, x: Tensor) -> Tensor:
        hessian = torch.func.vmap(torch.func.hessian(lambda row: self.u(row[None])[0, 0]))(x)
        return torch.diagonal(hessian, dim1=1, dim2=2)[:, :2]


HARD = {
    "changes its input": ChangesItsInput,
    "zeroes a column": ZeroesAColumn,
    "relu in place first": lambda: nn.Sequential(nn.ReLU(inplace=True), nn.Linear(4, 2)),
    "parameter in a list": InAList,
    "parameter in a closure": InAClosure,
    "differentiable once": Once,
    "marked once differentiable": OnceAsMarked,
    "adjoint": Adjoint,
    "equilibrium": Equilibrium,
    "complex weights": ComplexWeights,
    "spectral": Spectral,
    "radial basis": RadialBasis,
    "product": Product,
    "keeps features": KeepsFeatures,
    "caches": Caches,
    "caches in an attribute": CachesInAnAttribute,
    "transposed norm": lambda: TransposedNorm().eval(),
    "scalar scale": ScalarScale,
    "temperature": Temperature,
    "scaled attention": ScaledAttention,
    "encoder": lambda: Encoder().eval(),
    "row by row": RowByRow,
    "column by column": ColumnByColumn,
    "checkpoint": Checkpointed,
    "checkpointed lambda": CheckpointedLambda,
    "checkpointed segments": CheckpointedInSegments,
    "physics informed": PhysicsInformed,
    "laplacian": Laplacian,
}
