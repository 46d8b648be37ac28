"""Gradient descent: the step, and many of them."""

from typing import Any

from samenet.reference.backward import Gradient, gradient
from samenet.reference.forward import as_lists


def step(network: Any, downhill: Gradient, alpha: float) -> None:
    """One step against the gradient, in place: W := W - alpha dJ/dW, b := b - alpha dJ/db.

    Source: tutorial 000, section 4.
    """
    for l in range(len(network.weights)):
        for i in range(len(network.weights[l])):
            for j in range(len(network.weights[l][i])):
                network.weights[l][i][j] -= alpha * downhill.weights[l][i][j]
            if len(network.biases) > 0:
                network.biases[l][i] -= alpha * downhill.biases[l][i]


def descend(
    network: Any,
    X: Any,
    Y: Any,
    *,
    alpha: float,
    batch_size: int,
    order: Any = None,
    passes: int = 1,
    reduction: str = "mean",
) -> list[float]:
    """Many updates, in place; returns the cost of each batch before its update.

    Every pass goes once through the samples, `batch_size` at a time; the last batch of a pass is what is left.
    order: for each pass the row numbers to visit, (passes, n); without it, `passes` times the rows as they stand.
    reduction: "mean" or "sum" over the samples of a batch. X: (m, n_in); Y: (m, n_out).
    Source: tutorial 000, section 4 (batch descent); tutorial 001 (online steps and mini-batches).
    """
    costs = []
    for visit in range(passes if order is None else len(order)):
        rows = range(len(X)) if order is None else order[visit]
        for start in range(0, len(rows), batch_size):
            batch = rows[start : start + batch_size]
            x, y = [as_lists(X[s]) for s in batch], [as_lists(Y[s]) for s in batch]
            cost, downhill = gradient(network, x, y, reduction)
            step(network, downhill, alpha)
            costs.append(cost)
    return costs
