"""Many updates: batch after batch, each a step of an optimizer's rule against the gradient."""

import math
from typing import Any

from samenet.reference.backward import Gradient, zeros
from samenet.reference.forward import as_lists
from samenet.reference.normalization import move_running
from samenet.reference.objective import gradient_and_statistics
from samenet.reference.optimizers import RULES
from samenet.reference.sampling import sampled_gradient


class State:
    """A rule's state: arrays, with `.weights`, `.biases`, `.gammas` like the model's; t, the number of updates."""

    def __init__(self, model: Any, count: int) -> None:
        self.arrays = [zeros(model.weights, model.biases, getattr(model, "gammas", ())) for _ in range(count)]
        self.t = 0


def step(model: Any, downhill: Gradient, alpha: float, rule: Any, state: Any) -> None:
    """One step against the gradient: parameters and state are updated in place, row by row."""
    state.t += 1
    move = RULES[rule.name]
    for l in range(len(model.weights)):
        for i in range(len(model.weights[l])):
            rows = [array.weights[l][i] for array in state.arrays]
            move(model.weights[l][i], downhill.weights[l][i], alpha, rule, state.t, *rows)
        if len(model.biases) > 0:
            rows = [array.biases[l] for array in state.arrays]
            move(model.biases[l], downhill.biases[l], alpha, rule, state.t, *rows)
        if len(downhill.gammas) > 0:
            rows = [array.gammas[l] for array in state.arrays]
            move(model.gammas[l], downhill.gammas[l], alpha, rule, state.t, *rows)


def clip(downhill: Gradient, value: float, norm: float) -> None:
    """Clip a gradient in place: each entry to within +-value, then its 2-norm to at most `norm`.

    If the squares overflow or underflow, the norm is computed from the gradient divided by its largest entry.
    Source: R. Pascanu, T. Mikolov and Y. Bengio, On the difficulty of training recurrent neural networks (2013).
    """
    rows = [row for W in downhill.weights for row in W] + [*downhill.biases, *downhill.gammas]
    squares = 0.0
    for row in rows:
        for i in range(len(row)):
            if row[i] > value:
                row[i] = value
            if row[i] < -value:
                row[i] = -value
            squares += row[i] * row[i]
    largest, length = 1.0, math.sqrt(squares)
    if not 1e-150 < length < math.inf:  # the squares of smaller entries lose digits
        largest = max(abs(entry) for row in rows for entry in row)
        if 0.0 < largest < math.inf:
            length = math.sqrt(sum((entry / largest) ** 2 for row in rows for entry in row))
        else:  # the gradient is zero, or has overflowed itself
            largest = 1.0
    if length > norm / largest:
        for row in rows:
            for i in range(len(row)):
                row[i] = row[i] / largest * (norm / length)


def run_updates(
    model: Any,
    X: Any,
    Y: Any,
    rule: Any,
    *,
    alpha: Any,
    batch_size: int,
    order: Any = None,
    epochs: int = 1,
    reduction: str = "mean",
    dropout: Any = None,
    drop_connect: Any = None,
    state: Any = None,
    clip_value: float = math.inf,
    clip_norm: float = math.inf,
    sampler: Any = None,
    sample_weight: Any = None,
) -> list[float]:
    """Many updates, in place; returns the cost of each batch before its update.

    Each update also moves the running statistics of normalized layers, see
    `samenet.reference.normalization.move_running`.

    Every epoch goes through the samples once, `batch_size` at a time; its last batch may be smaller.
    X: (m, n_in); Y: (m, n_out).
    rule: an object with `name`, one of `RULES`; `state_arrays`, how many it needs; and its constants as attributes.
    alpha: the learning rate, one for all epochs or one for each.
    order: the row numbers to visit in each epoch, (epochs, n); if None, all rows in order, `epochs` times.
    reduction: "mean" or "sum" over the samples of a batch.
    dropout: see `samenet.reference.dropout.mask`; samples count by their position in the order, epoch after epoch.
    drop_connect: see `samenet.reference.dropout.weight_masks`; updates count from 0.
    state: the rule's state, changed in place, see `State`; zero if None. clip_value, clip_norm: see `clip`.
    sampler: for adaptive sampling, its state, changed in place, see `sampling`; `order` then has a random number from
    [0, 1) for each draw, in place of a row number.
    sample_weight: for each row of X; see `samenet.reference.sample_weight`. Not with a sampler.
    Source: tutorial 000 (docs/sources.md), section 4 (batch descent); tutorial 001 (online steps and mini-batches).
    """
    costs = list[float]()
    state = State(model, rule.state_arrays) if state is None else state
    for epoch in range(epochs if order is None else len(order)):
        rows = range(len(X)) if order is None else order[epoch]
        rate = float(alpha[epoch]) if hasattr(alpha, "__len__") else alpha  # not NumPy's, which rounds differently
        for start in range(0, len(rows), batch_size):
            batch = rows[start : start + batch_size]
            masks = None if dropout is None else dropout.after(epoch * len(rows) + start)
            of_weights = None if drop_connect is None else drop_connect.after(len(costs))
            statistics: Any = ()
            if sampler is not None:
                cost, downhill = sampled_gradient(model, X, Y, batch, sampler, reduction, masks, of_weights)
            else:
                x, y = [as_lists(X[s]) for s in batch], [as_lists(Y[s]) for s in batch]
                w = None if sample_weight is None else [float(sample_weight[s]) for s in batch]
                cost, downhill, statistics = gradient_and_statistics(model, x, y, reduction, masks, of_weights, w)
            if clip_value < math.inf or clip_norm < math.inf:
                clip(downhill, clip_value, clip_norm)
            step(model, downhill, rate, rule, state)
            for l, of_batch in enumerate(statistics):
                if of_batch is not None:
                    move_running(model.running[l], of_batch, len(batch))
            costs.append(cost)
    return costs
