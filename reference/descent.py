"""Gradient descent: the step, and many of them."""

import math
from typing import Any

from samenet.reference.backward import Gradient
from samenet.reference.forward import as_lists
from samenet.reference.objective import gradient


def step(
    network: Any,
    downhill: Gradient,
    alpha: float,
    momentum: float = 0.0,
    velocity: Any = None,
    nesterov: bool = False,
) -> None:
    """One step against the gradient g, in place.

    theta := theta - alpha g                                 plain descent, without a velocity
    v := momentum v - alpha g;  theta := theta + v           with momentum
    v := momentum v - alpha g;  theta := theta + momentum v - alpha g     Nesterov's: the v of the step after this one

    velocity: v, with `.weights` and `.biases` of the network's shapes, changed in place as well.
    Sources: tutorial 000 (docs/sources.md), section 4; B. Polyak (1964); Y. Nesterov (1983), in the form of Y. Bengio,
    N. Boulanger-Lewandowski and R. Pascanu, Advances in optimizing recurrent networks (2013).
    """
    for l in range(len(network.weights)):
        for i in range(len(network.weights[l])):
            for j in range(len(network.weights[l][i])):
                move = -alpha * downhill.weights[l][i][j]
                if velocity is not None:
                    velocity.weights[l][i][j] = v = momentum * velocity.weights[l][i][j] + move
                    move = momentum * v + move if nesterov else v
                network.weights[l][i][j] += move
            if len(network.biases) > 0:
                move = -alpha * downhill.biases[l][i]
                if velocity is not None:
                    velocity.biases[l][i] = v = momentum * velocity.biases[l][i] + move
                    move = momentum * v + move if nesterov else v
                network.biases[l][i] += move


def clip(downhill: Gradient, value: float, norm: float) -> None:
    """Make a gradient no larger, in place: each entry to within +-value, then its 2-norm to at most `norm`.

    Where its squares overflow, or all underflow, the norm is that of the gradient over its largest entry, times that.
    Source: R. Pascanu, T. Mikolov and Y. Bengio, On the difficulty of training recurrent neural networks (2013).
    """
    rows = [row for W in downhill.weights for row in W] + downhill.biases
    squares = 0.0
    for row in rows:
        for i in range(len(row)):
            if row[i] > value:
                row[i] = value
            if row[i] < -value:
                row[i] = -value
            squares += row[i] * row[i]
    largest, length = 1.0, math.sqrt(squares)
    if not 0.0 < length < math.inf:
        largest = max(abs(entry) for row in rows for entry in row)
        if 0.0 < largest < math.inf:
            length = math.sqrt(sum((entry / largest) ** 2 for row in rows for entry in row))
        else:  # no slope at all, or one that overflowed itself
            largest = 1.0
    if length > norm / largest:
        for row in rows:
            for i in range(len(row)):
                row[i] = row[i] / largest * (norm / length)


def descend(
    network: Any,
    X: Any,
    Y: Any,
    *,
    alpha: Any,
    batch_size: int,
    order: Any = None,
    passes: int = 1,
    reduction: str = "mean",
    masks: Any = None,
    momentum: float = 0.0,
    velocity: Any = None,
    nesterov: bool = False,
    clip_value: float = math.inf,
    clip_norm: float = math.inf,
) -> list[float]:
    """Many updates, in place; returns the cost of each batch before its update.

    Every pass goes once through the samples, `batch_size` at a time; the last batch of a pass is what is left.
    alpha: the step size, one for all passes or one for each.
    order: for each pass the row numbers to visit, (passes, n); without it, `passes` times the rows as they stand.
    reduction: "mean" or "sum" over the samples of a batch. X: (m, n_in); Y: (m, n_out).
    masks: for dropout, (passes, n, hidden nodes) factors, by place in the order. The rest: `step`, `clip`.
    Source: tutorial 000 (docs/sources.md), section 4 (batch descent); tutorial 001 (online steps and mini-batches).
    """
    costs = []
    for visit in range(passes if order is None else len(order)):
        rows = range(len(X)) if order is None else order[visit]
        size = alpha[visit] if hasattr(alpha, "__len__") else alpha
        for start in range(0, len(rows), batch_size):
            batch = rows[start : start + batch_size]
            x, y = [as_lists(X[s]) for s in batch], [as_lists(Y[s]) for s in batch]
            seen = None if masks is None else masks[visit][start : start + batch_size]
            cost, downhill = gradient(network, x, y, reduction, seen)
            if clip_value < math.inf or clip_norm < math.inf:
                clip(downhill, clip_value, clip_norm)
            step(network, downhill, size, momentum, velocity, nesterov)
            costs.append(cost)
    return costs
