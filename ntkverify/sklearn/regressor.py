"""Regression with the NTK as an estimator of scikit-learn."""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from ntkverify.activations import Activation, ReLU
from ntkverify.predict import kernel_regression
from ntkverify.sklearn.kernels import NTKKernel


class NTKRegressor(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Kernel regression with the NTK of a multilayer perceptron: where training of wide ones ends, from outputs 0.

    depth, activation, weight_std, bias_std: as `NTKKernel` takes them. ridge: what is added to the kernel's diagonal;
    0, exactly where training ends, refuses data with repeated points.
    `fit` sets kernel_; X_fit_ (n, d); dual_coef_ (n,) or (n, outputs), the kernel's coefficients at X_fit_; and
    condition_, the condition of the matrix that they solve: predictions lose about its digits.
    """

    def __init__(
        self,
        depth: int = 1,
        activation: Activation = ReLU(),
        weight_std: float | np.ndarray = 2**0.5,
        bias_std: float | np.ndarray = 0.1,
        ridge: float = 1e-6,
    ):
        self.depth = depth
        self.activation = activation
        self.weight_std = weight_std
        self.bias_std = bias_std
        self.ridge = ridge

    def fit(self, X: Any, y: Any) -> Self:
        """Solves for the coefficients at X (n, d), y (n,) or (n, outputs); raises as `predict.kernel_regression`."""
        X, y = validate_data(self, X, y, multi_output=True, y_numeric=True)
        self.kernel_ = NTKKernel(self.depth, self.activation, self.weight_std, self.bias_std)
        columns, one_each = y.reshape(len(y), -1), np.eye(len(y))
        regression = kernel_regression(self.kernel_(X), columns, one_each, self.ridge)
        self.X_fit_, self.dual_coef_ = X, np.asarray(regression.test).reshape(y.shape)
        self.condition_ = regression.condition
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predicts (m,) or (m, outputs), as y was, at X (m, d); raises NotFittedError before `fit`."""
        check_is_fitted(self)
        return self.kernel_(validate_data(self, X, reset=False), self.X_fit_) @ self.dual_coef_
