"""Argument checks that the statistics share."""

import math
from collections.abc import Sequence

import numpy as np

from ntkverify.errors import InvalidArgument


def probability(argument: str, value: float) -> float:
    """Returns `value` where it lies strictly between 0 and 1; raises InvalidArgument elsewhere."""
    if not 0 < value < 1:
        raise InvalidArgument(argument, repr(value), "a probability strictly between 0 and 1", "Try 1e-3.")
    return float(value)


def positive(argument: str, value: float) -> float:
    """Returns `value` where it is positive and finite; raises InvalidArgument elsewhere."""
    if not (math.isfinite(value) and value > 0):
        raise InvalidArgument(
            argument, repr(value), "a positive finite number", "Pass one in the draws' units."
        )
    return float(value)


def nonnegative(argument: str, value: float) -> float:
    """Returns `value` where it is finite and at least 0; raises InvalidArgument elsewhere."""
    if not (math.isfinite(value) and value >= 0):
        raise InvalidArgument(
            argument, repr(value), "a finite number, at least 0", "Pass one in the draws' units."
        )
    return float(value)


def count(argument: str, value: int, at_least: int) -> int:
    """Returns `value` where it is an integer of at least `at_least`; raises InvalidArgument elsewhere."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < at_least:
        raise InvalidArgument(
            argument, repr(value), f"an integer, at least {at_least}", "Pass a larger plain int."
        )
    return int(value)


def finite_samples(samples: Sequence[float] | np.ndarray, at_least: int) -> np.ndarray:
    """Returns `samples` as float64 (n,); raises InvalidArgument unless n >= at_least and all are finite."""
    array = np.asarray(samples, dtype=float)
    if array.ndim != 1 or array.size < at_least:
        raise InvalidArgument(
            "samples", f"shape {array.shape}", f"shape (n,) with n >= {at_least}", "Pass one number per draw."
        )
    if not np.isfinite(array).all():
        first = int(np.flatnonzero(~np.isfinite(array))[0])
        raise InvalidArgument(
            "samples",
            f"{array[first]} at index {first}",
            "finite numbers",
            "Find out why that draw diverged.",
        )
    return array


def interval(argument: str, value: tuple[float, float]) -> tuple[float, float]:
    """Returns `value` as (low, high), low <= high, infinite or not; raises InvalidArgument elsewhere."""
    low, high = (float(end) for end in value)
    if not low <= high or low == math.inf or high == -math.inf:
        raise InvalidArgument(
            argument, repr(value), "(low, high) with low <= high", "Swap or correct the ends."
        )
    return low, high
