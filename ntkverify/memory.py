"""Running out of memory, told from other errors."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

from ntkverify.errors import InvalidArgument, OutOfMemory

CPU_ALLOCATOR = "DefaultCPUAllocator"
"""What torch's message starts with where the processor's memory is full: it has no type of its own there."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that memory is full, which no other way of computing the same should hide."""
    if isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and CPU_ALLOCATOR in str(error)


@contextlib.contextmanager
def clear_when_full(remedy: str) -> Iterator[None]:
    """Raises OutOfMemory, with the remedy, for what torch raises where memory is full."""
    try:
        yield
    except OutOfMemory:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise OutOfMemory(f"{error}. {remedy}") from error
        raise


def check_memory(memory: Any) -> None:
    """Raises InvalidArgument for what is no number of bytes."""
    number = isinstance(memory, (int, float)) and not isinstance(memory, bool)
    if not number or not memory > 0:
        raise InvalidArgument("memory", repr(memory), "a number of bytes above 0", "2**30 is a gibibyte.")
