"""Costs, gradients and norms near the limit of a dtype, for which all backends must give the same answer.

There, the result depends on the order of a sum. Overflow of a weighted sum is not detected. The reference adds terms
from first to last, in float64; other backends add them in other orders, in the network's dtype. So

    terms of one sign, float64     every backend gives infinity and NaN in the same places
    terms of one sign, float32     the reference, which only rounds what it stores, may be finite where others are not
    terms of both signs            infinity minus infinity is NaN, and whether it occurs depends on the order
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

# The largest sum over samples for which a cost is given, and the largest target for which a gradient is, by itemsize.
_LARGEST_COST = {8: 2.0**1020, 4: 2.0**124}
_LARGEST_TARGET = {8: 2.0**1000, 4: 2.0**112}
_SMALL = 1e-150  # the squares of numbers below it lose digits


def norm(values: NDArray[Any], axis: int | None = None) -> Any:
    """The 2-norm in float64, of all entries or along an axis, whose squares neither overflow nor underflow."""
    values = np.asarray(values, np.float64)
    # These products give no warning of overflow, as `values.dot` does, so that it need not be silenced.
    if axis is None:  # as NumPy does, without its checks
        of_all = math.sqrt(np.vdot(values, values))
        if _SMALL < of_all < math.inf:
            return of_all
    elif values.ndim == 2 and axis == 1:
        found = np.sqrt(np.einsum("ij,ij->i", values, values))
        if found.size and found.item(found.argmin()) > _SMALL and found.item(found.argmax()) < math.inf:
            return found
    with np.errstate(all="ignore"):
        largest = np.abs(values).max(axis=axis, keepdims=True)
        scale = np.where((largest > 0) & (largest < math.inf), largest, 1.0)
        return np.linalg.norm(values / scale, axis=axis) * (scale.item() if axis is None else scale.squeeze(axis))


def cost_in_range(value: float, rows: int, dtype: np.dtype[Any]) -> float:
    """The cost itself, or infinity if its sum over this many samples is out of range."""
    return math.inf if value * rows > _LARGEST_COST[dtype.itemsize] else value


def has_gradient(cost: float, Y: NDArray[Any]) -> bool:
    """Whether targets are in range; they are examined only if the cost is not finite."""
    return math.isfinite(cost) or float(max(Y.max(), -Y.min())) <= _LARGEST_TARGET[Y.itemsize]
