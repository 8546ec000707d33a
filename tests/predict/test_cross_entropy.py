import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.special import softmax

from ntkverify import predict
from ntkverify.errors import InvalidArgument

RNG = np.random.default_rng(0)
FACTOR = RNG.standard_normal((7, 9))
JOINT = FACTOR @ FACTOR.T
K, CROSS = JOINT[:5, :5], JOINT[5:, :5]
Y = np.eye(3)[[0, 1, 2, 0, 1]]
F0, F0_TEST = RNG.standard_normal((5, 3)), RNG.standard_normal((2, 3))


@pytest.mark.parametrize("time", [0.0, 0.01, 1.0, 30.0])
def test_the_flow_is_that_of_all_outputs_integrated_together(time):
    """Independent: another integrator, on outputs instead of coefficients, train and test at once."""

    def velocity(_, flat):
        f = flat.reshape(7, 3)
        return (JOINT[:, :5] @ (Y - softmax(f[:5], axis=1))).ravel()

    start = np.concatenate([F0, F0_TEST]).ravel()
    expected = solve_ivp(velocity, (0, time), start, method="DOP853", rtol=1e-11, atol=1e-11).y[:, -1]
    got = predict.cross_entropy_flow(K, Y, CROSS, time=time, f0_train=F0, f0_test=F0_TEST)
    np.testing.assert_allclose(np.concatenate(got), expected.reshape(7, 3), rtol=1e-6, atol=1e-6)


def test_what_is_no_distribution_is_refused():
    with pytest.raises(InvalidArgument, match="^y: got rows that do not sum to 1"):
        predict.cross_entropy_flow(K, 2 * Y, time=1.0)
    with pytest.raises(InvalidArgument, match="^time: got inf"):
        predict.cross_entropy_flow(K, Y, time=float("inf"))
