"""Targets that the output layer cannot reach."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.validation.warning import warn

# The limits of each activation; of the identity there are none.
_RANGES = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "relu": (0.0, math.inf), "softmax": (0.0, 1.0)}
_SLACK = 1e-5  # beyond the limits, for targets that were scaled to them and rounded, in float32 too


class UnreachableTargetsWarning(UserWarning):
    """Some targets lie outside what the output layer can reach, so no training fits them.

    The outputs of a layer of "sigmoid" and of "softmax" lie between 0 and 1, those of "tanh" between -1 and 1, and
    those of "relu" are never negative. Targets at the limits themselves, such as the classes 0 and 1, give no warning,
    nor do those beyond by a rounding error, up to 0.00001, nor those of samples of weight 0. It is given before
    training begins, once for each call of `train` or `train_many`.
    """


def unreachable(activation: str, Y: NDArray[Any], weights: NDArray[Any] | None = None) -> str | None:
    """What is wrong with the targets Y (m, n_out) of an output layer with this activation, or None.

    weights: those of the samples (m,), or None; what a sample of weight 0 is to learn does not matter.
    """
    limits = _RANGES.get(activation)
    if limits is None:
        return None
    low, high = limits
    # Sooner done than `min` and `max`.
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


_FEW = 128  # targets that are compared sooner than their least and largest are found
_within: Any = None  # the few that were last found to be within reach, and of what


def check_reach(activation: str, Y: NDArray[Any], weights: NDArray[Any] | None) -> None:
    """Warn of targets that an output layer with this activation cannot reach; see `unreachable`."""
    if weights is not None or not is_reachable(activation, Y):
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
    """Give the warning, with what `unreachable` found."""
    warn(f"{found}; scale the targets, or give the output layer another activation", UnreachableTargetsWarning)
