"""A backend whose samples are on workers: in place of X, it is given row numbers of `Partitions`."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.backends import generic
from samenet.backends.dropout import DropConnect, Dropout
from samenet.backends.normalization import penalty
from samenet.backends.weighing import overflow_ignored
from samenet.distributed import work
from samenet.distributed.clients import compute
from samenet.distributed.partitions import Partitions
from samenet.distributed.rows import Rows
from samenet.model import Model
from samenet.model.parameters import Parameters

Array = NDArray[Any]
_FAN_IN = 8  # sums added by one task, since each task costs the scheduler about a millisecond


class DistributedBackend:
    """The functions of the contract that training needs, on `Rows` in place of samples.

    The rows of a batch are taken in ascending order, which is also the order of their masks. Sample weights that are
    given are those that the workers hold. Real samples, such as those of a validation set, are passed to the local
    backend.
    """

    QUIET = True
    SECONDS = 0.05, 0.0  # an update needs a call of the scheduler

    def __init__(self, client: Any, partitions: Partitions, local: Any) -> None:
        self.client, self.partitions, self.local = client, partitions, local
        self.run_updates: Callable[..., Array] = partial(generic.run_updates, self)  # type: ignore[arg-type]

    def evaluate(
        self, model: Model, X: Array, Y: Array, reduction: str = "mean", sample_weight: Array | None = None
    ) -> tuple[float, Array]:
        """The cost; in place of the output, nothing useful."""
        if not isinstance(X, Rows):
            with overflow_ignored(self.local):
                return self.local.evaluate(model, X, Y, reduction)  # type: ignore[no-any-return]
        total = self._sum(work.cost, work.total_cost, model, X, sample_weight is not None, lambda first: ())
        return _scale(X, reduction, sample_weight) * total + penalty(model), np.empty((0, Y.shape[1]), model.dtype)

    def gradient(
        self,
        model: Model,
        X: Array,
        Y: Array,
        reduction: str = "mean",
        dropout: Dropout | None = None,
        drop_connect: DropConnect | None = None,
        sample_weight: Array | None = None,
    ) -> tuple[float, Parameters]:
        """The cost and its gradient."""
        cost, flat = self._sum(
            *(work.gradient, work.total, model, X, sample_weight is not None),
            lambda first: (None if dropout is None else dropout.after(first), drop_connect),
        )
        scale, g = _scale(X, reduction, sample_weight), model.theta.like(flat)
        flat *= model.dtype.type(scale)
        for slope, W in zip(g.weights, model.weights, strict=True):
            if model.l1 or model.l2:
                slope += model.l1 * np.sign(W) + model.l2 * W
        return scale * cost + penalty(model), g

    def _sum(
        self,
        of_part: Callable[..., Any],
        add: Callable[..., Any],
        model: Model,
        X: Array,
        weighs: bool,
        others: Callable[[int], tuple[Any, ...]],
    ) -> Any:
        """The sum over a batch; others: more arguments for the part that begins at this position of the batch."""
        import dask

        task = dask.delayed(of_part, pure=False)
        shared = self.partitions.shared(model.without_penalties().holding(model.theta.everything))
        parts = self.partitions.rows_of(X)
        sums = [task(part, rows, shared, weighs, *others(first)) for part, first, rows in parts]
        return compute(self.client, _tree(dask.delayed(add, pure=False), sums))


def _scale(X: Array, reduction: str, sample_weight: Array | None) -> float:
    """The factor of a sum over the samples of a batch."""
    amount = len(X) if sample_weight is None else float(sample_weight.sum())
    return 1 / amount if reduction == "mean" and amount > 0 else 1.0


def _tree(add: Callable[[Sequence[Any]], Any], values: list[Any]) -> Any:
    """The sum of the values, by a tree whose shape depends only on their number."""
    while True:
        values = [add(values[i : i + _FAN_IN]) for i in range(0, len(values), _FAN_IN)]
        if len(values) == 1:
            return values[0]
