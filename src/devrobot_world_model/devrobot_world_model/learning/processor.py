"""Set up a process that trains on the CPU."""

import ctypes

import torch

# <malloc.h> of glibc
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
#: The largest block that glibc takes from its heap at all.
LARGEST_BLOCK = 32 * 1024 * 1024
NEVER = 2**31 - 1


def prepare_processor(threads: int) -> None:
    """
    Let torch use ``threads`` threads, and this process keep the memory that it frees.

    A training step allocates the same tensors as the one before. By default glibc gives them back
    to the system in between, and every page is cleared and mapped again, see docs/performance.md.
    """
    torch.set_num_threads(threads)
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt is not None:  # a libc that knows no such thing does it its own way
        mallopt(M_MMAP_THRESHOLD, LARGEST_BLOCK)
        mallopt(M_TRIM_THRESHOLD, NEVER)
