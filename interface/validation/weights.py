"""Checks of sample weights."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.validation import arrays, checks

_LARGE = 2.0**960  # the sum of weights above this could overflow


def checked(value: Any, rows: int, dtype: np.dtype[Any], may_be_zero: bool = False) -> NDArray[Any]:
    """Finite weights (rows,) of at least 0, and not all 0 unless may_be_zero."""
    given = arrays.array("sample_weight", value, dtype)
    if given.shape != (rows,):
        hint = "; use .ravel()" if given.shape in ((rows, 1), (1, rows)) and hasattr(value, "ravel") else ""
        raise ValueError(
            f"sample_weight: expected shape ({rows},), one weight for each sample, got {given.shape}{hint}"
        )
    arrays.finite("sample_weight", given)
    if given.min() < 0:
        place = int(given.argmin())
        raise ValueError(f"sample_weight: expected weights of at least 0, got {given[place]:g} for sample {place}")
    if not (may_be_zero or given.any()):
        raise ValueError(f"sample_weight: expected at least one weight that is not zero, got {checks.short(value)}")
    return given


def of_part(value: Any, rows: int, dtype: np.dtype[Any]) -> NDArray[np.float64]:
    """The weights of a part of the samples, in float64."""
    given = checked(value, rows, dtype, may_be_zero=True)
    if given.max() > _LARGE:
        raise ValueError(f"sample_weight: expected weights of at most 2^960, got {given.max():g}")
    return given.astype(np.float64)


_FEW = 4096  # weights, of which a copy may be kept: comparing with the last ones is faster than checking
_last: tuple[Any, NDArray[np.float64] | None] = None, None  # the last few weights that were checked, and the result


def sample_weight(value: Any, rows: int, reduction: str, dtype: np.dtype[Any]) -> NDArray[np.float64] | None:
    """Weights (rows,) as backends take them, in float64; None for None, and for weights that make no difference.

    These are all 1 or, for the mean, all equal. For a sum, weights must be representable in the network's dtype; for
    the mean, very large ones are scaled by a power of 2, which does not change their quotients. The weights returned
    must not be changed: they may be returned again.
    """
    global _last
    if value is None:
        return None
    few, plain = None, value
    if type(value) is list and len(value) <= _FEW:
        plain = arrays.plain("sample_weight", value)
    if type(plain) is np.ndarray and plain.size <= _FEW and not plain.dtype.hasobject:
        few = plain.tobytes(), plain.dtype, plain.shape, rows, reduction, dtype
        last, found = _last  # read at once, as another thread may check others
        if few == last:
            return found
    found = _checked(value, rows, reduction, dtype)
    if few is not None:
        _last = few, found
    return found


def _checked(value: Any, rows: int, reduction: str, dtype: np.dtype[Any]) -> NDArray[np.float64] | None:
    is_mean = reduction == "mean"
    given = checked(value, rows, np.dtype(np.float64) if is_mean else dtype)
    least, most = float(given.min()), float(given.max())
    if least == most and (is_mean or most == 1):
        return None
    weights = given.astype(np.float64)  # a copy, so that it does not change while in use
    with np.errstate(all="ignore"):
        return weights * 2.0**-128 if most > _LARGE and is_mean else weights
