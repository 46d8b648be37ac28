"""Training many similar networks, with one network in each lane of the registers.

Each number of a network becomes a register that holds this number for as many networks as there are lanes, so no lane
is idle when a layer is narrow. Hidden layers, the gradient and the step are computed for all of them at once, in
`network_lanes`; the output layer, whose nodes may depend on each other, is passed to `activations` network by network,
except in tiny networks. Every sum has the same order as when networks are trained one by one, so the bits are the same.
"""

import itertools

import numpy as np
from numba import boolean, float64, int64, types

from samenet.fast.kernels import sparse_input, training
from samenet.fast.kernels.activations import (
    SOFTMAX,
    SQUARED_ERROR,
    SUM_OF_SQUARES,
    activate,
    needs_z,
    slope,
    value,
)
from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.codegen.memory import empty, open_heap, zeroed
from samenet.fast.kernels.codegen.microkernels import flat, rows_at
from samenet.fast.kernels.codegen.registers import full_width, load, load_first, store
from samenet.fast.kernels.codegen.vector import REGISTER
from samenet.fast.kernels.forward import block_rows, most_rows
from samenet.fast.kernels.gemm import WIDE, transposed
from samenet.fast.kernels.network_lanes import backward, forward, gather
from samenet.fast.kernels.packing import nodes
from samenet.fast.kernels.steps import RULE, Rule, step
from samenet.fast.kernels.tiny_layers import back_through, less, multiply_add, times

_LEAST, _CACHED = 4, 1 << 14  # the fewest rows of a pass; bytes of activations that leave room for weights in the cache
_MOST = 1 << 14  # parameters of a network, so that those of a group stay in the L2 cache


def lanes_of(dtype: np.dtype) -> int:
    """The number of networks trained together."""
    return REGISTER // dtype.itemsize


def fits(sizes: tuple[int, ...], codes: tuple[int, ...], batch_size: int) -> bool:
    """Whether such networks, trained one by one, compute their sums in the order used here."""
    size = sum((n + 1) * k for n, k in itertools.pairwise(sizes))
    narrow = max(sizes) < min(WIDE, sparse_input.LEAST) and size <= _MOST
    return narrow and SOFTMAX not in codes[:-1] and training.parts_of(batch_size, size) == 1


def fits_tiny(codes: tuple[int, ...], cost: int, size: int) -> bool:
    """Whether tiny networks, trained one by one, compute their sums in the order used here for them."""
    return SOFTMAX not in codes and cost in (SQUARED_ERROR, SUM_OF_SQUARES) and size <= _MOST


def _workspace(f):
    return types.Tuple((*(f[::1],) * 5, *(f[:, ::1],) * 5))


@kernel()
def _outputs(width, layout, rows, H, q, out, Z, a, keeps_z):
    """The output layer, from the z in H at q: in H, and in `out` from index a on, one row per network.

    Z: the `z` of `value`, if `keeps_z`; then H keeps z.
    """
    k, code = layout[0, -1], layout[1, -1]
    b, lanes = a + rows * k, len(width)
    by_number = code != SOFTMAX and not keeps_z
    if by_number:
        activate(code, H[q : q + rows * k * lanes], k, out[0, :0])
    transposed(rows_at(H, q, rows * k, lanes), out[:, a:b])
    if by_number:
        return
    for r in range(lanes):
        h, z = out[r, a:b], Z[r, a : b if keeps_z else a]
        if keeps_z and code != SOFTMAX:
            for i in range(h.size):
                z[i] = h[i]
        activate(code, h, k, z)


@kernel()
def _tiny_outputs(width, across, layout, cost, rows, H, q, targets, delta, scale, squares, overwrite):
    """The output layer of tiny networks, from the z in H at q, and dJ/dz; squares += or := the sums of the costs.

    squares: as in `tiny_network`, a sum for each lane of its registers of `across` numbers.
    """
    k, code, lanes = layout[0, -1], layout[1, -1], len(width)
    activate(code, H[q : q + rows * k * lanes], k, H[:0])
    nothing, factor = load_first(width, H, 0, 0), H.dtype.type(2.0 * scale if cost == SUM_OF_SQUARES else scale)
    for i in range(across if overwrite else 0):
        store(squares, i * lanes, nothing)
    for s in range(rows):
        for i in range(k):
            place, total = (s * k + i) * lanes, i % across * lanes
            h = load(width, H, q + place)
            error = less(h, load(width, targets, place))
            error_slope = times(error, factor)
            store(squares, total, multiply_add(error, error_slope, load(width, squares, total)))
            store(delta, place, back_through(code, h, error_slope))


@kernel()
def _pass(across, theta, layout, cost, X, Y, order, epoch, first, whole, piece, scale, G, workspace, values):
    """Unless it is empty, G := the gradient over the rows; values := the sums of their costs.

    Costs are added in pieces of `piece` rows, as when one network is trained. A few rows pass through all layers
    together, so that their activations stay in the L1 cache. across: see `backward`; the costs of tiny networks'
    batches are means or sums already.
    """
    width = full_width(theta)
    H, delta, back, tree, zeros, gathered, out, Z, y, deltas = workspace
    sizes, codes = layout[0], layout[1]
    n_out, lanes = sizes[-1], len(width)
    total, _ = nodes(sizes)
    most = H.size // ((sizes[0] + total) * lanes)
    keeps_z, is_tiny, squares = needs_z(cost), across > 0 and G.size > 0, tree[across * lanes :]
    for r in range(values.size):
        values[r] = 0.0
    for begin in range(0, whole, piece):
        end = min(begin + piece, whole)
        for start in range(begin, end, most):
            rows = min(most, end - start)
            gather(width, X, order, epoch, first + start, rows, gathered, H)
            q = forward(width, theta, layout, rows, H, zeros)
            if is_tiny:
                gather(width, Y, order, epoch, first + start, rows, gathered, back)
                _tiny_outputs(width, across, layout, cost, rows, H, q, back, delta, scale, squares, start == 0)
                backward(width, across, theta, layout, rows, H, q, delta, back, tree, zeros, G, start == 0)
                continue
            a, b = (start - begin) * n_out, (start - begin + rows) * n_out
            for r in range(lanes):
                network = min(r, len(order) - 1)
                for s in range(rows):
                    target = Y[order[network, epoch, first + start + s] if order.size else first + start + s]
                    for i in range(n_out):
                        y[r, a + s * n_out + i] = target[i]
            _outputs(width, layout, rows, H, q, out, Z, a, keeps_z)
            if G.size:
                for r in range(lanes):
                    slope(cost, codes[-1], out[r, a:b], y[r, a:b], n_out, scale, deltas[r])
                transposed(deltas[:, : b - a], rows_at(delta, 0, b - a, lanes))
                backward(width, 0, theta, layout, rows, H, q, delta, back, tree, zeros, G, start == 0)
        b = (end - begin) * n_out
        for r in range(0 if is_tiny else values.size):
            values[r] += value(cost, out[r, :b], Z[r, : b if keeps_z else 0], y[r, :b])
    for i in range(across if is_tiny else 0):
        for r in range(values.size):
            values[r] += 0.5 * squares[i * lanes + r]


@external(
    lambda f: (
        *(int64, f[::1], f[:, ::1], int64[:, ::1], int64, *(f[:, ::1],) * 2, int64[:, :, ::1]),
        *(types.Tuple((int64, boolean)), float64, RULE, int64, f[::1], _workspace(f), *(float64[:, ::1],) * 2),
    )
)
def _updates(
    across, theta, state, layout, cost, X, Y, order, batch, alpha, rule, record_every, G, workspace, costs, recorded
):
    """All updates of the networks in the lanes; see `run_updates`."""
    batch_size, mean = batch
    m, most = len(X), most_rows(layout[0])
    updates = -(-m // batch_size)  # of an epoch
    for update in range(costs.shape[1]):
        epoch, first = update // updates, update % updates * batch_size
        if recorded.size and first == 0 and epoch % record_every == 0:
            values = recorded[:, epoch // record_every]
            _pass(across, theta, layout, cost, X, Y, order[:0], epoch, 0, m, most, 0.0, G[:0], workspace, values)
            if mean:
                for r in range(values.size):
                    values[r] *= 1.0 / m
        whole = min(batch_size, m - first)
        scale, piece = 1.0 / whole if mean else 1.0, block_rows(whole, most)
        _pass(
            across, theta, layout, cost, X, Y, order, epoch, first, whole, piece, scale, G, workspace, costs[:, update]
        )
        if mean and across == 0:
            for r in range(len(costs)):
                costs[r, update] /= whole
        step(theta, G, alpha, state, 0, rule, rule.t + update + 1)


@kernel(light=True)
def run_updates(across, thetas, states, layout, cost, X, Y, orders, batch, alpha, rule, record_every, costs, recorded):
    """Make as many updates of each network as `costs` has columns, in place; the results are those of `training`.

    across: 0, or for networks that fit `tiny_network`, whose results they have, the lanes of its registers.
    thetas: (networks, parameters). states: the number of the rule's state arrays; they start at 0. orders: (networks,
    epochs, m), or (1, epochs, m) for all, or empty to use the rows as they are. batch: its size, and whether the
    gradient is divided by it. recorded: (networks, records), the cost over all samples before every epoch that is a
    multiple of `record_every`; or empty. X, Y, alpha, rule, see `training.run_updates`, are the same for all.
    """
    sizes, rule = layout[0], Rule(*rule)
    number, size = thetas.shape
    m, n_out = len(X), Y.shape[1]
    lanes = REGISTER // thetas.itemsize
    total, widest = nodes(sizes)
    rows = max(_LEAST, _CACHED // ((sizes[0] + total) * REGISTER))  # in a pass
    most = min(m, most_rows(sizes)) * n_out
    heap = open_heap()
    H, delta = empty(heap, rows * (sizes[0] + total) * lanes, X.dtype), empty(heap, rows * widest * lanes, X.dtype)
    back, zeros, deltas = (
        empty(heap, delta.size, X.dtype),
        zeroed(heap, lanes, X.dtype),
        empty(heap, (lanes, rows * n_out), X.dtype),
    )
    out, Z, y = (
        empty(heap, (lanes, most), X.dtype),
        empty(heap, (lanes, most), X.dtype),
        empty(heap, (lanes, most), X.dtype),
    )
    gathered = empty(heap, (lanes, rows * max(sizes[0], n_out)), X.dtype)
    tree = empty(heap, 2 * across * lanes, X.dtype)
    group, G = zeroed(heap, (size, lanes), X.dtype), empty(heap, size * lanes, X.dtype)
    theta, state = flat(group), zeroed(heap, (states, group.size), X.dtype)
    workspace = H, delta, back, tree, zeros, gathered, out, Z, y, deltas
    for first in range(0, number, lanes):
        count = min(lanes, number - first)
        transposed(thetas[first : first + count], group)
        state[:] = 0
        of_group = orders[first : first + count] if len(orders) > 1 else orders
        _updates(
            *(across, theta, state, layout, cost, X, Y, of_group, batch, alpha, rule, record_every, G),
            *(workspace, costs[first : first + count], recorded[first : first + count]),
        )
        transposed(group[:, :count], thetas[first : first + count])


@kernel(light=True)
def run_each(thetas, P, layout, bias, objective, data, batch, alphas, rule, states, costs, memory, more):
    """`training.run_updates` of several networks whose parameters are packed, one after the other in this thread.

    thetas: (networks, parameters); each network has as many rows of states, and numbers of costs. The order in data:
    the rows of each network, or those of all. memory: G, values and the queue; more: what follows the queue.
    """
    (X, Y, orders, dropout), (G, values, queue) = data, memory
    number = len(thetas)
    count, updates = len(states) // number, costs.size // number
    for i in range(number):
        queue[:] = 0
        start = i * alphas.size % max(1, len(orders))
        given = X, Y, orders[start : start + alphas.size], dropout
        state, of_one = states[i * count : (i + 1) * count], costs[i * updates : (i + 1) * updates]
        training.run_updates(
            *(thetas[i], P, layout, bias, objective, given, batch, alphas, rule, state, of_one, G, values),
            *(queue, True, *more),
        )
