"""Adaptive sampling of the rows: draws by a tree of sums, the weighted gradient, and the updates of the sampling
weights.

`sampler` is an object with `rate`, `floor`, `rows`, `tree` and `mean`: see `samenet.backends.adaptive.Sampler`. The
equations and their source: `samenet.AdaptiveSampling`.
"""

import math
from collections.abc import Sequence
from typing import Any

from samenet.reference.backward import Gradient, add_penalty, masked, sample_gradient
from samenet.reference.dropout import mask, weight_masks
from samenet.reference.forward import as_lists
from samenet.reference.objective import Objective, by_layer

MOST = 10.0  # a squared norm counts as at most this many times the mean
MEMORY = 100.0  # the number of draws over which the running mean averages
LIMIT = 1e150  # weights stay between 1 / LIMIT and LIMIT, so that their sums and quotients do not overflow


def draw(sampler: Any, u: float) -> int:
    """The row that a random number u in [0, 1) selects: a uniform one if u is below the floor, else by descending the
    tree.

    >>> from types import SimpleNamespace
    >>> [draw(SimpleNamespace(floor=0.5, rows=2, tree=[0, 4, 1, 3]), u / 8) for u in range(8)]
    [0, 0, 1, 1, 0, 1, 1, 1]
    """
    node, leaves, last = 1, len(sampler.tree) // 2, int(sampler.rows) - 1
    if u < sampler.floor:
        return min(int(u / sampler.floor * sampler.rows), last)
    rest = (u - sampler.floor) / (1.0 - sampler.floor) * sampler.tree[1]
    while node < leaves:
        node = 2 * node
        if rest >= sampler.tree[node]:
            rest -= sampler.tree[node]
            node += 1
    return min(node - leaves, last)  # only rounding leads beyond the last row


def importance(sampler: Any, row: int) -> float:
    """1 / (m q): the factor of this row's gradient."""
    weight, floor = float(sampler.tree[len(sampler.tree) // 2 + row]), float(sampler.floor)
    share = weight * sampler.rows / float(sampler.tree[1])
    probability: float = (1.0 - floor) * share + floor  # times m
    return 1.0 / probability


def learn(sampler: Any, rows: Sequence[int], squares: Sequence[float]) -> None:
    """Update the drawn rows' weights; squares: ||d||^2 of each draw, the squared norm of its weighted gradient."""
    total = 0.0
    for square in squares:
        total += square
    mean, running = total / len(squares), float(sampler.mean[0])
    if running == 0.0:
        running = mean
    if not 0.0 < running < math.inf or not mean < math.inf:
        return
    leaves = len(sampler.tree) // 2
    least = sampler.floor * float(sampler.tree[1]) / sampler.rows
    for row, square in zip(rows, squares, strict=True):
        moved = float(sampler.tree[leaves + row]) * math.exp(sampler.rate * (min(square / running, MOST) - 1.0))
        sampler.tree[leaves + row] = min(max(moved, least, 1.0 / LIMIT), LIMIT)
    for row in rows:
        node = (leaves + row) // 2
        while node > 0:
            sampler.tree[node] = sampler.tree[2 * node] + sampler.tree[2 * node + 1]
            node //= 2
    sampler.mean[0] = running + len(squares) / (len(squares) + MEMORY) * (mean - running)


def sampled_gradient(
    model: Any,
    X: Any,
    Y: Any,
    numbers: Sequence[float],
    sampler: Any,
    reduction: str = "mean",
    dropout: Any = None,
    drop_connect: Any = None,
) -> tuple[float, Gradient]:
    """The weighted cost and gradient of the rows that the random numbers select; the sampler learns from them.

    J = sum_s c_s J_s + penalties,  g = sum_s c_s dJ_s/dtheta + their gradient,  c_s = 1 / (m q_s), divided by B for the
    mean

    X: (m, n_in), Y: (m, n_out), of all rows. The norm of each row's gradient is computed from the gradient itself; with
    DropConnect, from the gradient with respect to m W, before it is multiplied by m.
    """
    weights, biases = [as_lists(W) for W in model.weights], [as_lists(b) for b in model.biases]
    activations, cost, l1, l2 = Objective.of(model)
    rows = [draw(sampler, u) for u in numbers]
    factors_of = None if drop_connect is None else weight_masks(drop_connect, 0, weights)
    used = weights if factors_of is None else masked(factors_of, weights)
    value, total, squares = 0.0, _zero(weights, biases), []
    share = 1.0 / len(rows) if reduction == "mean" else 1.0
    for s in range(len(rows)):
        g, factor = _zero(weights, biases), importance(sampler, rows[s])
        masks = None if dropout is None else by_layer(mask(dropout, s), weights)
        x, y = as_lists(X[rows[s]]), as_lists(Y[rows[s]])
        value += share * factor * sample_gradient(used, biases, x, y, g, activations, cost, masks)
        square = 0.0
        for target, row in zip(_rows(total), _rows(g), strict=True):
            for j in range(len(row)):
                square += factor * row[j] * (factor * row[j])
                target[j] += share * factor * row[j]
        squares.append(square)
    if factors_of is not None:
        total = Gradient(masked(factors_of, total.weights), total.biases)
    if l1 or l2:
        value += add_penalty(total, weights, l1, l2)
    learn(sampler, rows, squares)
    return value, total


def _zero(weights: Sequence[Any], biases: Sequence[Any]) -> Gradient:
    return Gradient([[[0.0 for _ in row] for row in W] for W in weights], [[0.0 for _ in b] for b in biases])


def _rows(g: Gradient) -> list[Any]:
    return [row for W in g.weights for row in W] + g.biases
