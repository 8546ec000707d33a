"""Both kernels as GPyTorch's, with standard deviations that are learned.

>>> import gpytorch, torch
>>> import ntkverify as nv
>>> class Process(gpytorch.models.ExactGP):
...     def __init__(self, x, y, likelihood):
...         super().__init__(x, y, likelihood)
...         self.mean_module = gpytorch.means.ZeroMean()
...         self.covar_module = nv.gpytorch.NNGPKernel(depth=2, activation=nv.Erf())
...
...     def forward(self, x):
...         return gpytorch.distributions.MultivariateNormal(self.mean_module(x), self.covar_module(x))
>>> x = torch.randn(20, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
>>> y = torch.sin(x[:, 0])
>>> process = Process(x, y, gpytorch.likelihoods.GaussianLikelihood()).double().train()
>>> marginal = gpytorch.mlls.ExactMarginalLogLikelihood(process.likelihood, process)
>>> optimizer = torch.optim.Adam(process.parameters(), lr=0.1)
>>> losses = []
>>> for _ in range(20):
...     optimizer.zero_grad()
...     loss = -marginal(process(x), y)
...     loss.backward()
...     optimizer.step()
...     losses.append(loss.item())
>>> losses[-1] < losses[0]
True
>>> process.eval()(x[:4]).mean.shape
torch.Size([4])
"""

from typing import Any, ClassVar

import torch
from torch import Tensor

from ntkverify import analytic
from ntkverify.activations import Activation, ReLU
from ntkverify.architecture import mlp
from ntkverify.errors import MissingExtra

try:
    import gpytorch
except ModuleNotFoundError as error:
    raise MissingExtra("gpytorch", str(error)) from error

DEVIATIONS = ("weight_std", "bias_std")


class _MLPKernel(gpytorch.kernels.Kernel):
    """What both kernels share."""

    part: ClassVar[analytic.Part]

    def __init__(
        self,
        depth: int = 1,
        activation: Activation = ReLU(),
        *,
        weight_std: float = 2**0.5,
        bias_std: float = 0.1,
        weight_std_constraint: Any = None,
        bias_std_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.depth, self.activation = depth, activation
        mlp(inputs=1, depth=depth, activation=activation)  # refuses what it refuses, before there are inputs
        constraints = (weight_std_constraint, bias_std_constraint)
        for name, constraint in zip(DEVIATIONS, constraints, strict=True):
            self.register_parameter(f"raw_{name}", torch.nn.Parameter(torch.zeros(self.batch_shape)))
            self.register_constraint(f"raw_{name}", constraint or gpytorch.constraints.Positive())
        self.weight_std, self.bias_std = weight_std, bias_std

    @property
    def weight_std(self) -> Tensor:
        """Is the standard deviation of weights, of the batch's shape."""
        return self.raw_weight_std_constraint.transform(self.raw_weight_std)

    @weight_std.setter
    def weight_std(self, value: Tensor | float) -> None:
        self._set("weight_std", value)

    @property
    def bias_std(self) -> Tensor:
        """Is the standard deviation of biases, of the batch's shape."""
        return self.raw_bias_std_constraint.transform(self.raw_bias_std)

    @bias_std.setter
    def bias_std(self, value: Tensor | float) -> None:
        self._set("bias_std", value)

    def _set(self, name: str, value: Tensor | float) -> None:
        raw = getattr(self, f"raw_{name}")
        inverse = getattr(self, f"raw_{name}_constraint").inverse_transform
        self.initialize(**{f"raw_{name}": inverse(torch.as_tensor(value).to(raw))})

    def forward(self, x1: Tensor, x2: Tensor, diag: bool = False, **params: Any) -> Tensor:
        """Computes the kernel (..., n, m) of x1 (..., n, d) and x2 (..., m, d), or its diagonal (..., n)."""
        arch = mlp(inputs=x1.shape[-1], depth=self.depth, activation=self.activation)
        function = getattr(analytic, f"{self.part}_diagonal" if diag else self.part)
        batch = torch.broadcast_shapes(x1.shape[:-2], x2.shape[:-2], self.batch_shape)
        dtype = torch.promote_types(x1.dtype, self.raw_weight_std.dtype)  # as GPyTorch's own kernels do
        points = [x.to(dtype).expand(*batch, *x.shape[-2:]).reshape(-1, *x.shape[-2:]) for x in (x1, x2)]
        deviations = [getattr(self, name).expand(batch).reshape(-1) for name in DEVIATIONS]
        kernels = [
            function(arch, first, second, weight_std=weight_std, bias_std=bias_std)
            for first, second, weight_std, bias_std in zip(*points, *deviations, strict=True)
        ]
        return torch.stack(kernels).reshape(*batch, *kernels[0].shape)


class NTKKernel(_MLPKernel):
    """The neural tangent kernel of an infinitely wide multilayer perceptron.

    depth: hidden layers. weight_std, bias_std: standard deviations of all layers, parameters of the kernel, one for
    each entry of `batch_shape`, kept within their constraints (positive, where none is given). Anything else goes to
    gpytorch.kernels.Kernel. Raises InvalidArgument where `ntkverify.mlp` or `ntkverify.ntk` do.
    """

    part = "ntk"


class NNGPKernel(_MLPKernel):
    """The covariance of an infinitely wide multilayer perceptron over initialisations; takes what `NTKKernel` does."""

    part = "nngp"
