"""The check of an answer: the reference's answer to part of a task, and the allowed error.

Training is checked over a few updates from weights that do not saturate: with saturated nodes, a check proves little.
"""

from dataclasses import replace

import numpy as np

from benchmarks.problem import Array, Descent, Forward, in_dtype
from samenet.compare import cases
from samenet.testing import tolerance
from samenet.testing.tolerance import Comparison

_CHECKED_ROWS, _CHECKED_UPDATES = 20, 3

# An update multiplies an error in the parameters by at most the norm of I - alpha H, about 1 for steps that descend:
# for a few updates, ten times the sum of their bounds is a safe margin.
_GROWTH = 10.0


def few(task: Forward | Descent) -> Forward | Descent:
    """The part that is checked: a whole forward pass, or a few updates on a few rows, from unsaturated weights."""
    if isinstance(task, Forward):
        return task
    safe = cases.example(task.network.sizes, 1)[0] if task.network.bias else task.network
    rows = min(task.batch_size, 5 * _CHECKED_ROWS)
    m = rows * min(task.batches, _CHECKED_UPDATES)
    X, Y, passes = task.X[:m], task.Y[:m], min(task.passes, _CHECKED_UPDATES)
    network = in_dtype(safe, task.network.dtype.name)
    return replace(task, network=network, X=X, Y=Y, batch_size=rows, passes=passes)


class Expected:
    """The reference's answer to `few` of a task, and the allowed error."""

    def __init__(self, task: Forward | Descent) -> None:
        found = few(task)
        self.dtype = task.network.dtype
        self.places: slice | Array = slice(None)
        if isinstance(found, Forward):
            if found.x.ndim > 1:
                self.places = np.linspace(0, len(found.x) - 1, _CHECKED_ROWS).astype(int)
            x = found.x[self.places]
            self.values, self.allowed = found.network.predict(x), tolerance.forward(found.network.model, x)[-1]
            self.shape = (*found.x.shape[:-1], found.network.sizes[-1])
        else:
            self.values, self.allowed = _descended(found)
            self.shape = self.values.shape

    def compare(self, answer: Array, looser: float) -> Comparison:
        """Compare an answer with it."""
        if answer.shape != self.shape:
            return tolerance.compare(answer, np.empty(self.shape), 0.0)
        allowed = np.maximum(self.allowed, looser)
        return tolerance.compare(answer[self.places], self.values, allowed, dtype=self.dtype)


def _descended(task: Descent) -> tuple[Array, Array]:
    """The parameters after the reference's updates, and the allowed error: the sum of the updates' bounds, times 10."""
    network, allowed = task.network.copy(), np.zeros(task.network.parameters.shape)
    for _ in range(task.passes):
        for start in range(0, len(task.X), task.batch_size):
            x, y = (a[start : start + task.batch_size] for a in (task.X, task.Y))
            allowed += tolerance.update(network.model, x, y, task.alpha, task.reduction)
            network.train(x, y, alpha=task.alpha, epochs=1, reduction=task.reduction, record_every=0)
    return network.parameters, _GROWTH * allowed
