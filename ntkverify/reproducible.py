"""The same seed draws the same scenarios, whatever other code is loaded, edited or installed."""

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture.providers import HypothesisProvider

CONSTANTS = "_maybe_draw_constant"
"""What returns, now and then, a number that Hypothesis read in a local module; absent where it reads none."""


@contextlib.contextmanager
def constants_left_out() -> Iterator[None]:
    """Hypothesis draws no constants meanwhile.

    Recent releases draw some from the source of every local module that is loaded, so that a file of numbers
    beside this package would change what a seed means. A backend of our own would not do: Hypothesis shrinks
    with its default one in any case, and the constants are cached for the whole process.
    """
    if not hasattr(HypothesisProvider, CONSTANTS):
        yield
        return
    with mock.patch.object(HypothesisProvider, CONSTANTS, lambda *asked, **options: None):
        yield


def settings_of(examples: int, **more: Any) -> settings:
    """Makes Hypothesis's settings of a hunt."""
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,  # a remembered example would make two runs of one seed differ
        suppress_health_check=tuple(HealthCheck),
        **more,
    )
