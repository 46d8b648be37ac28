"""Sample weights on whole arrays; `xp` is their library's namespace. Equations: `samenet.reference.sample_weight`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = Any  # an array of the library


def factors_of(xp: Any, sample_weight: Array, reduction: str, dtype: Any) -> Array:
    """The factors c of a batch's samples, (m, 1)."""
    c, total = sample_weight, sample_weight.sum()
    if reduction == "mean":
        c = c / (total + (total == 0))
    return xp.asarray(c.reshape((-1, 1)), dtype=dtype)


def weighed(xp: Any, values: Array, c: Array) -> Array:
    """c times the values of each row; zeros where c is 0, also if values are not finite there."""
    return xp.where(c != 0, values * c, 0)


def left_out(xp: Any, X: Array, c: Array) -> Array:
    """The samples, with zeros in place of those of weight 0, whose numbers must not reach any result."""
    return X if xp is np and c.all() else xp.where(c != 0, X, 0)


_MOST_KEPT = 4096  # weights, of which a copy may be kept: comparing with the last ones is faster than dividing them
_last: tuple[Any, Any] = None, None  # the last few weights and how they were reduced, and their factors


def factors(sample_weight: NDArray[np.float64], reduction: str, dtype: Any) -> NDArray[Any]:
    """The same factors in NumPy's memory, which must not be changed: they may be returned again."""
    global _last
    key = (sample_weight.tobytes(), reduction, dtype) if sample_weight.size <= _MOST_KEPT else None
    before, found = _last  # read at once, as another thread may weigh others
    if key is None or key != before:
        with np.errstate(all="ignore"):
            found = factors_of(np, sample_weight, reduction, dtype)
        _last = (key, found) if key else _last
    return found  # type: ignore[no-any-return]
