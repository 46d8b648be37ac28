"""Input that NumPy would convert to an array, but not to the one that is meant.

Masked entries of arrays inside lists become NaN, or the numbers under the mask; a sparse matrix becomes one object.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

_NUMBERS = frozenset((float, int, bool, np.float64, np.float32, np.int64))  # most lists hold nothing else
_NO_LISTS = str | bytes | bytearray | memoryview | range


def has_masked(value: Any) -> bool:
    """Whether a value is a masked array with masked entries, or a list, of lists at any depth, that holds one."""
    waiting, seen = [value], set[int]()
    while waiting:
        item = waiting.pop()
        if isinstance(item, np.ma.MaskedArray):
            if item.dtype.names is None and np.ma.is_masked(item):
                return True
        elif isinstance(item, Sequence) and not isinstance(item, _NO_LISTS) and id(item) not in seen:
            seen.add(id(item))  # a list may contain itself
            try:
                if not _NUMBERS.issuperset(map(type, item)):
                    waiting.extend(item)
            except Exception:  # a sequence that cannot be read is refused by who makes an array of it
                return False
    return False


def is_sparse(value: Any) -> bool:
    """Whether it is a sparse matrix or array, as SciPy has them."""
    return hasattr(type(value), "toarray") and not hasattr(type(value), "__array__")
