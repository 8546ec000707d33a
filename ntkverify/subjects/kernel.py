"""Someone's kernel functions as what is under test."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ntkverify.architecture import Architecture
from ntkverify.arrays import Array
from ntkverify.errors import InvalidArgument
from ntkverify.subjects.loading import check_name
from ntkverify.subjects.parts import FOREIGN_ACCURACY

KernelFunction = Callable[[np.ndarray, np.ndarray], Array]
"""x1 (n1, d), x2 (n2, d), NumPy arrays -> (n1, n2)."""


LESS = ("bfloat16", "float16", "float32")
"""Types with fewer digits than the inputs that kernels get."""


class KernelSubject:
    """Someone's kernel functions, and the architecture, if any, whose kernels they claim to be.

    ntk, nngp: functions of x1 (n1, d), x2 (n2, d), NumPy arrays, that return (n1, n2); None where there is none.
    architecture: without one, what holds for every kernel is tried, and nothing else.
    accuracy: the relative accuracy that they claim, against which they are judged, on inputs in float64
    of sizes up to 1e30: a kernel that computes in float32 overflows there, and is said to.
    inputs: the number of features d; None for the architecture's, or for any number.
    Raises InvalidArgument where neither kernel is given or one is no function, and later where one returns another
    shape or less than float64, or changes its inputs.
    """

    def __init__(
        self,
        *,
        name: str,
        architecture: Architecture | None = None,
        nngp: KernelFunction | None = None,
        ntk: KernelFunction | None = None,
        accuracy: float = FOREIGN_ACCURACY,
        inputs: int | None = None,
        version: str = "",
    ):
        check_name(name)
        if nngp is None and ntk is None:
            raise InvalidArgument("ntk", "None (and nngp None)", "at least one kernel", "Pass ntk=function.")
        if architecture is not None and not isinstance(architecture, Architecture):
            remedy = "Build one with mlp(...), or leave it out."
            raise InvalidArgument("architecture", repr(architecture), "an Architecture or None", remedy)
        if architecture is not None and inputs not in (None, architecture.inputs):
            remedy = "Leave it out: the architecture says it."
            raise InvalidArgument("inputs", repr(inputs), f"{architecture.inputs}", remedy)
        _check_number("accuracy", accuracy, float, 0)
        if inputs is not None:
            _check_number("inputs", inputs, int, 1)
        self.inputs = architecture.inputs if architecture is not None else inputs
        self.name, self.version, self.architecture, self.accuracy = name, version, architecture, accuracy
        self.nngp, self.ntk = _checked("nngp", nngp), _checked("ntk", ntk)

    def supports(self, arch: Architecture) -> bool:
        """Tells whether `arch` is the one that the kernels are of."""
        return self.architecture in (None, arch)


def _checked(
    name: str, function: KernelFunction | None
) -> Callable[[Architecture | None, Array, Array], np.ndarray] | None:
    """Makes a function of points one of an architecture, which is left unread, and points; shapes are checked."""
    if function is None:
        return None
    if not callable(function):
        remedy = "Pass the function itself, which is then called with arrays of points."
        raise InvalidArgument(name, repr(function), "a function of (x1, x2), or None", remedy)

    def kernel(arch: Architecture | None, x1: Array, x2: Array) -> np.ndarray:
        x1, x2 = np.asarray(x1), np.asarray(x2)
        first = x1.copy()  # a kernel may change what it gets, and may tell one batch from two by `x1 is x2`
        second = first if x2 is x1 else x2.copy()
        matrix = _in_float64(name, function(first, second))
        for argument, given, left in (("x1", x1, first), ("x2", x2, second)):
            if not np.array_equal(given, left, equal_nan=True):
                remedy = (
                    f"Work on a copy, for example {argument} = {argument} - 1 in place of {argument} -= 1."
                )
                raise InvalidArgument(name, f"{argument} changed in place", "inputs left as they are", remedy)
        if matrix.shape != (len(x1), len(x2)):
            expected = f"shape ({len(x1)}, {len(x2)}) for x1 {tuple(x1.shape)} and x2 {tuple(x2.shape)}"
            remedy = "Return one row for each row of x1, and one column for each of x2."
            raise InvalidArgument(name, f"shape {matrix.shape}", expected, remedy)
        return matrix

    return kernel


def _in_float64(name: str, matrix: Any) -> np.ndarray:
    """Returns a kernel's answer as an array. Raises InvalidArgument for what is less than float64, or no numbers."""
    if hasattr(matrix, "detach"):
        matrix = matrix.detach().cpu()
    kind = str(getattr(matrix, "dtype", type(matrix).__name__)).removeprefix("torch.")
    if kind in LESS:
        remedy = (
            "Compute in float64, which the inputs are in (in JAX with jax_enable_x64), or say that this is meant: return"
            " matrix.astype(float), and pass accuracy=, for example 1e-4."
        )
        raise InvalidArgument(name, f"{kind} for inputs in float64", "float64", remedy)
    array = np.asarray(matrix)
    if array.dtype.kind not in "fiub":
        remedy = "Return an array of real numbers."
        raise InvalidArgument(name, f"{type(matrix).__name__} of dtype {array.dtype}", "numbers", remedy)
    return array.astype(float, copy=False)


def _check_number(argument: str, value: Any, kind: type[int] | type[float], least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | kind) or not least <= value < math.inf:
        expected = f"a finite {kind.__name__} >= {least}"
        raise InvalidArgument(argument, repr(value), expected, "Leave it out for the usual one.")
