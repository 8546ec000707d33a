"""Running out of memory, told from other errors."""

import torch

CPU_ALLOCATOR = "DefaultCPUAllocator"
"""What torch's message starts with where the processor's memory is full: it has no type of its own there."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that memory is full, which no other way of computing the same should hide."""
    if isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and CPU_ALLOCATOR in str(error)
