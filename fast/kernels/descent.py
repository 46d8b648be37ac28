"""Many updates in one call: batches, gradients by parts that threads share, and the step."""

import math

import numpy as np
from numba import boolean, float64, int64, types

from samenet.fast.kernels.backward import add_penalty, gradient, make_workspace, penalty, workspace_type
from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.packing import pack, unpack, weights_length
from samenet.fast.kernels.parallel import add_tasks, claim, finish_task, wait_for_all, wait_for_tasks
from samenet.fast.kernels.sparse_input import FINITE, STEPPED

_PARTS, _ROWS, _WORK = 8, 128, 65536  # at most so many parts of a batch; a part's least rows, and multiply-adds


def parts_of(batch_size: int, parameters: int) -> int:
    """Into how many parts a batch is cut, each with a gradient of its own: it does not depend on the threads."""
    return max(1, min(_PARTS, batch_size // _ROWS, batch_size * parameters // _WORK))


@kernel("reassoc", "contract")
def _sum_of_squares(values):
    total = 0.0
    for i in range(values.size):
        total += values[i] * values[i]
    return total


@kernel()
def _over_largest(values):
    """The largest entry's size, and the norm over it; 1 and the norm if there is no slope, or one that overflowed."""
    largest = 0.0
    for i in range(values.size):
        largest = max(largest, abs(values[i]))
    if not 0.0 < largest < np.inf:
        return 1.0, math.sqrt(_sum_of_squares(values))
    total = 0.0
    for i in range(values.size):
        scaled = values[i] / largest
        total += scaled * scaled
    return largest, math.sqrt(total)


@kernel("contract")
def _step(theta, g, alpha, velocity, rule):
    """One step against g, which is clipped first; `samenet.reference.descent` has the equations."""
    momentum, nesterov, clip_value, clip_norm = rule
    if clip_value < np.inf:
        for i in range(g.size):
            if g[i] > clip_value:
                g[i] = clip_value
            if g[i] < -clip_value:
                g[i] = -clip_value
    shrink = theta.dtype.type(1)
    if clip_norm < np.inf:
        largest, length = 1.0, math.sqrt(_sum_of_squares(g))
        if not 0.0 < length < np.inf:
            largest, length = _over_largest(g)
        if length > clip_norm / largest:
            shrink = theta.dtype.type(clip_norm / length)
            if largest != 1.0:
                for i in range(g.size):
                    g[i] /= largest
    step, factor = theta.dtype.type(alpha), theta.dtype.type(momentum)
    if velocity.size == 0:
        for i in range(theta.size):
            theta[i] -= step * (shrink * g[i])
        return
    for i in range(theta.size):
        move = step * (shrink * g[i])
        velocity[i] = factor * velocity[i] - move
        if nesterov:
            theta[i] += factor * velocity[i] - move
        else:
            theta[i] += velocity[i]


@kernel()
def _part(task, parts, theta, P, layout, bias, cost, data, batch, alphas, room, gathered, G):
    """The gradient of one part of one update's batch, into that part's row of G; returns the sum of costs.

    alphas: those of the passes if a step may be taken at once, or none; see `backward.gradient`.
    """
    X, Y, order, masks = data
    batch_size, mean = batch
    x, y = gathered
    shuffled = order.size > 0
    m = order.shape[1] if shuffled else X.shape[0]
    updates = -(-m // batch_size)  # of a pass
    update, part = task // parts, task % parts
    visit, start = update // updates, update % updates * batch_size
    whole = min(batch_size, m - start)
    start, end = start + whole * part // parts, start + whole * (part + 1) // parts
    rows = end - start
    scale = 1.0 / whole if mean else 1.0
    alpha = alphas[visit] if alphas.size else 0.0
    mask = masks[visit * m + start : visit * m + end]
    if shuffled:
        for s in range(rows):
            row, target = X[order[visit, start + s]], Y[order[visit, start + s]]
            for j in range(row.size):
                x[s, j] = row[j]
            for i in range(target.size):
                y[s, i] = target[i]
        x, y = x[:rows], y[:rows]
    else:
        x, y = X[start:end], Y[start:end]
    return gradient(theta, P, layout, bias, cost, x, y, mask, scale, alpha, G[part], room)


# The types of what the kernels below are given together: model, data, batch, gathered.
def _model(f):
    return types.Tuple((f[::1], f[::1], int64[:, ::1], boolean))


def _data(f):
    return types.Tuple((f[:, ::1], f[:, ::1], int64[:, ::1], f[:, ::1]))


_BATCH = types.Tuple((int64, boolean))


def _gathered(f):
    return types.UniTuple(f[:, ::1], 2)


@external(
    lambda f: (
        *(_model(f), int64, _data(f), _BATCH, float64[::1], workspace_type(f)),
        *(_gathered(f), f[:, ::1], float64[::1], int64[::1]),
    )
)
def _parts(model, cost, data, batch, at_once, room, gathered, G, values, queue):
    """Claim tasks as long as there are any."""
    theta, P, layout, bias = model
    parts = len(G)
    task = claim(queue)
    while task >= 0:
        values[task % parts] = _part(task, parts, theta, P, layout, bias, cost, data, batch, at_once, room, gathered, G)
        finish_task(queue)
        task = claim(queue)


@kernel()
def _add(source, target):
    for i in range(source.size):
        target[i] += source[i]


@external(
    lambda f: (
        *(_model(f), f[::1], types.Tuple((int64, float64, float64)), _data(f), _BATCH, float64[::1], float64[::1]),
        *(types.Tuple((float64, boolean, float64, float64)), workspace_type(f), _gathered(f), f[:, ::1]),
        *(float64[::1], float64[::1], int64[::1]),
    ),
    "contract",
)
def _updates(model, turned, objective, data, batch, alphas, at_once, rule, room, gathered, G, costs, values, queue):
    """Update after update, of which other threads may take parts; see `descend`."""
    theta, P, layout, bias = model
    X, _, order, _ = data
    batch_size, mean = batch
    cost, l1, l2 = objective
    sizes, parts, g, known = layout[0], len(G), G[0], room[7]
    m = order.shape[1] if order.size else X.shape[0]
    updates = -(-m // batch_size)
    first = weights_length(sizes[0], sizes[1], P.itemsize)
    for update in range(costs.size):
        add_tasks(queue, parts)
        _parts(model, cost, data, batch, at_once, room, gathered, G, values, queue)
        wait_for_all(queue)
        total = 0.0
        for part in range(parts):
            total += values[part]
            if part:
                _add(G[part], g)
        whole = min(batch_size, m - update % updates * batch_size)
        costs[update] = total / whole if mean else total
        if l1 or l2:
            costs[update] += penalty(P, sizes, bias, l1, l2)
            add_penalty(P, sizes, bias, l1, l2, g)
        if alphas.size == 0:
            unpack(g, sizes, bias, False, theta)
            return
        alpha = alphas[update // updates]
        left = first if known[STEPPED] else 0
        if left == 0:
            known[FINITE] = False
        _step(P[left:], g[left:], alpha, turned, rule)
        unpack(P, sizes, bias, True, theta)
    unpack(P, sizes, bias, False, theta)


@kernel(makes_arrays=True)
def descend(
    theta, P, layout, bias, objective, data, batch, alphas, rule, velocity, costs, G, values, queue, is_coordinator
):
    """As many updates as `costs` is long, over and over the rows of `order` (when it is empty: of X as it stands).

    data: X, Y, order, masks; masks are for the rows of each pass, one pass after the other, or empty. batch: its size,
    and whether the gradient is divided by it. alphas: one for each pass; if there are none, no step is taken, and theta
    gets the gradient. P: room for theta as kernels want it. velocity: empty without momentum. G, values: room, a row
    for each part.
    """
    X, Y, order, masks = data
    model = theta, P, layout, bias
    batch_size, _ = batch
    cost, l1, l2 = objective
    sizes, parts = layout[0], len(G)
    most = -(-batch_size // parts)
    room = make_workspace(theta, sizes, cost, most, masks.size > 0)
    most = most if order.size else 0
    gathered = np.empty((most, X.shape[1]), X.dtype), np.empty((most, Y.shape[1]), Y.dtype)
    _, _, clip_value, clip_norm = rule
    plain = parts == 1 and velocity.size == 0 and clip_value == np.inf and clip_norm == np.inf and l1 == 0 and l2 == 0
    at_once = alphas if plain else alphas[:0]
    if not is_coordinator:
        while wait_for_tasks(queue):
            _parts(model, cost, data, batch, at_once, room, gathered, G, values, queue)
        return
    pack(theta, sizes, bias, P)
    turned = np.zeros(P.size if velocity.size else 0, P.dtype)
    if velocity.size:
        pack(velocity, sizes, bias, turned)
    _updates(model, turned, objective, data, batch, alphas, at_once, rule, room, gathered, G, costs, values, queue)
    if velocity.size:
        unpack(turned, sizes, bias, False, velocity)
