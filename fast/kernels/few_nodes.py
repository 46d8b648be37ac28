"""Training one layer of few nodes, as in linear, logistic and softmax regression, in a short loop.

The general loop of `training` takes several times as long as the arithmetic of such a layer, and copies shuffled rows,
which are read here where they are. The bits are the same: dot products have the order of `narrow`, and other sums that
of `backward`.
"""

import numpy as np
from numba import boolean, float64, int64, types
from numba.extending import register_jitable

from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.codegen.dots import dots_of_few_indexed
from samenet.fast.kernels.codegen.memory import empty, open_heap, zeroed
from samenet.fast.kernels.codegen.microkernels import rows_at
from samenet.fast.kernels.codegen.vector import REGISTER
from samenet.fast.kernels.costs import apply_cost
from samenet.fast.kernels.forward import block_rows, most_rows
from samenet.fast.kernels.gemm import add_four, add_scaled, matrix, sum_of_rows
from samenet.fast.kernels.narrow import starts_narrow
from samenet.fast.kernels.penalties import add_penalties
from samenet.fast.kernels.sparse_input import all_finite
from samenet.fast.kernels.steps import RULE, Rule, step


@register_jitable
def fits(sizes, itemsize):
    """Whether this loop trains such a network, if a batch is one part and its rows have no weights."""
    return len(sizes) == 2 and starts_narrow(sizes, REGISTER // itemsize)


@kernel()
def _add_product(deltas, X, places, g):
    """g += deltas^T X for the rows of X with these indices, four at a time."""
    last = places.size - places.size % 4
    for i in range(len(g)):
        for s in range(0, last, 4):
            x = X[places[s]], X[places[s + 1]], X[places[s + 2]], X[places[s + 3]]
            add_four(g[i], *x, deltas[s, i], deltas[s + 1, i], deltas[s + 2, i], deltas[s + 3, i])
        for s in range(last, places.size):
            add_scaled(g[i], X[places[s]], deltas[s, i], g[i])


@external(
    lambda f: (
        *(f[::1], int64[:, ::1], types.Tuple((int64, float64, float64)), matrix(f), f[:, ::1], int64[:, ::1]),
        *(types.Tuple((int64, boolean)), float64[::1], RULE, f[:, ::1], float64[::1]),
    ),
    returns=boolean,
)
def run(theta, layout, objective, X, Y, order, batch, alphas, rule, state, costs):
    """`training.run` for a network that `fits`."""
    (cost, l1, l2), (batch_size, mean), (n, k) = objective, batch, layout[0]
    bias, code = layout[1]
    m = order.shape[1] if order.size else len(X)
    heap, limit = open_heap(), most_rows(layout[0])
    room = min(batch_size, m, limit) * k
    memory, places = empty(heap, 3 * room + theta.size, theta.dtype), empty(heap, m, np.int64)
    of_rows, g, weights = rows_at(memory, 0, 3, room), memory[3 * room :], k * n
    dW, W = rows_at(g, 0, k, n), rows_at(theta, 0, k, n)
    b = theta[weights:] if bias else zeroed(heap, k, theta.dtype)
    for s in range(m):
        places[s] = s
    epoch = start = 0
    for update in range(costs.size):
        whole, total = min(batch_size, m - start), 0.0
        divisor = whole if mean else 1
        # Of this batch alone, so that its bits do not depend on the others of the call; divisions take time.
        most = block_rows(whole, limit) if whole > limit else limit
        if order.size:
            places = order[epoch]
        g[:] = 0
        for begin in range(start, start + whole, most):
            used = places[begin : min(begin + most, start + whole)]
            z, y, delta = of_rows[0], of_rows[1], of_rows[2]
            Z, deltas = rows_at(z, 0, used.size, k), rows_at(delta, 0, used.size, k)
            dots_of_few_indexed(X, W, b, Z, used)
            for s in range(used.size):
                for i in range(k):
                    y[s * k + i] = Y[used[s], i]
            size = used.size * k
            total += apply_cost(cost, code, z[:size], y[:size], k, 1.0 / divisor, delta, 0.0)
            _add_product(deltas, X, used, dW)
            if bias:
                sum_of_rows(deltas, g[weights:], False)
        costs[update] = total / divisor
        if l1 or l2:
            costs[update] += add_penalties(g[:weights], theta[:weights], l1, l2)
        step(theta, g, alphas[epoch], state, 0, rule, rule.t + update + 1)
        start += whole
        if start == m:
            epoch, start = epoch + 1, 0
    return all_finite(theta)


@kernel(light=True)
def run_updates(theta, layout, objective, X, Y, order, batch, alphas, rule, state, costs):
    """The updates of `training.run_updates`; returns whether all parameters are finite afterwards."""
    return run(theta, layout, objective, X, Y, order, batch, alphas, Rule(*rule), state, costs)
