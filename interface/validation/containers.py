"""Input that NumPy would convert to an array other than the intended one.

Masked entries of arrays inside lists become NaN, or the numbers under the mask; a sparse matrix becomes one object.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

_NUMBERS = frozenset((float, int, bool, np.float64, np.float32, np.int64))  # the types in most lists
_LISTS = frozenset((list, tuple))
_NOT_LISTS = str | bytes | bytearray | memoryview | range


def has_masked(value: Any) -> bool:
    """Whether a value is a masked array with masked entries, or a list that contains one at any depth."""
    is_nested = type(value) is list and _LISTS.issuperset(map(type, value))
    if is_nested and _NUMBERS.issuperset(map(type, chain.from_iterable(value))):
        return False
    pending: list[Any] = [value]
    visited: set[int] = set()
    while pending:
        item = pending.pop()
        is_list = type(item) is list or type(item) is tuple  # as most are, which takes less time to find out
        if not is_list and isinstance(item, np.ma.MaskedArray):
            if item.dtype.names is None and np.ma.is_masked(item):
                return True
        elif id(item) in visited:  # a list may contain itself
            pass
        elif is_list or (isinstance(item, Sequence) and not isinstance(item, _NOT_LISTS)):
            visited.add(id(item))
            try:
                if not _NUMBERS.issuperset(map(type, item)):
                    pending.extend(item)
            except Exception:  # a sequence that cannot be read is rejected later, on conversion to an array
                return False
    return False


def is_sparse(value: Any) -> bool:
    """Whether a value is a sparse matrix or array, like those of SciPy."""
    return hasattr(type(value), "toarray") and not hasattr(type(value), "__array__")
