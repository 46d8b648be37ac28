"""Many updates in one call: batches, gradients by parts that threads share, and the step."""

import math

import numpy as np
from numba import boolean, float64, int64, types

from samenet.fast.kernels.backward import add_penalty, gradient, make_workspace, penalty, workspace_type
from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.packing import is_wide, pack, unpack
from samenet.fast.kernels.parallel import add_tasks, claim, finish_task, own, take_over, wait_for_all, wait_for_tasks
from samenet.fast.kernels.sparse_input import FINITE, STEPPED

RULES = ("descent", "momentum", "nesterov", "rmsprop", "adam")  # kernels know them by their places
DESCENT, NESTEROV = RULES.index("descent"), RULES.index("nesterov")
RMSPROP, ADAM = RULES.index("rmsprop"), RULES.index("adam")

_PARTS, _ROWS, _WORK = 8, 128, 65536  # at most so many parts of a batch; a part's least rows, and multiply-adds
_MANY = 1 << 17  # parameters from which adding the gradients of parts takes long: a part then has 4 times the rows


_PIECE = 1024  # numbers of a gradient that are summed together


def parts_of(batch_size: int, parameters: int) -> int:
    """Into how many parts a batch is cut, each with a gradient of its own: it does not depend on the threads."""
    return max(1, min(_PARTS, batch_size // (_ROWS if parameters < _MANY else 4 * _ROWS), batch_size * parameters // _WORK))


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


@kernel()
def _clipped(g, clip_value, clip_norm):
    """Cut the entries of g in place; returns the factor that makes it no longer than `clip_norm`."""
    if clip_value < np.inf:
        for i in range(g.size):
            if g[i] > clip_value:
                g[i] = clip_value
            if g[i] < -clip_value:
                g[i] = -clip_value
    shrink = g.dtype.type(1)
    if clip_norm < np.inf:
        largest, length = 1.0, math.sqrt(_sum_of_squares(g))
        if not 0.0 < length < np.inf:
            largest, length = _over_largest(g)
        if length > clip_norm / largest:
            shrink = g.dtype.type(clip_norm / length)
            if largest != 1.0:
                for i in range(g.size):
                    g[i] /= largest
    return shrink


@kernel("contract")
def _step(theta, g, shrink, alpha, state, code, beta):
    """Descent, and with a velocity momentum's and Nesterov's."""
    step, factor = theta.dtype.type(alpha), theta.dtype.type(beta)
    if code == DESCENT:
        for i in range(theta.size):
            theta[i] -= step * (shrink * g[i])
        return
    velocity = state[0]
    for i in range(theta.size):
        move = step * (shrink * g[i])
        velocity[i] = factor * velocity[i] - move
        if code == NESTEROV:
            theta[i] += factor * velocity[i] - move
        else:
            theta[i] += velocity[i]


@kernel()
def _rmsprop(theta, g, shrink, alpha, s, decay, epsilon):
    """RMSProp; nothing is contracted, so that the bits are those of NumPy."""
    kind = theta.dtype.type
    step, keep, rest, epsilon = kind(alpha), kind(decay), kind(1.0 - decay), kind(epsilon)
    for i in range(theta.size):
        slope = shrink * g[i]
        s[i] = keep * s[i] + rest * slope * slope
        divisor = kind(math.sqrt(s[i])) + epsilon
        if divisor != 0:
            theta[i] -= step * slope / divisor


@kernel()
def _adam(theta, g, shrink, alpha, m, v, beta1, beta2, epsilon, t):
    """Adam in update t; nothing is contracted, so that the bits are those of NumPy."""
    kind = theta.dtype.type
    step, epsilon = kind(alpha), kind(epsilon)
    keep_m, rest_m, of_m = kind(beta1), kind(1.0 - beta1), kind(1.0 - math.pow(beta1, float(t)))
    keep_v, rest_v, of_v = kind(beta2), kind(1.0 - beta2), kind(1.0 - math.pow(beta2, float(t)))
    for i in range(theta.size):
        slope = shrink * g[i]
        m[i] = keep_m * m[i] + rest_m * slope
        v[i] = keep_v * v[i] + rest_v * slope * slope
        divisor = kind(math.sqrt(v[i] / of_v)) + epsilon
        if divisor != 0:
            theta[i] -= step * (m[i] / of_m) / divisor


@kernel()
def _update(theta, g, alpha, state, left, rule, t):
    """One step against g, which is clipped first; `samenet.reference.optimizers` has the equations.

    left: where theta begins in the rows of state.
    """
    code, beta1, beta2, epsilon, clip_value, clip_norm, _ = rule
    shrink = _clipped(g, clip_value, clip_norm)
    if code == ADAM:
        _adam(theta, g, shrink, alpha, state[0][left:], state[1][left:], beta1, beta2, epsilon, t)
    elif code == RMSPROP:
        _rmsprop(theta, g, shrink, alpha, state[0][left:], beta2, epsilon)
    else:
        _step(theta, g, shrink, alpha, state, code, beta1)


@kernel()
def _part(task, parts, theta, P, layout, bias, cost, data, batch, alphas, workspace, gathered, g):
    """g := the gradient of one part of one update's batch; returns the sum of costs.

    alphas: those of the epochs if a step may be taken at once, or none; see `backward.gradient`.
    """
    X, Y, order, masks = data
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
    alpha = alphas[epoch] if alphas.size else 0.0
    mask = masks[epoch * m + start : epoch * m + end]
    if shuffled:
        for s in range(rows):
            row, target = X[order[epoch, start + s]], Y[order[epoch, start + s]]
            for j in range(row.size):
                x[s, j] = row[j]
            for i in range(target.size):
                y[s, i] = target[i]
        x, y = x[:rows], y[:rows]
    else:
        x, y = X[start:end], Y[start:end]
    return gradient(theta, P, layout, bias, cost, x, y, mask, scale, alpha, g, workspace)


# The types of what the kernels below are given together: model, data, batch, gathered.
def _model(f):
    return types.Tuple((f[::1], f[::1], int64[:, ::1], boolean))


def _data(f):
    return types.Tuple((f[:, ::1], f[:, ::1], int64[:, ::1], f[:, ::1]))


_BATCH = types.Tuple((int64, boolean))
_RULE = types.Tuple((int64, *(float64,) * 5, int64))


def _gathered(f):
    return types.UniTuple(f[:, ::1], 2)


@external(
    lambda f: (
        *(_model(f), int64, _data(f), _BATCH, float64[::1], workspace_type(f)),
        *(_gathered(f), f[:, ::1], f[::1], float64[::1], int64[::1], int64),
    )
)
def _parts(model, cost, data, batch, at_once, workspace, gathered, G, private, values, queue, update):
    """Do the parts of an update that nobody else does: all that are left, if update is -1, the work of a helper.

    private: for a helper, the gradient until it owns the part.
    """
    theta, P, layout, bias = model
    parts, is_coordinator = len(G), update >= 0
    while True:
        task = claim(queue)
        if is_coordinator and task < 0:
            part = take_over(queue, parts, update, 3 * batch[0] * P.size // parts)
            task = update * parts + part if part >= 0 else -1
        elif is_coordinator:
            own(queue, task % parts, update)
        if task < 0:
            return
        part = task % parts
        if parts > 1:
            workspace.flags[FINITE] = False  # the weights have changed since this thread last looked at them
        g = G[part] if is_coordinator else private
        value = _part(task, parts, theta, P, layout, bias, cost, data, batch, at_once, workspace, gathered, g)
        if is_coordinator or own(queue, part, task // parts):
            values[part] = value
            if not is_coordinator:
                for i in range(g.size):
                    G[part, i] = g[i]
            finish_task(queue)


@kernel()
def _add_parts(G):
    """G[0] += the other rows, one after the other, by pieces of which the sum stays in the cache."""
    n = G.shape[1]
    for start in range(0, n, _PIECE):
        total = G[0, start : min(n, start + _PIECE)]
        for part in range(1, len(G)):
            row = G[part, start : start + total.size]
            for i in range(total.size):
                total[i] += row[i]


@external(
    lambda f: (
        *(_model(f), f[:, ::1], types.Tuple((int64, float64, float64)), _data(f), _BATCH, float64[::1], float64[::1]),
        *(_RULE, workspace_type(f), _gathered(f), f[:, ::1]),
        *(float64[::1], float64[::1], int64[::1]),
    ),
    "contract",
)
def _updates(model, state, objective, data, batch, alphas, at_once, rule, workspace, gathered, G, costs, values, queue):
    """Update after update, of which other threads may claim parts; see `run_updates`."""
    theta, P, layout, bias = model
    X, _, order, _ = data
    batch_size, mean = batch
    cost, l1, l2 = objective
    sizes, parts, g, flags = layout[0], len(G), G[0], workspace.flags
    m = order.shape[1] if order.size else X.shape[0]
    updates = -(-m // batch_size)
    for update in range(costs.size):
        add_tasks(queue, parts)
        _parts(model, cost, data, batch, at_once, workspace, gathered, G, g, values, queue, update)
        wait_for_all(queue)
        total = 0.0
        for part in range(parts):
            total += values[part]
        _add_parts(G)
        whole = min(batch_size, m - update % updates * batch_size)
        costs[update] = total / whole if mean else total
        if l1 or l2:
            costs[update] += penalty(P, sizes, bias, l1, l2)
            add_penalty(P, sizes, bias, l1, l2, g)
        if alphas.size == 0:
            unpack(g, sizes, bias, False, theta)
            return
        alpha = alphas[update // updates]
        left = flags[STEPPED]
        if left == 0:
            flags[FINITE] = False
        _update(P[left:], g[left:], alpha, state, left, rule, rule[6] + update + 1)
        unpack(P, sizes, bias, True, theta)
    unpack(P, sizes, bias, False, theta)


@kernel(makes_arrays=True)
def run_updates(
    theta, P, layout, bias, objective, data, batch, alphas, rule, state, costs, G, values, queue, is_coordinator
):
    """As many updates as `costs` is long, over and over the rows of `order` (when it is empty: of X as it stands).

    data: X, Y, order, masks; masks are for the rows of each epoch, one epoch after the other, or empty.
    batch: its size, and whether the gradient is divided by it. alphas: one for each epoch; if there are none, no step
    is taken, and theta gets the gradient. P: for the packed parameters. rule: its place in `RULES`, beta1 (or
    beta), beta2 (or decay), epsilon, the two limits of clipping, and how many updates were made before. state: a row
    for each array that the rule keeps. G, values: a row
    for each part.
    """
    X, Y, order, masks = data
    model = theta, P, layout, bias
    batch_size, _ = batch
    cost, l1, l2 = objective
    sizes, parts = layout[0], len(G)
    most = -(-batch_size // parts)
    workspace = make_workspace(theta, sizes, cost, most, masks.size > 0)
    most = most if order.size else 0
    gathered = np.empty((most, X.shape[1]), X.dtype), np.empty((most, Y.shape[1]), Y.dtype)
    code, _, _, _, clip_value, clip_norm, _ = rule
    plain = parts == 1 and code == DESCENT and clip_value == np.inf and clip_norm == np.inf and l1 == 0 and l2 == 0
    at_once = alphas if plain else alphas[:0]
    if not is_coordinator:
        private = np.zeros(P.size, P.dtype)
        while wait_for_tasks(queue):
            _parts(model, cost, data, batch, at_once, workspace, gathered, G, private, values, queue, -1)
        return
    pack(theta, sizes, bias, P)
    packed = state if is_wide(sizes) else np.zeros((len(state), P.size), P.dtype)
    for i in range(len(state)):
        pack(state[i], sizes, bias, packed[i])
    _updates(model, packed, objective, data, batch, alphas, at_once, rule, workspace, gathered, G, costs, values, queue)
    for i in range(len(state)):
        unpack(packed[i], sizes, bias, False, state[i])
