"""Updates with rows drawn by importance: the same loops as `samenet.reference.sampling`, in one thread."""

import math

import numpy as np

from samenet.fast.kernels.backward import gradient, make_workspace
from samenet.fast.kernels.codegen.compiling import kernel
from samenet.fast.kernels.codegen.memory import empty, open_heap
from samenet.fast.kernels.dropout import MaskedWeights, mask_weights, products
from samenet.fast.kernels.packing import copy, fill_up, is_wide, lanes_of, pack, unpack
from samenet.fast.kernels.penalties import penalty
from samenet.fast.kernels.steps import Rule, Update, step

_MOST, _MEMORY, _LIMIT = 10.0, 100.0, 1e150


@kernel()
def draw(sampler, u):
    """The row selected by a random number in [0, 1)."""
    _, floor, m, tree, _ = sampler
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


@kernel()
def importance(sampler, row):
    """1 / (m q), by which the gradient of this row is multiplied."""
    _, floor, m, tree, _ = sampler
    return 1.0 / ((1.0 - floor) * (tree[tree.size // 2 + row] * m / tree[1]) + floor)


@kernel()
def learn(sampler, rows, squares):
    """Update the weights of the rows drawn."""
    rate, floor, m, tree, mean_of = sampler
    mean = 0.0
    for s in range(rows.size):
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


@kernel()
def run_updates(theta, P, layout, bias, objective, data, batch, alphas, rule, state, costs, G, sampler, drop_connect):
    """The same as `training.run_updates`, but data has a random number in [0, 1) for each draw instead of the order.

    G: memory for the gradient. sampler: rate, floor, rows, tree and mean of `samenet.backends.adaptive.Sampler`.
    drop_connect: a `MaskedWeights` as a tuple.
    """
    X, Y, numbers, dropout = data
    sizes, m = layout[0], numbers.shape[1]
    most, is_mean = min(batch[0], m), batch[1]
    cost, l1, l2 = objective
    updates, lanes = -(-m // most), lanes_of(sizes, P.itemsize)
    heap = open_heap()
    workspace = make_workspace(heap, theta, sizes, cost, most, dropout[1].size > 0, most, most)
    x, y = empty(heap, (most, X.shape[1]), X.dtype), empty(heap, (most, Y.shape[1]), Y.dtype)
    rows, rule = empty(heap, most, np.int64), Rule(*rule)
    used_theta, used = theta, P
    masked = MaskedWeights(*drop_connect)
    masks_weights = masked.thresholds.size > 0
    if masks_weights:
        used_theta, used = masked.theta, masked.P
    pack(theta, sizes, bias, P)
    fill_up(G, sizes, bias)
    kept = state if is_wide(sizes) else empty(heap, (len(state), P.size), P.dtype)
    for k in range(len(state)):
        pack(state[k], sizes, bias, kept[k])
    later = Update(0.0, rule, 0, kept, l1, l2, False, False)  # the step is taken later
    for update in range(costs.size):
        epoch, start = update // updates, update % updates * most
        count = min(most, m - start)
        scale = 1.0 / count if is_mean else 1.0
        for s in range(count):
            row = draw(sampler, numbers[epoch, start + s])
            rows[s], workspace.factors[s] = row, importance(sampler, row)
            copy(X[row], x[s])
            copy(Y[row], y[s])
        if masks_weights:
            mask_weights(masked, update, P, sizes, bias)
        given = cost, x[:count], y[:count], dropout, epoch * m + start, scale, later
        costs[update] = scale * gradient(used_theta, used, layout, bias, *given, G, workspace)
        if masks_weights:
            products(G, G, masked.masks)
        if l1 or l2:
            costs[update] += penalty(P, G, sizes, bias, lanes, l1, l2)
        step(P, G, alphas[epoch], kept, 0, rule, rule.t + update + 1)
        unpack(P, layout[0], bias, True, theta)
        for s in range(count):
            workspace.squares[s] /= scale * scale
        learn(sampler, rows[:count], workspace.squares[:count])
    unpack(P, sizes, bias, False, theta)
    for k in range(len(state)):
        unpack(kept[k], sizes, bias, False, state[k])
