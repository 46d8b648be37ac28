"""Sample weights on whole arrays; equations: `samenet.reference.sample_weight`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


_MOST_KEPT = 4096  # weights, of which a copy may be kept: comparing with the last ones is faster than dividing them
_last: tuple[Any, Any] = None, None  # the last few weights and how they were reduced, and their factors


def factors(sample_weight: NDArray[np.float64], reduction: str, dtype: Any) -> Array:
    """The factors c of a batch's samples, (m, 1), which must not be changed: they may be returned again."""
    global _last
    if sample_weight.size > _MOST_KEPT:
        return _factors(sample_weight, reduction, dtype)
    key = sample_weight.tobytes(), reduction, dtype
    before, found = _last  # read at once, as another thread may weigh others
    if key != before:
        found = _factors(sample_weight, reduction, dtype)
        _last = key, found
    return found  # type: ignore[no-any-return]


def _factors(sample_weight: NDArray[np.float64], reduction: str, dtype: Any) -> Array:
    total = sample_weight.sum()
    c = sample_weight / total if reduction == "mean" and total > 0 else sample_weight
    with np.errstate(under="ignore"):
        return c[:, np.newaxis].astype(dtype)


def weighed(values: Array, c: Array) -> Array:
    """c times the values of each row; zeros where c is 0, also if values are not finite there."""
    kept = c != 0
    return np.multiply(values, c, where=kept, out=np.zeros_like(values))


def left_out(X: Array, c: Array) -> Array:
    """The samples, with zeros in place of those of weight 0, whose numbers must not reach any result."""
    return X if np.count_nonzero(c) == c.size else np.where(c != 0, X, X.dtype.type(0))
