"""Training with batch normalization: layer by layer, each for all rows of the batch.

Equations: `samenet.reference.normalization`. Threads share the nodes of a layer, see `normalized_layers`. Parameters
are not packed: theta has W (k, n), b and gamma of one layer after the other.
"""

import math
from functools import lru_cache

import numpy as np

from samenet.fast.kernels.adaptive import total_weight, weigh_rows
from samenet.fast.kernels.codegen.compiling import kernel
from samenet.fast.kernels.codegen.memory import empty, open_heap, zeroed
from samenet.fast.kernels.codegen.microkernels import flat, rows_at
from samenet.fast.kernels.codegen.transpose import gather
from samenet.fast.kernels.codegen.vector import REGISTER
from samenet.fast.kernels.costs import apply_cost, weigh
from samenet.fast.kernels.dropout import fill_masks
from samenet.fast.kernels.normalized_layers import MEANS, PRODUCT, VARIANCES, Own, Shared, block_of, blocks_of, compute
from samenet.fast.kernels.one_pass import NORMALIZED_ROWS, has_step
from samenet.fast.kernels.packing import nodes, row_length
from samenet.fast.kernels.parallel import add_tasks, finish_task, next_task, own, wait_for_all, wait_for_tasks
from samenet.fast.kernels.penalties import penalty
from samenet.fast.kernels.steps import NESTEROV, Rule, Update, step
from samenet.model.functions import EPSILON, MOMENTUM

# Parameters from which gradient and step in one pass over the weights pay for up to `_LEAST` rows; and bytes from which
# they do for up to `NORMALIZED_ROWS`, unless the rule divides.
_SOME, _MUCH, _LEAST = 1 << 12, 1 << 19, 4


@kernel()
def _move(running, layout, rows, statistics):
    """Move the running means and variances of each layer towards those of a batch of this many rows."""
    sizes, normalized = layout[0], layout[2]
    r = 0
    for layer in range(1, sizes.size):
        k, sums = sizes[layer], statistics[3 * layer - 3 : 3 * layer]
        if normalized[layer]:
            for i in range(k):
                variance = sums[VARIANCES, i] * rows / (rows - 1)
                running[r + i] = (1 - MOMENTUM) * running[r + i] + MOMENTUM * sums[MEANS, i]
                running[r + k + i] = (1 - MOMENTUM) * running[r + k + i] + MOMENTUM * variance
            r += 2 * k


@kernel()
def _rows_of(data, batch_size, update):
    """The epoch of an update, its first row within the epoch, and the number of its rows."""
    X, _, order, _ = data
    m = order.shape[1] if order.size else len(X)
    updates = -(-m // batch_size)
    start = update % updates * batch_size
    return update // updates, start, min(batch_size, m - start)


@kernel(inlined=True)  # a call passes two hundred numbers, which takes as long as a tiny layer
def _each_block(model, data, batch_size, x, shared, mine, queue, kind, turn, place, update, in_one_pass):
    """Claim and compute blocks of a layer, as coordinator until all are done; turn is -1 for a helper.

    x, place: the rows of the batch and the place of the turn in the update, which a helper finds out for itself. kind:
    the most blocks of a layer, and whether the coordinator is alone, and so computes a layer as a whole.
    """
    (theta, layout), (X, _, order, dropout), (blocks, is_alone) = model, data, kind
    layers, slots = layout.shape[1] - 1, 1 if is_alone else blocks
    how = blocks, turn >= 0, dropout[1].size > 0, in_one_pass
    number = turn if is_alone else next_task(queue, slots, turn)
    while number >= 0:
        now = turn if turn >= 0 else number // slots
        slot = number - now * slots
        if turn < 0:
            place = now % (2 * layers)
            _, start, rows = _rows_of(data, batch_size, now // (2 * layers))
            x = shared.x[:rows] if order.size else X[start : start + rows]
        layer = min(place, 2 * layers - 1 - place)
        begin, end = block_of(layout, layer, theta.itemsize, slots, slot)
        block = layer, begin, end, slot, now, place < layers
        if begin == end:
            is_done = turn >= 0 or own(queue, slot, now)
        else:
            is_done = compute(block, how, theta, layout, x, shared, mine, queue, update)
        if is_alone:
            return
        if is_done:
            finish_task(queue)
        number = next_task(queue, slots, turn)


@kernel()
def _updates(model, running, objective, data, batch, alphas, rule, state, costs, weights, shared, mine, queue, kind):
    """Make all updates; see `run_updates`."""
    (theta, layout), (X, Y, order, dropout), (batch_size, mean), (cost, l1, l2) = model, data, batch, objective
    sizes, codes, layers, heap = layout[0], layout[1], layout.shape[1] - 1, open_heap()
    most = empty(heap, batch_size if weights.size else 0, theta.dtype)
    for update in range(costs.size):
        epoch, start, rows = _rows_of(data, batch_size, update)
        x, y = X[start : start + rows], Y[start : start + rows]
        first = start + epoch * (order.shape[1] if order.size else len(X))
        scale, factors = 1.0 / rows if mean else 1.0, most[:0]
        if weights.size:
            scale, factors = 1.0, most[:rows]
            divisor = total_weight(weights, order, epoch, start, rows) if mean else 1.0
            weigh_rows(factors, weights, order, epoch, start, divisor)  # all rows count in the statistics
        if order.size:
            x, y = shared.x[:rows], shared.y[:rows]
            gather(X, order[epoch, start : start + rows], shared.x[:rows])
            gather(Y, order[epoch, start : start + rows], y)
        if dropout[1].size:
            fill_masks(dropout, first, shared.masks[:rows])
        alpha, t = alphas[epoch] if alphas.size else 0.0, rule.t + update + 1
        of = Update(alpha, rule, t, state, l1, l2, True, True)
        few = NORMALIZED_ROWS if rule.code <= NESTEROV and theta.size * theta.itemsize >= _MUCH else _LEAST
        in_one_pass = kind[0] == 1 and alphas.size > 0 and theta.size >= _SOME and rows <= few
        in_one_pass = in_one_pass and rule.clip_norm == np.inf and has_step(rule.code)
        costs[update] = penalty(theta, shared.g[:0], layout, 1, l1, l2) if in_one_pass and (l1 or l2) else 0.0
        for place in range(2 * layers):
            if place == layers:
                z = shared.H[rows * nodes(sizes)[0] - y.size : rows * nodes(sizes)[0]]
                of_output = cost, codes[-1], z, flat(y), sizes[-1], scale
                if factors.size:
                    costs[update] += weigh(*of_output, factors, shared.delta)
                else:
                    costs[update] += scale * apply_cost(*of_output, shared.delta, 0.0)
            if not kind[1]:
                add_tasks(queue, kind[0])
            turn = 2 * layers * update + place
            _each_block(model, data, batch_size, x, shared, mine, queue, kind, turn, place, of, in_one_pass)
            if not kind[1]:
                wait_for_all(queue)
        if (l1 or l2) and not in_one_pass:
            costs[update] += penalty(theta, shared.g, layout, 1, l1, l2)
        if alphas.size == 0:
            return
        if not in_one_pass:
            step(theta, shared.g, alpha, state, 0, rule, t)
        _move(running, layout, rows, shared.sums)


@kernel()
def fold(theta, running, layout, flat):
    """flat := the parameters of `samenet.backends.normalization.folded`, which has biases."""
    sizes, codes, normalized = layout[0], layout[1], layout[2]
    p, q, r, bias, number = 0, 0, 0, codes[0], theta.dtype.type
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        b, gamma = p + k * n, p + k * (n + bias)
        for i in range(k):
            factor, shift = number(1), theta[b + i] if bias else number(0)
            if normalized[layer + 1]:
                factor = theta[gamma + i] / math.sqrt(running[r + k + i] + number(EPSILON))
                shift -= factor * running[r + i]
            for j in range(i * n, i * n + n):
                flat[q + j] = factor * theta[p + j]
            flat[q + k * n + i] = shift
        p, q, r = gamma + k * normalized[layer + 1], q + k * (n + 1), r + 2 * k * normalized[layer + 1]


@lru_cache(256)
def shared_length(sizes: tuple[int, ...], rows: int) -> int:
    """The length of the memory that threads share, for this many rows."""
    return rows * (4 * sum(sizes) + 2 * max(sizes) + sizes[-1]) + 3 * len(sizes) * max(sizes)


@kernel(light=True)
def run_updates(
    model, objective, data, batch, alphas, rule, state, costs, g, memory, queue, is_coordinator, weights, is_alone
):
    """Make as many updates as `costs` is long; theta and the running statistics change in place.

    model: theta, the running statistics, and the layout: rows of sizes, activations, and flags of normalized layers. g:
    memory for the gradient; if there are no alphas, it is only computed, and no step is taken. memory: as long as
    `shared_length`. is_alone: whether there are no helpers. weights: the samples' weights, or empty. The rest: see
    `samenet.fast.kernels.training.run_updates`.
    """
    (theta, running, layout), (X, _, order, _), (batch_size, _) = model, data, batch
    sizes, most, dtype, p = layout[0], min(batch_size, max(len(X), order.size)), theta.dtype, 0
    (total, widest), n_in, n_out = nodes(sizes), sizes[0], sizes[-1]
    length, of_layer, hidden, p = most * total, most * widest, total - n_out, 3 * most * total
    H, D, N = memory[:length], memory[length : 2 * length], memory[2 * length : p]
    masks = rows_at(memory, p, most, hidden)
    p += most * hidden
    delta, back = memory[p : p + of_layer], memory[p + of_layer : p + 2 * of_layer]
    x, p = rows_at(memory, p + 2 * of_layer, most, n_in), p + 2 * of_layer + most * n_in
    y, sums = rows_at(memory, p, most, n_out), rows_at(memory, p + most * n_out, 3 * (sizes.size - 1), widest)
    shared, heap = Shared(H, D, N, masks, delta, back, sums, g, x, y), open_heap()
    kind = blocks_of(batch_size, sizes, theta), is_alone
    Z, E, helper_N = empty(heap, of_layer, dtype), empty(heap, of_layer, dtype), empty(heap, of_layer, dtype)
    longest = max(widest, n_in) + 1
    W = zeroed(heap, longest * row_length(widest, REGISTER // theta.itemsize), dtype)
    mine = Own(Z, E, helper_N, W, empty(heap, (PRODUCT + 1, widest), dtype), zeroed(heap, longest, dtype))
    if is_coordinator:
        of_updates = objective, data, batch, alphas, Rule(*rule), state, costs, weights
        _updates((theta, layout), running, *of_updates, shared, mine, queue, kind)
        return
    none = Update(0.0, Rule(*rule), 0, state, 0.0, 0.0, True, True)
    while wait_for_tasks(queue):
        _each_block((theta, layout), data, batch_size, x, shared, mine, queue, kind, -1, 0, none, False)
