"""Trial calls: how a kernel function wants to be called is found out before any claim is tried."""

import itertools
import traceback
from dataclasses import replace
from typing import get_args

import numpy as np

from ntkverify.domain import Domain
from ntkverify.errors import InvalidArgument, SubjectFailed
from ntkverify.seeds import derive
from ntkverify.subjects.calling import TAKES, Calling, Takes, WrongAnswer

ROWS = (3, 2)
"""Of different numbers, so that a kernel that takes square ones only is told from others."""


def try_calls(call: Calling, domain: Domain, inputs: int) -> None:
    """Calls a kernel function once on ordinary inputs inside its domain.

    Raises InvalidArgument where that fails, with the way to call it that works, if there is one.
    """
    first, second = _points(domain, inputs)
    try:
        matrix = np.asarray(call(first, second))
    except SubjectFailed as error:
        raise InvalidArgument(
            call.part, _cause(error), _expected(call), _remedy(call, domain, inputs)
        ) from error
    bad = ~np.isfinite(matrix)
    if bad.any():
        got = f"{matrix[bad][0]} for ordinary inputs ({bad.sum()} of {matrix.size} entries)"
        remedy = "Call it on np.random.standard_normal((3, d)) and follow where numbers are lost."
        raise InvalidArgument(call.part, got, "finite numbers", remedy)


def _points(domain: Domain, inputs: int) -> tuple[np.ndarray, np.ndarray]:
    rng = derive(0, "trial")
    x = domain.fitted(domain.apart(rng.standard_normal((sum(ROWS), inputs)), rng))
    return x[: ROWS[0]], x[ROWS[0] :]


def _cause(error: SubjectFailed) -> str:
    """Says what went wrong, and where in the function's own file."""
    if isinstance(error, WrongAnswer):
        return error.got
    cause = error.__cause__ or error
    frames = traceback.extract_tb(cause.__traceback__)
    where = f" in {frames[-1].filename}, line {frames[-1].lineno}" if frames else ""
    return f"{type(cause).__name__}{where}: {str(cause).splitlines()[0] if str(cause) else ''}"


def _expected(call: Calling) -> str:
    library = "torch tensors" if call.torch else "NumPy arrays"
    return f"a kernel that can be called as {TAKES[call.takes].replace('ntk', call.part)}, with {library}"


def _remedy(call: Calling, domain: Domain, inputs: int) -> str:
    """Tries the other ways to call it."""
    first, second = _points(domain, inputs)
    for torch, takes in itertools.product((call.torch, not call.torch), get_args(Takes)):
        if _works(replace(call, takes=takes, torch=torch), first, second):
            changed = [f'takes="{takes}"'] * (takes != call.takes) + [f"torch={torch}"] * (
                torch != call.torch
            )
            return f"Pass {' and '.join(changed)}."
    if call.takes == "matrices" and _works(call, first, first + 0):
        return (
            "It works for as many rows in x1 as in x2 only: let it return (n1, n2), or pass a function of one matrix"
            f' and takes="matrix", as in {call.part}=lambda x: kernel(x, x).'
        )
    if call.dtype != "float32" and _works(replace(call, dtype="float32"), first, second):
        return 'Compute in float64, or say that float32 is meant: domain=ntkverify.Domain(dtype="float32").'
    return "Call it yourself on np.ones((3, d)), np.ones((2, d)) and mend that line."


def _works(call: Calling, x1: np.ndarray, x2: np.ndarray) -> bool:
    try:
        return bool(np.isfinite(np.asarray(call(x1, x2))).all())
    except SubjectFailed:
        return False
