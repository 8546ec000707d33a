"""What a subject may bring, and what stands in for the rest."""

from collections.abc import Callable
from typing import Any

from ntkverify.subjects.builtin import BuiltinSubject
from ntkverify.subjects.protocol import Subject

PARTS = (
    "nngp",
    "ntk",
    "network",
    "standard_network",
    "empirical_ntk",
    "gradient_descent",
    "kernel_regression",
    "ensemble",
    "build",
)
"""What a subject may bring to be verified; `protocol` says of each what it takes and returns."""

FOREIGN_ACCURACY = 1e-6
"""The relative accuracy at which a kernel is judged that does not say its own."""

FLOAT32_ACCURACY = 1e-3
"""The same in float32: the usual arccos form loses half of its seven digits near parallel inputs."""


def part(subject: Subject, name: str) -> Callable[..., Any]:
    """Returns the subject's own part of that name, else the built-in one."""
    return getattr(subject, name, None) or getattr(BuiltinSubject(), name)


def has(subject: object, name: str) -> bool:
    """Tells whether the subject brings that part itself.

    Besides parts, "architecture" asks whether it says what it is a kernel or a network of, and
    "any_architecture" whether it can be asked about every one.
    """
    if name == "architecture":
        return getattr(subject, "architecture", Any) is not None
    if name == "any_architecture":
        return not hasattr(subject, "architecture")
    return getattr(subject, name, None) is not None
