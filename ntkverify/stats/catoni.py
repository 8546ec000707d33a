"""Catoni's mean: an interval that holds for finite samples of any distribution of bounded variance.

O. Catoni, "Challenging the empirical mean and empirical variance: a deviation study",
Annales de l'IHP 48(4), 2012 (arXiv 1009.2048), Propositions 2.1 to 2.4, with the wide
influence function. Write L = log(2/level) and v for the variance bound. For any scale a > 0

    E exp(+- sum psi(a (X_i - t))) <= exp(n (+- a (mean - t) + a^2 (v + (mean - t)^2) / 2)),

and so, by Markov's inequality, the root t of sum psi(a (X_i - t)) = 0 misses the mean on one
side by d or more with probability at most e, where d is the smaller root of

    a^2 d^2 / 2 - a d + a^2 v / 2 + log(1/e) / n = 0.                                       (1)

With a^2 = 2 L / (n (v + h^2)) and h^2 = 2 v L / (n - 2 L), n > 2 L, (1) has the root d = h at
e = level / 2 (Proposition 2.4).
"""

import math

import numpy as np
from scipy.optimize import brentq

from ntkverify.errors import InvalidArgument
from ntkverify.stats import checks


def catoni_interval(samples: np.ndarray, level: float, variance: float) -> tuple[float, float]:
    """Computes the interval (low, high) that misses the mean with probability at most `level`, at any n.

    samples: (n,) independent draws of any distribution whose variance is at most `variance`.
    Catoni 2012, Proposition 2.4; the interval is the estimate plus and minus h (see above).

    Raises InvalidArgument for n <= 2 log(2/level), a variance that is not positive, or
    samples that are not finite.
    """
    log_level = math.log(2 / checks.probability("level", level))
    checks.positive("variance", variance)
    samples = checks.finite_samples(samples, 1)
    n = samples.size
    if n <= 2 * log_level:
        raise InvalidArgument(
            "samples",
            f"{n} draws",
            f"more than 2 log(2/level) = {2 * log_level:.1f}",
            "Draw more, or raise level.",
        )
    radius, scale = _radius_and_scale(n, log_level)
    spread = math.sqrt(variance)
    # In units of the spread, so that brentq's absolute tolerance (2e-12) is one relative to it.
    centre = samples.mean()
    units = (samples - centre) / spread
    estimate = centre + spread * _root(units, scale)
    return float(estimate - spread * radius), float(estimate + spread * radius)


def catoni_visible(n: int, spread: float, level: float, power: float) -> float:
    """Computes the shift that `n` draws reveal with probability at least `power`, by the theorem itself.

    The interval lies wholly beyond `shift` once its centre errs by less than shift - h, and
    (1) at e = 1 - power bounds that error. Infinite where n is too small for the theorem.
    """
    log_level, log_miss = math.log(2 / level), -math.log1p(-power)
    if n <= 2 * log_level:
        return math.inf
    radius, scale = _radius_and_scale(n, log_level)
    discriminant = 1 - scale**2 - 2 * log_miss / n
    if discriminant < 0:
        return math.inf
    return spread * (radius + (1 - math.sqrt(discriminant)) / scale)


def _radius_and_scale(n: int, log_level: float) -> tuple[float, float]:
    """Computes h and a of Proposition 2.4 for variance 1."""
    return math.sqrt(2 * log_level / (n - 2 * log_level)), math.sqrt(2 * log_level * (n - 2 * log_level)) / n


def _root(units: np.ndarray, scale: float) -> float:
    """Finds where the influences of the draws `units` (n,) balance; they fall strictly with the centre."""
    low, high = float(units.min()), float(units.max())
    if low == high:
        return low
    return brentq(lambda centre: _influence(scale * (units - centre)).sum(), low, high)


def _influence(x: np.ndarray) -> np.ndarray:
    """Evaluates the widest function that the proof permits: +-log(1 +- x + x^2/2)."""
    size = np.abs(x)
    return np.sign(x) * np.log1p(size + size**2 / 2)
