"""Someone's kernel functions as what is under test."""

from collections.abc import Callable

import numpy as np

from ntkverify.architecture import Architecture
from ntkverify.arrays import Array
from ntkverify.errors import InvalidArgument
from ntkverify.subjects.parts import FOREIGN_ACCURACY

KernelFunction = Callable[[np.ndarray, np.ndarray], Array]
"""x1 (n1, d), x2 (n2, d), NumPy arrays -> (n1, n2)."""


class KernelSubject:
    """Someone's kernel functions, and the architecture, if any, whose kernels they claim to be.

    ntk, nngp: functions of x1 (n1, d), x2 (n2, d), NumPy arrays, that return (n1, n2); None where there is none.
    architecture: without one, what holds for every kernel is tried, and nothing else.
    accuracy: the relative accuracy that they claim, against which they are judged, on inputs in float64
    of sizes up to 1e30: a kernel that computes in float32 overflows there, and is said to.
    inputs: the number of features d; None for the architecture's, or for any number.
    Raises InvalidArgument where neither kernel is given, and later where one returns another shape.
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
        if nngp is None and ntk is None:
            raise InvalidArgument("ntk", "None (and nngp None)", "at least one kernel", "Pass ntk=function.")
        if architecture is not None and not isinstance(architecture, Architecture):
            remedy = "Build one with mlp(...), or leave it out."
            raise InvalidArgument("architecture", repr(architecture), "an Architecture or None", remedy)
        if architecture is not None and inputs not in (None, architecture.inputs):
            remedy = "Leave it out: the architecture says it."
            raise InvalidArgument("inputs", repr(inputs), f"{architecture.inputs}", remedy)
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

    def kernel(arch: Architecture | None, x1: Array, x2: Array) -> np.ndarray:
        x1, x2 = np.asarray(x1), np.asarray(x2)
        matrix = function(x1, x2)
        matrix = np.asarray(matrix.detach() if hasattr(matrix, "detach") else matrix, dtype=float)
        if matrix.shape != (len(x1), len(x2)):
            expected = f"shape ({len(x1)}, {len(x2)}) for x1 {tuple(x1.shape)} and x2 {tuple(x2.shape)}"
            remedy = "Return one row for each row of x1, and one column for each of x2."
            raise InvalidArgument(name, f"shape {matrix.shape}", expected, remedy)
        return matrix

    return kernel
