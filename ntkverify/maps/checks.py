"""What the numbers that describe a map have to be."""

import math
from collections.abc import Iterable
from numbers import Real
from typing import Any

from ntkverify.errors import InvalidArgument


def whole(argument: str, value: Any, least: int) -> None:
    """Raises InvalidArgument for what is no integer, and for one below `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidArgument(argument, repr(value), f"an integer >= {least}", "Pass such a plain int.")


def positive(argument: str, value: Any) -> None:
    """Raises InvalidArgument for what is no finite number above 0."""
    if not (is_number(value) and value > 0):
        raise InvalidArgument(argument, repr(value), "a finite number above 0", "Pass a positive one.")


def is_number(value: Any) -> bool:
    """Tells whether it is a finite real number."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def several(argument: str, numbers: Any) -> tuple[Any, ...]:
    """Returns the numbers as a tuple. Raises InvalidArgument for anything but a sequence of numbers."""
    if isinstance(numbers, str) or not isinstance(numbers, Iterable):
        raise InvalidArgument(
            argument, repr(numbers), "a sequence of numbers", f"Pass a list: [{numbers!r}]."
        )
    found = tuple(numbers)
    for one in found:
        if isinstance(one, bool) or not isinstance(one, Real):
            raise InvalidArgument(argument, repr(one), "numbers", "Pass numbers alone.")
    return found
