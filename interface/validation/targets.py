"""Targets of a moderate size, whose squares can be summed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# 2^496 and 2^48: there is room for a sum of 2^32 squares.
_LIMITS = {dtype: 2.0 ** (np.finfo(dtype).maxexp // 2 - 16) for dtype in (np.dtype(np.float64), np.dtype(np.float32))}


def moderate(name: str, values: NDArray[Any]) -> NDArray[Any]:
    """Refuse, with a ValueError, finite numbers so large that a sum of their squares overflows.

    Whether it does would depend on the order of the sum, and infinity times a slope of 0 is NaN: every backend would
    have an answer of its own.
    """
    limit = _LIMITS[values.dtype]
    if values.size <= 8192 and np.vdot(values, values) <= limit * limit:  # the quick way
        return values
    largest = max(float(values.max()), -float(values.min()))
    if largest > limit:
        raise ValueError(
            f"{name}: expected numbers of at most {limit:.2g} in size, whose squares can be summed as {values.dtype}, "
            f"got {largest:.3g}"
        )
    return values
