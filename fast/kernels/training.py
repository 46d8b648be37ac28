"""Many updates in one call: batches, and gradients computed in parts that threads share."""

import numpy as np
from numba import boolean, float64, int64, types

from samenet.fast.kernels.adaptive import SAMPLED, Sampled, draw_rows, learn_rows, leave_out, total_weight, weigh_rows
from samenet.fast.kernels.backward import gradient, make_workspace
from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.codegen.memory import empty, open_heap, zeroed
from samenet.fast.kernels.codegen.transpose import gather
from samenet.fast.kernels.codegen.vector import REGISTER
from samenet.fast.kernels.dropout import MaskedWeights, dropout_type, mask_weights, masked_type, products
from samenet.fast.kernels.few_nodes import fits
from samenet.fast.kernels.few_nodes import run as run_short
from samenet.fast.kernels.forward import UNPACKED_ROWS
from samenet.fast.kernels.gemm import copied, matrix
from samenet.fast.kernels.narrow import starts_narrow
from samenet.fast.kernels.packing import copy, fill_up, is_wide, lanes_of, pack, row_length, unpack
from samenet.fast.kernels.parallel import add_tasks, finish_task, next_task, own, wait_for_all, wait_for_tasks
from samenet.fast.kernels.penalties import penalty
from samenet.fast.kernels.sparse_input import LEAST, STEPPED, all_finite
from samenet.fast.kernels.steps import DESCENT, RULE, Rule, Update, step

_PARTS, _ROWS, _WORK = 8, 128, 65536  # the most parts of a batch; the fewest rows and multiply-adds of a part
_MANY, _MORE_ROWS = 1 << 17, 500  # parameters from which adding the parts' gradients is slow: parts then have more rows
_PIECE = 1024  # numbers of a gradient that are added together


def parts_of(batch_size: int, parameters: int) -> int:
    """The number of parts of a batch, each with its own gradient; it does not depend on the number of threads.

    It is even, so that two threads have as much to do.
    """
    rows = _ROWS if parameters < _MANY else _MORE_ROWS
    parts = min(_PARTS, batch_size // rows, batch_size * parameters // _WORK)
    return max(1, parts - parts % 2)


@kernel(inlined=True)
def _part(task, parts, model, settings, workspace, gathered, g, weights, is_drawn):
    """g := the gradient of one part of one update's batch; returns the sum of costs.

    weights: the samples' weights, or empty; is_drawn: whether they are the importance of rows that have been drawn.
    """
    theta, P, layout, bias = model
    state, objective, data, batch, _, at_once, rule, of_theta, is_unpacked = settings
    cost, l1, l2 = objective
    X, Y, order, dropout = data
    batch_size, mean = batch
    x, y = gathered
    shuffled = order.size > 0
    m = order.shape[1] if shuffled else X.shape[0]
    updates = -(-m // batch_size)  # of an epoch
    update, part = task // parts, task % parts
    epoch, start = update // updates, update % updates * batch_size
    whole = min(batch_size, m - start)
    start, end = start + whole * part // parts, start + whole * (part + 1) // parts
    rows = end - start
    scale = 1.0 / whole if mean else 1.0
    alpha = at_once[epoch] if at_once.size else 0.0
    now = Update(alpha, rule, rule.t + update + 1, state, l1, l2, of_theta, is_unpacked)
    first = epoch * m + start
    factors, are_used = workspace.factors[: rows if weights.size else 0], True
    if weights.size:
        scale = 1.0
        divisor = float(whole) if mean else 1.0
        if mean and not is_drawn:
            divisor = total_weight(weights, order, epoch, update % updates * batch_size, whole)
        are_used = weigh_rows(factors, weights, order, epoch, start, divisor)
    if shuffled:
        x, y = x[:rows], y[:rows]
        gather(X, order[epoch, start : start + rows], x)
        gather(Y, order[epoch, start : start + rows], y)
    elif are_used:
        x, y = X[start:end], Y[start:end]
    else:
        x, y = x[:rows], Y[start:end]
        copied(X[start:end], x)
    if not are_used:
        leave_out(x, factors)
    return gradient(theta, P, layout, bias, cost, x, y, dropout, first, scale, now, g, workspace)


@kernel(inlined=True)  # to pass so many arguments takes a quarter of a tiny update
def _each_part(model, settings, workspace, gathered, G, private, values, queue, update, weights, sampled):
    """Claim and compute parts of an update while there are any; update is -1 for a helper.

    private: a helper's memory for the gradient until it owns the part.
    """
    parts, is_coordinator = len(G), update >= 0
    while True:
        task = next_task(queue, parts, update)
        if task < 0:
            return
        part = task % parts
        g = G[part] if is_coordinator else private
        value = _part(task, parts, model, settings, workspace, gathered, g, weights, sampled.tree.size > 0)
        if not is_coordinator:
            copy(g[:0], g[:0])  # so that it is compiled before others wait for the result
        if is_coordinator or own(queue, part, task // parts):
            values[part] = value
            for s in range(workspace.squares.size):
                sampled.squares[part, s] = workspace.squares[s]
            if not is_coordinator:
                copy(g, G[part])
            finish_task(queue)


@external(lambda f: (f[:, ::1],))
def _add_parts(G):
    """G[0] += the other rows, one after the other, in pieces that stay in the cache."""
    n = G.shape[1]
    for start in range(0, n, _PIECE):
        total = G[0, start : min(n, start + _PIECE)]
        for part in range(1, len(G)):
            row = G[part, start : start + total.size]
            for i in range(total.size):
                total[i] += row[i]


@kernel("contract")
def _each_update(model, used, settings, workspace, gathered, G, costs, values, queue, masked, weights, sampled):
    """Make all updates; other threads may claim parts of them; see `run_updates`.

    used: the model with the parameters at which the gradient is taken.
    """
    theta, P, layout, bias = model
    state, objective, data, batch, alphas, _, rule, of_theta, is_unpacked = settings
    X, _, order, _ = data
    batch_size, mean = batch
    _, l1, l2 = objective
    sizes, parts, g, flags = layout[0], len(G), G[0], workspace.flags
    masks_weights = masked.thresholds.size > 0
    m = order.shape[1] if order.size else X.shape[0]
    updates = -(-m // batch_size)
    for update in range(costs.size):
        epoch, start = update // updates, update % updates * batch_size
        whole = min(batch_size, m - start)
        if sampled.tree.size:
            draw_rows(sampled, order, epoch, start, whole, weights)
        if masks_weights:
            mask_weights(masked, update, P, sizes, bias)
        add_tasks(queue, parts)
        _each_part(used, settings, workspace, gathered, G, g, values, queue, update, weights, sampled)
        wait_for_all(queue)
        total = 0.0
        for part in range(parts):
            total += values[part]
        if parts > 1:
            _add_parts(G)
        if masks_weights:
            products(g, g, masked.masks)
        if sampled.tree.size:
            learn_rows(sampled, order[epoch, start : start + whole], 1.0 / whole if mean else 1.0)
        costs[update] = total / whole if mean and weights.size == 0 else total
        if l1 or l2:
            lanes = lanes_of(sizes, P.itemsize)
            if is_unpacked and not flags[STEPPED]:
                pack(theta, sizes, bias, P)
            costs[update] += workspace.penalty[0] if flags[STEPPED] else penalty(P, g, layout, lanes, l1, l2)
        if alphas.size == 0:
            unpack(g, sizes, bias, False, theta)
            return
        if of_theta:
            if not flags[STEPPED]:
                unpack(g, sizes, bias, False, P[: theta.size])  # P is not needed any more
                step(theta, P[: theta.size], alphas[update // updates], state, 0, rule, rule.t + update + 1)
            continue
        begin = flags[STEPPED]  # the first parameter that has not taken its step
        if begin < P.size:
            step(P[begin:], g[begin:], alphas[update // updates], state, begin, rule, rule.t + update + 1)
        if update + 1 < costs.size:
            unpack(P, sizes, bias, True, theta)
    if not of_theta:
        unpack(P, sizes, bias, False, theta)


@external(
    lambda f: (
        *(types.Tuple((f[::1], f[::1], int64[:, ::1], boolean)), types.Tuple((int64, float64, float64))),
        types.Tuple((matrix(f), f[:, ::1], int64[:, ::1], dropout_type(f))),
        *(types.Tuple((int64, boolean)), float64[::1], RULE, f[:, ::1], float64[::1]),
        *(types.Tuple((f[:, ::1], float64[::1], int64[::1])), boolean, masked_type(f), float64[::1], SAMPLED),
    ),
    returns=boolean,
    light=True,
)
def run(model, objective, data, batch, alphas, rule, state, costs, memory, is_coordinator, masked, weights, sampled):
    """`run_updates`, compiled once for it and for `many_networks.run_each`.

    model: theta, P, layout and bias. memory: G, values and queue.
    """
    (theta, P, layout, bias), (X, Y, order, dropout), (G, values, queue) = model, data, memory
    used = model
    masks_weights = masked.thresholds.size > 0
    if masks_weights:
        used = masked.theta, masked.P, layout, bias
    batch_size, _ = batch
    sizes, parts = layout[0], len(G)
    if parts == 1 and weights.size == 0 and alphas.size and not masks_weights and fits(sizes, theta.itemsize):
        return run_short(theta, layout, objective, X, Y, order, batch, alphas, rule, state, costs)
    most = -(-batch_size // parts)
    weighed, drawn = most if weights.size else 0, most if sampled.tree.size else 0
    heap = open_heap()
    workspace = make_workspace(heap, theta, sizes, objective[0], most, dropout[1].size > 0, weighed, drawn)
    most = most if order.size else weighed
    row = row_length(X.shape[1], REGISTER // X.itemsize)  # so that no register straddles two cache lines
    gathered = empty(heap, (most, row), X.dtype)[:, : X.shape[1]], empty(heap, (most, Y.shape[1]), Y.dtype)
    _, l1, l2 = objective
    # A single update changes theta itself, with the gradient or after it: packing and unpacking the state would take
    # longer than unpacking the gradient, and sums would have a different order. So do many of few rows where
    # reading W by rows, and gradient and step in one pass over W, gain more than skipping zeros.
    rows = min(batch_size, len(X))
    is_at_once = parts == 1 and not masks_weights
    is_long = sizes[0] >= 2 * LEAST and sizes[0] >= 2 * sizes[1]
    is_single = sizes.size == 2 and sizes[0] >= LEAST
    passes = rule.code != DESCENT or (is_long and (l1 > 0 or l2 > 0))  # over all weights, if not in one
    pays = (passes and (is_single or rows == 1 or is_long)) or starts_narrow(sizes, REGISTER // X.itemsize)
    # Penalties are added in the order of the pass, which is to be the same for a single update and for many.
    is_unpacked = is_at_once and rows <= UNPACKED_ROWS and (pays or l1 == l2 == 0)
    of_theta = alphas.size > 0 and (costs.size == 1 or (is_unpacked and pays))
    of_theta = of_theta and rule.clip_norm == np.inf and not is_wide(sizes)
    is_unpacked, is_packed = is_unpacked and of_theta, not (of_theta or is_wide(sizes))
    at_once = alphas[: alphas.size if is_at_once else 0]
    packed = empty(heap, (len(state), P.size if is_coordinator else 0), P.dtype) if is_packed else state
    settings = packed, objective, data, batch, alphas, at_once, rule, of_theta, is_unpacked
    if not is_coordinator:
        private = zeroed(heap, P.size, P.dtype)
        while wait_for_tasks(queue):
            _each_part(used, settings, workspace, gathered, G, private, values, queue, -1, weights, sampled)
        return True
    if not is_unpacked:
        pack(theta, sizes, bias, P)
    for part in range(0 if of_theta else parts):
        fill_up(G[part], sizes, bias)
    for i in range(len(state) if is_packed else 0):
        pack(state[i], sizes, bias, packed[i])
    _each_update(model, used, settings, workspace, gathered, G, costs, values, queue, masked, weights, sampled)
    for i in range(len(state) if is_packed else 0):
        unpack(packed[i], sizes, bias, False, state[i])
    return all_finite(theta)


@kernel(light=True)
def run_updates(
    model, objective, data, batch, alphas, rule, state, costs, G, values, queue, is_coordinator, masked, weights, drawn
):
    """Make as many updates as `costs` is long, in epochs over the rows of `order` (if it is empty, over the rows of X).

    model: theta, memory P for the packed parameters, the layout, and whether there are biases. data: X, Y, order, and
    dropout, see `dropout_type`; without dropout it has no factors. batch: its size, and whether the gradient is divided
    by it. alphas: one per epoch; if there are none, no step is taken, and theta receives the gradient. rule, masked,
    drawn: a `Rule`, a `MaskedWeights` and a `Sampled`, as tuples. state: a row for each of the rule's state arrays. G,
    values: a row for each part. weights: the samples' weights, (m,). What is not used is empty, so that one compilation
    serves all calls. Returns whether all parameters are finite afterwards.
    """
    given = model, objective, data, batch, alphas, Rule(*rule), state, costs, (G, values, queue)
    return run(*given, is_coordinator, MaskedWeights(*masked), weights, Sampled(*drawn))
