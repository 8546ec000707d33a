"""How someone's kernel function is called: in rows or vectors, in NumPy or torch, in its own dtype."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from ntkverify.arrays import Array
from ntkverify.errors import InvalidArgument, NtkverifyError, SubjectFailed

Takes = Literal["matrices", "matrix", "vectors"]

TAKES: dict[str, str] = {
    "matrices": "ntk(x1, x2) of rows x1 (n1, d), x2 (n2, d)",
    "matrix": "ntk(x) of rows x (n, d)",
    "vectors": "ntk(x, y) of single vectors (d,)",
}
"""What a kernel function may take, and how it is then called."""

LESS = ("bfloat16", "float16", "float32")
"""Types with fewer digits than the inputs that kernels get."""


class WrongAnswer(InvalidArgument, SubjectFailed):
    """A kernel function returned something that is no kernel matrix, or changed what it was given."""


@dataclass(frozen=True, kw_only=True)
class Calling:
    """A kernel function, and how it is called.

    part: "ntk" or "nngp", for messages. takes: one of TAKES. torch: whether it wants tensors, which then keep their
    graph. dtype: of what it gets and returns, None for float64.
    """

    part: str
    function: Callable[..., Any]
    takes: Takes = "matrices"
    torch: bool = False
    dtype: str | None = None

    def __call__(self, x1: Array, x2: Array) -> Array:
        """Computes the kernel (n1, n2), float64, of x1 (n1, d), x2 (n2, d): a tensor where it wants tensors and gets
        them, else NumPy's.

        Raises WrongAnswer for what is no such matrix or less than float64, and inputs that change; and SubjectFailed,
        with its cause, for whatever the function raises.
        """
        first = self._given(x1)
        second = first if x2 is x1 else self._given(x2)
        before = [np.array(_plain(x)) for x in (first, second)]
        try:
            matrix = self._called(first, second)
        except NtkverifyError as error:
            if isinstance(error, SubjectFailed):
                raise
            raise self._failure(error, x1, x2) from error
        except Exception as error:
            raise self._failure(error, x1, x2) from error
        for argument, given, left in zip(("x1", "x2"), before, (first, second), strict=True):
            if not np.array_equal(given, _plain(left), equal_nan=True):
                remedy = (
                    f"Work on a copy, for example {argument} = {argument} - 1 in place of {argument} -= 1."
                )
                raise WrongAnswer(
                    self.part, f"{argument} changed in place", "inputs left as they are", remedy
                )
        if tuple(matrix.shape) != (len(x1), len(x2)):
            expected = f"shape ({len(x1)}, {len(x2)}) for x1 {tuple(x1.shape)} and x2 {tuple(x2.shape)}"
            remedy = "Return one row for each row of x1, and one column for each of x2."
            raise WrongAnswer(self.part, f"shape {tuple(matrix.shape)}", expected, remedy)
        if isinstance(matrix, Tensor) and isinstance(x1, Tensor) and self.torch:
            return matrix.double()
        return np.asarray(_plain(matrix)).astype(float, copy=False)

    def _given(self, x: Array) -> Array:
        """Returns a copy, which the function may change, in its own library and dtype."""
        dtype = self.dtype or "float64"
        if self.torch:
            return torch.as_tensor(x).to(getattr(torch, dtype)).clone()
        return np.array(_plain(x), dtype=dtype)

    def _called(self, x1: Any, x2: Any) -> Array:
        if self.takes == "matrix":
            if x1 is x2:
                return self._read(self.function(x1))
            both = torch.cat([x1, x2]) if self.torch else np.concatenate([x1, x2])
            return self._read(self.function(both))[: len(x1), len(x1) :]
        if self.takes == "vectors":
            entries = [[self._number(self.function(x, y)) for y in x2] for x in x1]
            return torch.stack([torch.stack(row) for row in entries]) if self.torch else np.array(entries)
        return self._read(self.function(x1, x2))

    def _number(self, value: Any) -> Any:
        read = self._read(value)
        if int(np.prod(read.shape)) != 1:
            remedy = "Return the kernel of the two vectors."
            raise WrongAnswer(self.part, f"shape {tuple(read.shape)}", "one number", remedy)
        return read.reshape(())

    def _read(self, matrix: Any) -> Array:
        """Returns an answer as a tensor or an array; raises WrongAnswer for what has no numbers, or too few digits."""
        kind = str(getattr(matrix, "dtype", type(matrix).__name__)).removeprefix("torch.")
        if kind in LESS and kind != self.dtype:
            remedy = (
                "Compute in float64, which the inputs are in (in JAX with jax_enable_x64), or say that this is"
                ' meant: domain=ntkverify.Domain(dtype="float32").'
            )
            raise WrongAnswer(self.part, f"{kind} for inputs in float64", "float64", remedy)
        if self.torch and isinstance(matrix, Tensor) and not matrix.is_complex():
            return matrix
        array = np.asarray(_plain(matrix))
        if array.dtype.kind not in "fiub":
            got = f"{type(matrix).__name__} of dtype {array.dtype}"
            raise WrongAnswer(self.part, got, "numbers", "Return an array of real numbers.")
        return torch.as_tensor(array) if self.torch else array

    def _failure(self, error: Exception, x1: Array, x2: Array) -> SubjectFailed:
        shapes = " and ".join(str(tuple(x.shape)) for x in (x1, x2))
        return SubjectFailed(
            f"{self.part} raised {type(error).__name__} for points of shapes {shapes}: {error}"
        )


def _plain(values: Any) -> Any:
    """Returns what NumPy reads: of a tensor, an array without its graph, on the CPU."""
    return values.detach().cpu().numpy() if hasattr(values, "detach") else values
