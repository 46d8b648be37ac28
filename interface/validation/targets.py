"""Targets of a moderate size: finite, and their squares can be summed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# By the bytes of a number, 2^496 and 2^48: there is room for a sum of 2^32 squares.
_LIMITS = {np.dtype(d).itemsize: 2.0 ** (np.finfo(d).maxexp // 2 - 16) for d in (np.float64, np.float32)}
_FEW = 8192  # numbers up to which BLAS does not wake its threads


def are_moderate(values: NDArray[Any]) -> bool:
    """Whether all numbers are seen at once to be finite and of a moderate size; if not, `moderate` finds which is."""
    limit = _LIMITS[values.itemsize]
    if values.size <= 32:  # as in `samenet.descent.finite`
        return bool(sum(map(abs, values.ravel().tolist())) <= limit)
    return values.size <= _FEW and bool(np.vdot(values, values) <= limit * limit)


def moderate(name: str, values: NDArray[Any]) -> NDArray[Any]:
    """Refuse, with a ValueError, finite numbers so large that a sum of their squares overflows.

    Whether it does would depend on the order of the sum, and infinity times a slope of 0 is NaN: every backend would
    have an answer of its own.
    """
    limit, largest = _LIMITS[values.itemsize], max(float(values.max()), -float(values.min()))
    if largest > limit:
        raise ValueError(
            f"{name}: expected numbers of at most {limit:.2g} in size, whose squares can be summed as {values.dtype}, "
            f"got {largest:.3g}"
        )
    return values
