"""Both kernels as scikit-learn's, with standard deviations that it may choose."""

from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.gaussian_process import kernels
from torch import Tensor
from torch.autograd import forward_ad

from ntkverify import analytic
from ntkverify.activations import Activation, ReLU
from ntkverify.analytic.deviations import substitute
from ntkverify.architecture import Architecture, mlp
from ntkverify.arrays import as_matrix, as_numpy

Bounds = tuple[float, float] | str
"""Least and largest value of a hyperparameter, or "fixed"."""

BOUNDS = (1e-2, 1e2)
"""A kernel of depth hidden layers grows like weight_std^(2 depth + 2): these are four decades for each layer."""


class _MLPKernel(kernels.Kernel):
    """What both kernels share."""

    part: ClassVar[analytic.Part]

    def __init__(
        self,
        depth: int = 1,
        activation: Activation = ReLU(),
        weight_std: float | np.ndarray = 2**0.5,
        bias_std: float | np.ndarray = 0.1,
        weight_std_bounds: Bounds = BOUNDS,
        bias_std_bounds: Bounds = BOUNDS,
    ):
        self.depth = depth
        self.activation = activation
        self.weight_std = weight_std
        self.bias_std = bias_std
        self.weight_std_bounds = weight_std_bounds
        self.bias_std_bounds = bias_std_bounds

    @property
    def hyperparameter_weight_std(self) -> kernels.Hyperparameter:
        """Is what scikit-learn asks for of weight_std."""
        return self._hyperparameter("weight_std")

    @property
    def hyperparameter_bias_std(self) -> kernels.Hyperparameter:
        """Is what scikit-learn asks for of bias_std."""
        return self._hyperparameter("bias_std")

    def _hyperparameter(self, name: str) -> kernels.Hyperparameter:
        value = getattr(self, name)
        bounds = getattr(self, f"{name}_bounds") if np.all(value) else "fixed"
        return kernels.Hyperparameter(name, "numeric", bounds, np.size(value))

    def __call__(self, X: Any, Y: Any = None, eval_gradient: bool = False) -> Any:
        """Computes the kernel (n, m) between X (n, d) and Y (m, d), by default X.

        eval_gradient: gives a pair, the second its derivatives (n, n, len(theta)) in theta, the logarithms of the
        hyperparameters. Raises ValueError where that is asked for with a Y, as scikit-learn's kernels do.
        """
        if eval_gradient and Y is not None:
            raise ValueError("Gradient can only be evaluated when Y is None.")
        x = as_matrix("X", X).double()
        y = None if Y is None else as_matrix("Y", Y).double()
        function = getattr(analytic, self.part)
        values = as_numpy(function(self._architecture(x), x, y, **self._deviations()))
        return (values, self._gradient(x)) if eval_gradient else values

    def diag(self, X: Any) -> np.ndarray:
        """Computes the diagonal (n,) of the kernel of X (n, d), without the matrix."""
        x = as_matrix("X", X).double()
        function = getattr(analytic, f"{self.part}_diagonal")
        return as_numpy(function(self._architecture(x), x, **self._deviations()))

    def is_stationary(self) -> bool:
        """Says that the kernel depends on more than the difference of two points."""
        return False

    def __repr__(self) -> str:
        shown = ("depth", "activation", "weight_std", "bias_std")
        return (
            f"{type(self).__name__}({', '.join(f'{name}={_short(getattr(self, name))}' for name in shown)})"
        )

    def _architecture(self, x: Tensor) -> Architecture:
        return mlp(inputs=x.shape[1], depth=self.depth, activation=self.activation)

    def _deviations(self) -> dict[str, Any]:
        names = ("weight_std", "bias_std")
        return {name: torch.tensor(np.asarray(getattr(self, name), dtype=float)) for name in names}

    def _gradient(self, x: Tensor) -> np.ndarray:
        """Computes the derivatives (n, n, len(theta)) in theta."""
        free = [hyperparameter for hyperparameter in self.hyperparameters if not hyperparameter.fixed]
        columns = [
            self._derivative(x, hyperparameter.name, direction)
            for hyperparameter in free
            for direction in torch.eye(hyperparameter.n_elements, dtype=x.dtype)
        ]
        return np.stack(columns, axis=-1) if columns else np.empty((len(x), len(x), 0))

    def _derivative(self, x: Tensor, name: str, direction: Tensor) -> np.ndarray:
        """Computes the derivative (n, n) in the logarithm of a standard deviation, or of those along `direction`.

        Forward: one pass gives those of all entries, where backwards each would take its own.
        """
        values = self._deviations()
        # Only where a gradient is required have cusps the derivatives that they are given (see `activations.root`).
        value = values[name].requires_grad_()
        tangent = value.detach() * direction.reshape(value.shape)
        rows = max(1, analytic.FEW_PAIRS // len(x))
        with forward_ad.dual_level():
            values[name] = forward_ad.make_dual(value, tangent)
            arch = substitute(self._architecture(x), values)
            blocks = [
                analytic.kernel(arch, block, x, gradients=self.part == "ntk") for block in x.split(rows)
            ]
            derivatives = [forward_ad.unpack_dual(getattr(block, self.part)).tangent for block in blocks]
        return as_numpy(torch.cat(derivatives))


def _short(value: Any) -> str:
    return repr(value) if isinstance(value, Activation) else np.array2string(np.asarray(value), precision=3)


class NTKKernel(_MLPKernel):
    """The neural tangent kernel of an infinitely wide multilayer perceptron.

    depth: hidden layers. weight_std, bias_std: standard deviations, scalars, or one for each of the depth + 1 Linear
    layers. They are hyperparameters, within their bounds (or "fixed"), on a logarithmic scale: biases of 0 stay so.
    All is computed in float64. Raises InvalidArgument, a ValueError, where a kernel is asked for with arguments that
    `ntkverify.mlp` or `ntkverify.ntk` refuse.
    """

    part = "ntk"


class NNGPKernel(_MLPKernel):
    """The covariance of an infinitely wide multilayer perceptron over initialisations; takes what `NTKKernel` does."""

    part = "nngp"
