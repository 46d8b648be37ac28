"""Memory pages that are kept, since page faults take longer than much of the arithmetic."""

import functools

import numpy as np


@functools.cache
def keep_pages() -> None:
    """Make glibc keep the memory of freed arrays, up to 64 MiB.

    glibc does so once a block of 32 MiB has been freed; before, it unmaps blocks larger than 128 KiB (mallopt(3)).
    """
    np.empty(32 * 2**20 - 2**16, np.uint8)
