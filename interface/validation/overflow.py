"""Costs and gradients beyond the range of a dtype would depend on the order of sums: one answer for all backends.

A weighted sum that overflows is not looked at. The reference adds its terms from first to last, in float64; the other
backends in an order of their own, in the network's dtype. So

    terms of one sign, float64     every backend has infinity at the same places, and NaN at the same
    terms of one sign, float32     the reference, which only rounds what it stores, may be finite where others are not
    terms of both signs            infinity minus infinity is NaN, and whether a sum meets it depends on the order

By the bytes of a number: the largest sum over samples that is still a cost, and the largest target with a gradient.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LARGEST_COST = {8: 2.0**1020, 4: 2.0**124}
_LARGEST_TARGET = {8: 2.0**1000, 4: 2.0**112}


def cost_in_range(value: float, rows: int, dtype: np.dtype[Any]) -> float:
    """The cost itself, or infinity if its sum over this many samples is out of range."""
    return math.inf if value * rows > _LARGEST_COST[dtype.itemsize] else value


def has_gradient(cost: float, Y: NDArray[Any]) -> bool:
    """Whether targets are in range; they are examined only if the cost is not."""
    return math.isfinite(cost) or float(max(Y.max(), -Y.min())) <= _LARGEST_TARGET[Y.itemsize]
