"""Homogeneous stacks, deep and at extreme norms, against a recursion in mpmath."""

import mpmath as mp
import numpy as np
import pytest

import ntkverify as nv

mp.mp.dps = 60


def slopes(negative: str):
    low = mp.mpf(negative)

    def dual(rho):
        theta = mp.acos(rho)
        relu = (mp.sin(theta) + (mp.pi - theta) * rho) / (2 * mp.pi)
        covariance = low * rho + (1 - low) ** 2 * relu
        return covariance, low + (1 - low) ** 2 * (mp.pi - theta) / (2 * mp.pi)

    return dual, (low**2 + 1) / 2


CASES = [(nv.ReLU(), *slopes("0")), (nv.LeakyReLU(0.25), *slopes("0.25")), (nv.Abs(), *slopes("-1"))]


@pytest.mark.parametrize("norms", [(1.0, 1.0), (1e-150, 1e150)], ids=str)
@pytest.mark.parametrize("angle", ["0", "1e-8", "1e-3", "1.0", "3.0", "3.14159265"])
@pytest.mark.parametrize(("activation", "dual", "half"), CASES, ids=lambda value: type(value).__name__)
def test_a_hundred_layers(activation, dual, half, angle, norms):
    theta, depth = mp.mpf(angle), 100
    # The cosine that the inputs have in double precision, not the one that was meant.
    x = np.array([[norms[0], 0.0]])
    y = norms[1] * np.array([[float(mp.cos(theta)), float(mp.sin(theta))]])
    exact = mp.atan2(mp.mpf(y[0, 1]), mp.mpf(y[0, 0]))
    size = mp.mpf(norms[0]) * mp.sqrt(mp.mpf(y[0, 0]) ** 2 + mp.mpf(y[0, 1]) ** 2) / 2
    rho, ntk, scale = mp.cos(exact), mp.cos(exact), mp.mpf(1)
    for _ in range(depth):  # at unit variance before every layer; weight_std^2 = 1 / half keeps it there
        covariance, derivative = dual(rho)
        rho = covariance / half
        ntk = rho + derivative / half * ntk
    arch = nv.mlp(inputs=2, depth=depth, activation=activation, weight_std=float(mp.sqrt(1 / half)))
    first = mp.mpf(arch.linears[0].weight_std) ** (2 * (depth + 1)) * half**depth
    for got, expected in ((nv.nngp(arch, x, y), rho), (nv.ntk(arch, x, y), ntk)):
        want = expected * size * first * scale
        assert abs(got[0, 0] - want) <= 1e-12 * abs(want) + mp.mpf(10) ** -13 * size
