"""Whether numbers are finite."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PIECE, _MANY = 8192, 4  # the length of a piece; the number of pieces from which one matmul call handles them all


def all_finite(values: NDArray[Any]) -> bool:
    """Whether there is no NaN or infinity, checked at about the speed of memory.

    If a sum, or a sum of squares, is finite, so is every number; if it is not, the sum itself may have overflowed.
    For a few numbers, Python's sum is faster than a BLAS call; from 10,000 numbers on, BLAS wakes its threads, which
    can take longer than training a small network. Pieces of fewer are left to one thread, and stay in the cache.
    """
    if values.size <= 32:
        total = sum(values.ravel().tolist())
    elif values.size <= _PIECE:
        total = np.vdot(values, values)
    else:
        flat, whole = values.reshape(-1), values.size // _PIECE * _PIECE
        rows = flat[:whole].reshape(-1, 1, _PIECE)
        if len(rows) >= _MANY:
            with np.errstate(all="ignore"):
                totals = np.matmul(rows, rows.transpose(0, 2, 1)).ravel()  # each piece's sum of squares, in one call
            if math.isfinite(np.vdot(totals, totals)):
                return all_finite(flat[whole:])
        pieces = (flat[start : start + _PIECE] for start in range(0, flat.size, _PIECE))
        return all(map(all_finite, pieces))
    return math.isfinite(total) or bool(np.isfinite(values).all())


def within_range(values: NDArray[np.float64], what: str) -> NDArray[np.float64]:
    """Scaled samples, unchanged; ValueError if scaling overflowed."""
    if not np.isfinite(values).all():
        raise ValueError(f"X: expected numbers that are finite when scaled, got {what} beyond the range of float64")
    return values
