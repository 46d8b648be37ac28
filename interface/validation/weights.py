"""Weights of samples, checked."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.validation import arrays, checks

_LARGE = 2.0**960  # of weights from here on, the sum could overflow


def checked(value: Any, rows: int, dtype: np.dtype[Any], may_be_zero: bool = False) -> NDArray[Any]:
    """Finite weights (rows,) of at least 0, not all 0 unless they may be."""
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
    """Those of a part of the samples, in float64."""
    given = checked(value, rows, dtype, may_be_zero=True)
    if given.max() > _LARGE:
        raise ValueError(f"sample_weight: expected weights of at most 2^960, got {given.max():g}")
    return given.astype(np.float64)


def sample_weight(value: Any, rows: int, reduction: str, dtype: np.dtype[Any]) -> NDArray[np.float64] | None:
    """Weights (rows,) as backends take them, in float64; None for None, and for those that change nothing.

    Those are all 1, and for the mean, all equal. Only for a sum need weights be numbers of the network's dtype; for the
    mean, very large ones are scaled by a power of 2, which changes no quotient.
    """
    if value is None:
        return None
    is_mean = reduction == "mean"
    given = checked(value, rows, np.dtype(np.float64) if is_mean else dtype)
    least, most = float(given.min()), float(given.max())
    if least == most and (is_mean or most == 1):
        return None
    weights = given.astype(np.float64)  # a copy, which nobody changes while it is in use
    return weights * 2.0**-128 if most > _LARGE and is_mean else weights
