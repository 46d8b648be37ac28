"""Monitors, which training can record besides the cost: functions of the output and the targets; see `History`."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from samenet.training.classification import ACCURACIES, Accuracy, accuracy
from samenet.validation.overflow import norm

Array = NDArray[Any]


def _mean(values: Array) -> float:
    """The mean in float64; for few numbers, `ndarray.mean` takes longer."""
    return float(np.add.reduce(values, axis=None, dtype=np.float64)) / values.size


def _mean_norm(output: Array, Y: Array) -> float:
    return _mean(norm(Y - output, axis=1))


def _mean_absolute_error(output: Array, Y: Array) -> float:
    return _mean(np.abs(Y - output))


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
        return lambda output: _DISTANCES[name](output, Y)
    return accuracy(name, activation, Y)
