"""A backend whose samples are elsewhere: what it is given for X are the numbers of rows of `Partitions`."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.backends import generic
from samenet.backends.dropout import DropConnect, Dropout
from samenet.backends.normalization import penalty
from samenet.distributed import work
from samenet.distributed.clients import compute
from samenet.distributed.partitions import Partitions
from samenet.model import Model
from samenet.parameters import Parameters

Array = NDArray[Any]
_FAN_IN = 8  # how many sums are added by one task: a task costs the scheduler about a millisecond


class DistributedBackend:
    """The functions of the contract that training needs, of (m, 1) row numbers in place of samples.

    Samples of a batch are taken in ascending order, which is that of their masks. Samples that are real, such as those
    of a validation set, are for the local backend.
    """

    QUIET = True
    SECONDS = 0.05, 0.0  # an update takes a call of the scheduler

    def __init__(self, client: Any, partitions: Partitions, local: Any) -> None:
        self.client, self.partitions, self.local = client, partitions, local
        self.run_updates: Callable[..., Array] = partial(generic.run_updates, self)  # type: ignore[arg-type]

    def evaluate(self, model: Model, X: Array, Y: Array, reduction: str = "mean") -> tuple[float, Array]:
        """The cost, and in place of the output nothing."""
        if not isinstance(X, Rows):
            return self.local.evaluate(model, X, Y, reduction)  # type: ignore[no-any-return]
        import dask

        task, plain = dask.delayed(work.cost, pure=False), self._plain(model)
        batch = _batch(X)
        costs = [task(part, rows, *plain) for part, _, rows in self.partitions.rows_of(batch)]
        total = compute(self.client, _tree(dask.delayed(work.total_cost, pure=False), costs))
        return self._scale(X, reduction) * total + penalty(model), np.empty((0, Y.shape[1]), model.dtype)

    def gradient(
        self,
        model: Model,
        X: Array,
        Y: Array,
        reduction: str = "mean",
        dropout: Dropout | None = None,
        drop_connect: DropConnect | None = None,
    ) -> tuple[float, Parameters]:
        """The cost and its gradient."""
        if not isinstance(X, Rows):
            return self.local.gradient(model, X, Y, reduction)  # type: ignore[no-any-return]
        import dask

        task, plain = dask.delayed(work.gradient, pure=False), self._plain(model)
        sums = []
        for part, first, rows in self.partitions.rows_of(_batch(X)):
            masks = None if dropout is None else dropout.after(first)
            sums.append(task(part, rows, *plain, masks, drop_connect))
        cost, flat = compute(self.client, _tree(dask.delayed(work.total, pure=False), sums))
        scale, g = self._scale(X, reduction), model.theta.like(flat)
        flat *= model.dtype.type(scale)
        for slope, W in zip(g.weights, model.weights, strict=True):
            if model.l1 or model.l2:
                slope += model.l1 * np.sign(W) + model.l2 * W
        return scale * cost + penalty(model), g

    def _plain(self, model: Model) -> tuple[Any, str]:
        """The model as the workers have it, without penalties, as one task that all others depend on."""
        import dask

        plain = model.without_penalties().holding(model.theta.everything)
        return dask.delayed(plain, traverse=False), self.local.__name__

    def _scale(self, X: Array, reduction: str) -> float:
        return 1 / len(X) if reduction == "mean" else 1.0


class Rows(np.ndarray[Any, np.dtype[np.float64]]):
    """Row numbers (m, 1), as float64: what training takes for samples."""

    @classmethod
    def all(cls, m: int) -> "Rows":
        """Of all rows."""
        return np.arange(m, dtype=np.float64)[:, None].view(cls)


def _batch(X: Array) -> NDArray[np.int64]:
    return np.sort(np.asarray(X)[:, 0].astype(np.int64))


def _tree(add: Callable[[Sequence[Any]], Any], values: list[Any]) -> Any:
    """Their sum by a tree that depends on how many there are alone."""
    while True:
        values = [add(values[i : i + _FAN_IN]) for i in range(0, len(values), _FAN_IN)]
        if len(values) == 1:
            return values[0]
