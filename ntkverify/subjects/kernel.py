"""Someone's kernel functions as what is under test."""

from collections.abc import Callable

import numpy as np

from ntkverify.architecture import Architecture
from ntkverify.arrays import Array
from ntkverify.errors import InvalidArgument
from ntkverify.subjects.parts import FOREIGN_ACCURACY


class KernelSubject:
    """Someone's kernel functions, and the architecture whose kernels they claim to be.

    ntk, nngp: functions of x1 (n1, d), x2 (n2, d), NumPy arrays, that return (n1, n2).
    accuracy: the relative accuracy that they claim, against which they are judged.
    Raises InvalidArgument where neither kernel is given.
    """

    def __init__(
        self,
        *,
        name: str,
        architecture: Architecture,
        nngp: Callable[[np.ndarray, np.ndarray], Array] | None = None,
        ntk: Callable[[np.ndarray, np.ndarray], Array] | None = None,
        accuracy: float = FOREIGN_ACCURACY,
        version: str = "",
    ):
        if nngp is None and ntk is None:
            raise InvalidArgument("ntk", "None (and nngp None)", "at least one kernel", "Pass ntk=function.")
        if not isinstance(architecture, Architecture):
            raise InvalidArgument(
                "architecture", repr(architecture), "an Architecture", "Build one with mlp(...)."
            )
        self.name, self.version, self.architecture, self.accuracy = name, version, architecture, accuracy
        self.nngp, self.ntk = _of_architecture(nngp), _of_architecture(ntk)

    def supports(self, arch: Architecture) -> bool:
        """Whether `arch` is the one that the kernels are of."""
        return arch == self.architecture


def _of_architecture(function: Callable[[np.ndarray, np.ndarray], Array] | None):
    return function and (lambda arch, x1, x2: np.asarray(function(x1, x2), dtype=float))
