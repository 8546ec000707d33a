"""Someone's kernel functions as what is under test."""

import math
from collections.abc import Callable
from typing import Any

from ntkverify.architecture import Architecture
from ntkverify.arrays import Array
from ntkverify.domain import Domain
from ntkverify.errors import InvalidArgument
from ntkverify.subjects.calling import TAKES, Calling, Takes
from ntkverify.subjects.loading import check_name
from ntkverify.subjects.parts import FLOAT32_ACCURACY, FOREIGN_ACCURACY
from ntkverify.subjects.trial import try_calls

KernelFunction = Callable[..., Any]
"""x1 (n1, d), x2 (n2, d) -> (n1, n2), or what `takes` says."""


class KernelSubject:
    """Someone's kernel functions, the architecture, if any, whose kernels they claim to be, and where they do.

    ntk, nngp: functions; None where there is none. takes: "matrices" for functions of x1 (n1, d), x2 (n2, d) that
    return (n1, n2); "matrix" for functions of one x (n, d) that return (n, n); "vectors" for functions of two single
    vectors (d,) that return a number. torch: whether they want torch tensors, and then gradients are tested too;
    without, they get NumPy arrays.
    architecture: without one, what holds for every kernel is tried, and nothing else.
    accuracy: the relative accuracy that they claim, against which they are judged; None for 1e-6, in float32 1e-3.
    domain: the inputs that they are made for; claims are judged inside, and how far they hold outside is measured. None
    for Domain(), without zeros where the NTK there is a matter of convention (`Architecture.is_undetermined_at_zero`).
    inputs: the number of features d; None for the architecture's, or for any number.
    Raises InvalidArgument where neither kernel is given or one is no function, and when claims begin to be tried where
    functions want to be called otherwise.
    """

    def __init__(
        self,
        *,
        name: str,
        architecture: Architecture | None = None,
        nngp: KernelFunction | None = None,
        ntk: KernelFunction | None = None,
        accuracy: float | None = None,
        inputs: int | None = None,
        version: str = "",
        domain: Domain | None = None,
        takes: Takes = "matrices",
        torch: bool = False,
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
        if accuracy is not None:
            _check_number("accuracy", accuracy, float, 0)
        if inputs is not None:
            _check_number("inputs", inputs, int, 1)
        if takes not in TAKES:
            known = "; ".join(f"{kind!r} for {how}" for kind, how in TAKES.items())
            raise InvalidArgument("takes", repr(takes), known, "Choose one.")
        kinked = architecture is not None and architecture.is_undetermined_at_zero
        self.domain = Domain(zero=not kinked) if domain is None else domain
        if not isinstance(self.domain, Domain):
            remedy = "Build one with ntkverify.Domain(...)."
            raise InvalidArgument("domain", repr(domain), "a Domain or None", remedy)
        self.inputs = architecture.inputs if architecture is not None else inputs
        if self.inputs == 1 and self.domain.closest_angle > 0:
            remedy = "On a line all inputs are parallel: leave closest_angle out."
            raise InvalidArgument("domain", repr(domain), "one without closest_angle for one input", remedy)
        usual = FLOAT32_ACCURACY if self.domain.dtype == "float32" else FOREIGN_ACCURACY
        self.accuracy = usual if accuracy is None else accuracy
        self.name, self.version, self.architecture = name, version, architecture
        self.calls = {
            part: Calling(part=part, function=function, takes=takes, torch=torch, dtype=self.domain.dtype)
            for part, function in (("nngp", _checked("nngp", nngp)), ("ntk", _checked("ntk", ntk)))
            if function is not None
        }
        self.nngp, self.ntk = (_of_architectures(self.calls.get(part)) for part in ("nngp", "ntk"))

    def supports(self, arch: Architecture) -> bool:
        """Tells whether `arch` is the one that the kernels are of."""
        return self.architecture in (None, arch)

    def try_calls(self) -> None:
        """Calls each kernel once; raises InvalidArgument, with the remedy, where it wants to be called otherwise."""
        for call in self.calls.values():
            try_calls(call, self.domain, self.inputs or 3)


def _checked(name: str, function: KernelFunction | None) -> KernelFunction | None:
    if function is not None and not callable(function):
        remedy = "Pass the function itself, which is then called with arrays of points."
        raise InvalidArgument(name, repr(function), "a function of (x1, x2), or None", remedy)
    return function


def _of_architectures(call: Calling | None) -> Callable[[Architecture | None, Array, Array], Array] | None:
    """Makes a function of points one of an architecture, which is left unread, and points."""
    return None if call is None else lambda arch, x1, x2: call(x1, x2)


def _check_number(argument: str, value: Any, kind: type[int] | type[float], least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | kind) or not least <= value < math.inf:
        expected = f"a finite {kind.__name__} >= {least}"
        raise InvalidArgument(argument, repr(value), expected, "Leave it out for the usual one.")
