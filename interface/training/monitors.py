"""Monitors, which training can record besides the cost: functions of the output and the targets; see `History`."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from samenet.training.classification import ACCURACIES, Accuracy, accuracy
from samenet.validation.overflow import norm

Array = NDArray[Any]


def _mean(values: Array) -> float:
    """The mean in float64; for few numbers, `ndarray.mean` takes longer."""
    return float(np.add.reduce(values, axis=None, dtype=np.float64)) / values.size


_FEW = 64  # up to this many numbers, Python's own functions are faster than NumPy's


def _mean_norm(Y: Array, output: Array) -> float:
    errors = Y - output
    if errors.size <= _FEW:
        total: float = sum(map(math.hypot, *errors.T.tolist()))
        if math.isfinite(total):
            return total / len(errors)
    return _mean(norm(errors, axis=1))


def _mean_absolute_error(Y: Array, output: Array) -> float:
    errors = Y - output
    if errors.size <= _FEW:
        total: float = sum(map(abs, errors.ravel().tolist()))
        return total / errors.size
    return _mean(np.abs(errors))


Distance = Literal["mean_norm", "mean_absolute_error"]
Monitor = Distance | Accuracy

_DISTANCES: dict[Distance, Callable[[Array, Array], float]] = {
    "mean_norm": _mean_norm,
    "mean_absolute_error": _mean_absolute_error,
}
MONITORS = (*_DISTANCES, *ACCURACIES)


def monitor(name: str, activation: str, Y: Array) -> Callable[[Array], float]:
    """The monitor for these targets, as a function of the outputs (m, n_out); ValueError if it is meaningless."""
    if name in _DISTANCES:
        return partial(_DISTANCES[name], Y)
    return accuracy(name, activation, Y)
