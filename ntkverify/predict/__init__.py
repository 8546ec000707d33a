"""What the kernel predicts: regression, and training in function space.

Everywhere k_train is (n, n), k_test_train (m, n), targets y (n, outputs); the loss is
1/2 sum (f - y)^2, whose gradient flow is df/dt = -K (f - y) (Jacot et al. 2018, section 5;
Lee et al. 2019, equations 8-11). A kernel (n, n) is the same for every output; where it is not, as for any finite
network of several outputs, pass the full one (n1, n2, outputs, outputs), as
`empirical_ntk(..., outputs="full")` gives it, to all but `ensemble` and `nngp_posterior`.
All is computed in float64, and given back in the dtype of the kernel. Gradients of torch results pass through an
eigendecomposition in gradient_flow and gradient_descent, so there they need distinct eigenvalues.
"""

from ntkverify.predict.checks import max_learning_rate
from ntkverify.predict.cross_entropy import cross_entropy_flow
from ntkverify.predict.dynamics import gradient_descent, gradient_flow
from ntkverify.predict.ensemble import Gaussian, ensemble, nngp_posterior
from ntkverify.predict.likelihood import log_marginal_likelihood
from ntkverify.predict.minibatch import batches, minibatch_gradient_descent
from ntkverify.predict.problems import Outputs
from ntkverify.predict.regression import Regression, kernel_regression

__all__ = [
    "Gaussian",
    "Outputs",
    "Regression",
    "batches",
    "cross_entropy_flow",
    "ensemble",
    "gradient_descent",
    "gradient_flow",
    "kernel_regression",
    "log_marginal_likelihood",
    "max_learning_rate",
    "minibatch_gradient_descent",
    "nngp_posterior",
]
