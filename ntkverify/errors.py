"""What ntkverify raises: one root, few children, each message with its remedy."""

from typing import Any


class NtkverifyError(Exception):
    """The root of every exception that ntkverify raises on purpose."""


class InvalidArgument(NtkverifyError, ValueError):
    """An argument cannot be used: the message says which, what it was, what was expected, and what to do."""

    def __init__(self, argument: str, got: str, expected: str, remedy: str):
        super().__init__(argument, got, expected, remedy)
        self.argument, self.got, self.expected, self.remedy = argument, got, expected, remedy

    def __str__(self) -> str:
        return f"{self.argument}: got {self.got}, but expected {self.expected}. {self.remedy}"


class SubjectFailed(NtkverifyError):
    """What is under test raised an exception, or returned what is no answer, inside its domain."""


class BeyondNumbers(NtkverifyError):
    """Right answers leave the range of numbers here, so that nothing can be held against them."""


class UnstableLearningRate(InvalidArgument):
    """A learning rate at which training diverges."""


class NotPositiveDefinite(InvalidArgument):
    """A kernel matrix is not positive (semi)definite beyond what rounding explains.

    `smallest_eigenvalue` and `rounding_bound` carry the evidence, in the kernel's units.
    """

    def __init__(self, argument: str, smallest_eigenvalue: float, rounding_bound: float, remedy: str):
        super().__init__(
            argument,
            f"a matrix whose smallest eigenvalue is {smallest_eigenvalue:.6g}",
            f"a positive definite matrix (rounding explains at most {rounding_bound:.3g})",
            remedy,
        )
        self.smallest_eigenvalue, self.rounding_bound = smallest_eigenvalue, rounding_bound

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.argument, self.smallest_eigenvalue, self.rounding_bound, self.remedy)


class OutOfMemory(NtkverifyError, MemoryError):
    """Memory is full: the message says what was asked for, and what asks for less."""


class MissingExtra(NtkverifyError, ImportError):
    """A package that is asked for by name is not installed: the message says how to install it."""

    def __init__(self, extra: str, cause: str):
        super().__init__(extra, cause)
        self.extra, self.cause = extra, cause

    def __str__(self) -> str:
        return f"{self.extra} cannot be imported ({self.cause}). Run: pip install 'ntkverify[{self.extra}]'"
