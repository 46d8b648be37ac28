"""Whether numbers are finite."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


def all_finite(values: NDArray[Any]) -> bool:
    """Whether there is no NaN or infinity, checked as fast as the numbers can be read.

    A sum, or a sum of squares, is finite only if every number is; if it is not, the sum itself may have overflowed.
    The plain sum of a few Python numbers is faster than a BLAS call, and from 10,000 numbers on BLAS wakes its threads,
    which takes longer than many a training run.
    """
    if values.size <= 32:
        total = sum(values.ravel().tolist())
    elif values.size <= 8192:
        total = np.vdot(values, values)
    else:
        with np.errstate(all="ignore"):
            total = values.sum()
    return math.isfinite(total) or bool(np.isfinite(values).all())


def within_range(values: NDArray[np.float64], what: str) -> NDArray[np.float64]:
    """What became of X by scaling; ValueError if it overflowed."""
    if not np.isfinite(values).all():
        raise ValueError(f"X: expected numbers that are finite when scaled, got {what} beyond the range of float64")
    return values
