"""Both kernels as scikit-learn's, and regression with the NTK as an estimator.

>>> import numpy as np
>>> import ntkverify as nv
>>> from sklearn.gaussian_process import GaussianProcessRegressor
>>> from sklearn.gaussian_process.kernels import WhiteKernel
>>> from sklearn.kernel_ridge import KernelRidge
>>> from sklearn.model_selection import GridSearchCV
>>> rng = np.random.default_rng(0)
>>> x = rng.standard_normal((20, 3))
>>> y = np.sin(x[:, 0]) + 0.1 * rng.standard_normal(20)

As a Gaussian process, whose standard deviations `fit` chooses by the marginal likelihood:

>>> kernel = nv.sklearn.NNGPKernel(activation=nv.Erf()) + WhiteKernel(0.1)
>>> process = GaussianProcessRegressor(kernel).fit(x, y)
>>> mean, deviation = process.predict(x, return_std=True)

In whatever takes a kernel, which is asked for whole matrices (a function would be, for one pair after the other):

>>> ridge = KernelRidge(kernel=nv.sklearn.NTKKernel(depth=2), alpha=0.1)
>>> search = GridSearchCV(ridge, {"kernel__weight_std": [0.5, 1.0, 2.0], "kernel__depth": [1, 3]}).fit(x, y)

As an estimator:

>>> bool(nv.sklearn.NTKRegressor(depth=2).fit(x, y).score(x, y) > 0.99)
True
"""

from ntkverify.sklearn.kernels import NNGPKernel, NTKKernel
from ntkverify.sklearn.regressor import NTKRegressor

__all__ = ["NNGPKernel", "NTKKernel", "NTKRegressor"]
