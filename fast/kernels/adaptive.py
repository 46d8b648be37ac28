"""The weights of rows: given with samples, or the importance of rows drawn, as in `samenet.reference.sampling`."""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import boolean, float64, int64, types

from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.gemm import matrix

_MOST, _MEMORY, _LIMIT = 10.0, 100.0, 1e150


@kernel()
def total_weight(weights, order, epoch, start, rows):
    """The sum of the weights of a batch; 1 if all are 0."""
    total = 0.0
    for place in range(start, start + rows):
        total += weights[order[epoch, place] if order.size else place]
    return total if total > 0.0 else 1.0


@external(lambda f: (f[::1], float64[::1], int64[:, :], int64, int64, float64), returns=boolean)
def weigh_rows(factors, weights, order, epoch, start, divisor):
    """factors := the weights of the rows, divided by the divisor; returns whether none is 0."""
    are_used = True
    for s in range(factors.size):
        sample = order[epoch, start + s] if order.size else start + s
        factors[s] = weights[sample] / divisor
        are_used &= factors[s] != 0.0
    return are_used


@external(lambda f: (matrix(f), f[::1]))
def leave_out(x, factors):
    """Write zeros in place of the rows with factor 0, whose numbers must not reach any result."""
    for s in range(len(x)):
        for j in range(x.shape[1] if factors[s] == 0.0 else 0):
            x[s, j] = 0.0


class Sampled(NamedTuple):
    """The fields of `samenet.backends.adaptive.Sampler`, and the memory of a call; without a sampler, all are empty."""

    rate: float
    floor: float
    rows: int
    tree: Any
    mean: Any
    numbers: Any  # for each draw a random number in [0, 1), (epochs, m)
    squares: Any  # a row for each part of a batch: the squared norms of its rows' gradients, of their sum


SAMPLED = types.NamedTuple((float64, float64, int64, *(float64[::1],) * 2, *(float64[:, ::1],) * 2), Sampled)


@kernel()
def draw(sampler, u):
    """The row selected by a random number in [0, 1)."""
    _, floor, m, tree = sampler[:4]
    if u < floor:
        return min(int(u / floor * m), m - 1)
    node, leaves = 1, tree.size // 2
    rest = (u - floor) / (1.0 - floor) * tree[1]
    while node < leaves:
        node = 2 * node
        if rest >= tree[node]:
            rest -= tree[node]
            node += 1
    return min(node - leaves, m - 1)


@external(lambda f: (SAMPLED, int64[:, ::1], int64, int64, int64, float64[::1]))
def draw_rows(sampled, order, epoch, start, count, weights):
    """Draw the rows of a batch into their places of `order`; the weights of these rows become their importance."""
    _, floor, m, tree = sampled[:4]
    for place in range(start, start + count):
        row = draw(sampled, sampled.numbers[epoch, place])
        order[epoch, place] = row
        weights[row] = 1.0 / ((1.0 - floor) * (tree[tree.size // 2 + row] * m / tree[1]) + floor)  # 1 / (m q)


@external(lambda f: (SAMPLED, int64[::1], float64))
def learn_rows(sampled, rows, scale):
    """Update the weights of the rows drawn, from the squares of all parts of a batch.

    scale: by which the rows' gradients were multiplied.
    """
    rate, floor, m, tree, mean_of = sampled[:5]
    squares, parts, mean = sampled.squares[0], len(sampled.squares), 0.0
    for part in range(parts):
        start, end = rows.size * part // parts, rows.size * (part + 1) // parts
        for s in range(start, end):
            squares[s] = sampled.squares[part, s - start] / (scale * scale)
            mean += squares[s]
    mean /= rows.size
    running = mean_of[0] if mean_of[0] != 0.0 else mean
    if not 0.0 < running < np.inf or not mean < np.inf:
        return
    leaves = tree.size // 2
    least = max(floor * tree[1] / m, 1.0 / _LIMIT)
    for s in range(rows.size):
        moved = tree[leaves + rows[s]] * math.exp(rate * (min(squares[s] / running, _MOST) - 1.0))
        tree[leaves + rows[s]] = min(max(moved, least), _LIMIT)
    for row in rows:
        node = (leaves + row) // 2
        while node > 0:
            tree[node] = tree[2 * node] + tree[2 * node + 1]
            node //= 2
    mean_of[0] = running + rows.size / (rows.size + _MEMORY) * (mean - running)
