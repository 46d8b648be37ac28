"""Targets that the output layer cannot reach."""

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.validation.warning import warn

# The limits of each activation; the identity has none.
_RANGES = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "relu": (0.0, math.inf), "softmax": (0.0, 1.0)}
_SLACK = 1e-5  # allowed beyond the limits, for targets that were scaled to them and rounded, even in float32


class UnreachableTargetsWarning(UserWarning):
    """Some targets lie outside the range of the output layer, so training cannot fit them.

    The outputs of a layer of "sigmoid" and of "softmax" lie between 0 and 1, those of "tanh" between -1 and 1, and
    those of "relu" are never negative. Targets at the limits themselves, such as the classes 0 and 1, give no warning,
    nor do targets beyond them by a rounding error of up to 0.00001, nor targets of samples with weight 0. The warning
    is given before training begins, once in each call of `train` or `train_many`.
    """


@lru_cache(64)
def limits_of(activation: str | None) -> tuple[float, float]:
    """The least and the largest target that an output layer with this activation can reach, up to rounding."""
    low, high = _RANGES.get(activation or "", (-math.inf, math.inf))
    return low - _SLACK, high + _SLACK


def unreachable(activation: str, Y: NDArray[Any], weights: NDArray[Any] | None = None) -> str | None:
    """A description of the unreachable targets among Y (m, n_out) for an output layer with this activation, or None.

    weights: the sample weights (m,), or None; targets of samples with weight 0 are ignored.
    """
    limits = _RANGES.get(activation)
    if limits is None:
        return None
    low, high = limits
    # Faster than `min` and `max`.
    if Y.item(Y.argmin()) >= low - _SLACK and (high == math.inf or Y.item(Y.argmax()) <= high + _SLACK):
        return None
    outside = ~((low - _SLACK <= Y) & (high + _SLACK >= Y))
    size = Y.size
    if weights is not None:
        outside[weights == 0] = False
        size = np.count_nonzero(weights) * Y.shape[1]
    count = int(outside.sum())
    if not count:
        return None
    row, column = map(int, np.argwhere(outside)[0])
    reached = "0 and more" if high == math.inf else f"{low:g} to {high:g}"
    return (
        f"Y: {count} of {size} targets lie outside what an output layer of "
        f"{activation!r} can reach, {reached}: {Y[row, column]:g} at Y[{row}, {column}]"
    )


_FEW = 128  # up to this many targets, a comparison with the last ones is faster than finding their extremes
_within: Any = None  # the last targets found to be within reach, and their activation


def check_reach(activation: str, Y: NDArray[Any], weights: NDArray[Any] | None) -> None:
    """Warn of targets that an output layer with this activation cannot reach; see `unreachable`."""
    if not is_reachable(activation, Y):
        found = unreachable(activation, Y, weights)
        if found is not None:
            warn_unreachable(found)


def is_reachable(activation: str, Y: NDArray[Any]) -> bool:
    """Whether an output layer with this activation can reach all targets."""
    global _within
    few = (activation, Y.dtype, Y.tobytes()) if Y.size <= _FEW else None
    if few is not None and few == _within:
        return True
    if unreachable(activation, Y) is not None:
        return False
    _within = few
    return True


def warn_unreachable(found: str) -> None:
    """Give the warning, with the description by `unreachable`."""
    warn(f"{found}; scale the targets, or give the output layer another activation", UnreachableTargetsWarning)
