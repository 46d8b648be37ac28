"""Training many similar networks, with one network in each lane of the registers.

Each number of a network becomes a register that holds this number for as many networks as there are lanes, so no lane
is idle when a layer is narrow. Hidden layers, the gradient and the step are computed for all of them at once; the
output layer, whose nodes may depend on each other, is passed to `activations` network by network. Every sum has the
same order as in `forward` and `backward`, so the bits are those of networks trained one by one.
"""

import itertools

import numpy as np
from numba import boolean, float64, int64, types

from samenet.fast.kernels import sparse_input
from samenet.fast.kernels.activations import SOFTMAX, activate, back_through, needs_z, slope, value
from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.codegen.memory import empty, open_heap, zeroed
from samenet.fast.kernels.codegen.microkernels import flat, rows_at
from samenet.fast.kernels.codegen.registers import broadcast, full_width, lanewise, load, load_first, store
from samenet.fast.kernels.codegen.vector import REGISTER
from samenet.fast.kernels.forward import BLOCK, block_rows
from samenet.fast.kernels.gemm import WIDE, transposed
from samenet.fast.kernels.packing import nodes
from samenet.fast.kernels.steps import RULE, Rule, step
from samenet.fast.kernels.training import parts_of

_LEAST, _CACHED = 4, 1 << 14  # the fewest rows of a pass; bytes of activations that leave room for weights in the cache
_MOST = 1 << 14  # parameters of a network, so that those of a group stay in the L2 cache


def lanes_of(dtype: np.dtype) -> int:
    """The number of networks trained together."""
    return REGISTER // dtype.itemsize


def fits(sizes: tuple[int, ...], codes: tuple[int, ...], batch_size: int) -> bool:
    """Whether such networks, trained one by one, compute their sums in the order used here."""
    size = sum((n + 1) * k for n, k in itertools.pairwise(sizes))
    narrow = max(sizes) < min(WIDE, sparse_input.LEAST) and size <= _MOST
    return narrow and SOFTMAX not in codes[:-1] and parts_of(batch_size, size) == 1


_multiply_add = lanewise(lambda a, b, c: a * b + c)
_plus = lanewise(lambda a, b: a + b)


@kernel()
def _product(width, A, B, S, C, shape):
    """C := S + A B for matrices of registers, (m, t) and (t, k); shape: (m, t, k).

    A matrix is a tuple of a vector, the index where the matrix begins, and the strides of its rows and columns; the row
    stride of S may be 0. Past the last row or column, the last one is repeated.
    """
    (a, a_0, a_row, a_column), (b, b_0, b_row, b_column), (s, s_0, s_row, s_column), (c, c_0, c_row, c_column) = (
        A,
        B,
        S,
        C,
    )
    m, t, k = shape
    for r in range(0, m, 4):
        r0, r1, r2, r3 = r, min(r + 1, m - 1), min(r + 2, m - 1), min(r + 3, m - 1)
        for i in range(0, k, 2):
            i0, i1 = i, min(i + 1, k - 1)
            left, right = s_0 + i0 * s_column, s_0 + i1 * s_column
            s00, s01 = load(width, s, left + r0 * s_row), load(width, s, right + r0 * s_row)
            s10, s11 = load(width, s, left + r1 * s_row), load(width, s, right + r1 * s_row)
            s20, s21 = load(width, s, left + r2 * s_row), load(width, s, right + r2 * s_row)
            s30, s31 = load(width, s, left + r3 * s_row), load(width, s, right + r3 * s_row)
            for term in range(t):
                b0 = load(width, b, b_0 + term * b_row + i0 * b_column)
                b1 = load(width, b, b_0 + term * b_row + i1 * b_column)
                place = a_0 + term * a_column
                number = load(width, a, place + r0 * a_row)
                s00, s01 = _multiply_add(number, b0, s00), _multiply_add(number, b1, s01)
                number = load(width, a, place + r1 * a_row)
                s10, s11 = _multiply_add(number, b0, s10), _multiply_add(number, b1, s11)
                number = load(width, a, place + r2 * a_row)
                s20, s21 = _multiply_add(number, b0, s20), _multiply_add(number, b1, s21)
                number = load(width, a, place + r3 * a_row)
                s30, s31 = _multiply_add(number, b0, s30), _multiply_add(number, b1, s31)
            left, right = c_0 + i0 * c_column, c_0 + i1 * c_column
            store(c, left + r0 * c_row, s00)
            store(c, right + r0 * c_row, s01)
            store(c, left + r1 * c_row, s10)
            store(c, right + r1 * c_row, s11)
            store(c, left + r2 * c_row, s20)
            store(c, right + r2 * c_row, s21)
            store(c, left + r3 * c_row, s30)
            store(c, right + r3 * c_row, s31)


@kernel()
def _gather(width, X, Y, order, epoch, start, rows, gathered, x, y):
    """Copy rows of X into the lanes, and rows of Y for each network, in the epoch's order or as they are."""
    lanes, n, k = len(width), X.shape[1], Y.shape[1]
    shuffled = order.size > 0
    for r in range(lanes):
        network = min(r, len(order) - 1)
        for s in range(rows):
            row = order[network, epoch, start + s] if shuffled else start + s
            target, sample = Y[row], X[row]
            for i in range(k):
                y[r, s * k + i] = target[i]
            if shuffled:
                for j in range(n):
                    gathered[r, s * n + j] = sample[j]
    if shuffled:
        transposed(gathered[:, : rows * n], rows_at(x, 0, rows * n, lanes))
        return
    for s in range(rows):
        for j in range(n):
            store(x, (s * n + j) * lanes, broadcast(width, X[start + s], j))


@kernel()
def _forward(width, theta, layout, rows, H, zeros, out, Z, a, keeps_z):
    """The activations of all layers, after the input at the start of H; returns the index of the last.

    out: the output layer, from index a on, one row per network. Z: the `z` of `value`, if `keeps_z`.
    """
    sizes, codes = layout[0], layout[1]
    lanes, p, q = len(width), 0, 0
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        W = (theta, p, lanes, n * lanes)  # W^T
        p += n * k * lanes
        start = (theta, p, 0, lanes) if codes[0] else (zeros, 0, 0, 0)
        p += codes[0] * k * lanes
        below, q = q, q + rows * n * lanes
        _product(width, (H, below, n * lanes, lanes), W, start, (H, q, k * lanes, lanes), (rows, n, k))
        if layer < sizes.size - 2:
            activate(codes[layer + 1], H[q : q + rows * k * lanes], k, zeros[:0])
    k, code = sizes[-1], codes[-1]
    b = a + rows * k
    by_number = code != SOFTMAX and not keeps_z
    if by_number:
        activate(code, H[q : q + rows * k * lanes], k, zeros[:0])
    transposed(rows_at(H, q, rows * k, lanes), out[:, a:b])
    if by_number:
        return q
    for r in range(lanes):
        h, z = out[r, a:b], Z[r, a : b if keeps_z else a]
        if keeps_z and code != SOFTMAX:
            for i in range(h.size):
                z[i] = h[i]
        activate(code, h, k, z)
    return q


@kernel()
def _backward(width, theta, layout, rows, H, q, delta, back, zeros, G, overwrite):
    """G += the gradient over some rows; G := with `overwrite`.

    delta: dJ/dz of the output layer, which begins in H at q; back: memory as long as the widest layer.
    """
    sizes, codes = layout[0], layout[1]
    lanes, p = len(width), theta.size
    nothing = load_first(width, theta, 0, 0)
    for layer in range(sizes.size - 2, -1, -1):
        n, k = sizes[layer], sizes[layer + 1]
        if codes[0]:
            p -= k * lanes
            for i in range(k):
                total = nothing if overwrite else load(width, G, p + i * lanes)
                for s in range(rows):
                    total = _plus(total, load(width, delta, (s * k + i) * lanes))
                store(G, p + i * lanes, total)
        p -= n * k * lanes
        q -= rows * n * lanes
        if layer:
            E = (back, 0, n * lanes, lanes)
            W = (theta, p, n * lanes, lanes)
            _product(width, (delta, 0, k * lanes, lanes), W, (zeros, 0, 0, 0), E, (rows, k, n))
            back_through(codes[layer], H[q : q + rows * n * lanes], back[: rows * n * lanes], n)
        dW = (G, p, n * lanes, lanes)
        start = (zeros, 0, 0, 0) if overwrite else dW
        _product(width, (delta, 0, lanes, k * lanes), (H, q, n * lanes, lanes), start, dW, (k, rows, n))
        delta, back = back, delta


def _workspace(f):
    return types.Tuple((*(f[::1],) * 4, *(f[:, ::1],) * 5))


@kernel()
def _pass(theta, layout, cost, X, Y, order, epoch, first, whole, piece, scale, G, workspace, values):
    """Unless it is empty, G := the gradient over the rows; values := the sums of their costs.

    Costs are added in pieces of `piece` rows, as when one network is trained. A few rows pass through all layers
    together, so that their activations stay in the L1 cache.
    """
    width = full_width(theta)
    H, delta, back, zeros, gathered, out, Z, y, deltas = workspace
    sizes, codes = layout[0], layout[1]
    n_out, lanes = sizes[-1], len(width)
    total, _ = nodes(sizes)
    most = H.size // ((sizes[0] + total) * lanes)
    keeps_z = needs_z(cost)
    for r in range(values.size):
        values[r] = 0.0
    for begin in range(0, whole, piece):
        end = min(begin + piece, whole)
        for start in range(begin, end, most):
            rows = min(most, end - start)
            a, b = (start - begin) * n_out, (start - begin + rows) * n_out
            _gather(width, X, Y, order, epoch, first + start, rows, gathered, H, y[:, a:b])
            q = _forward(width, theta, layout, rows, H, zeros, out, Z, a, keeps_z)
            if G.size:
                for r in range(lanes):
                    slope(cost, codes[-1], out[r, a:b], y[r, a:b], n_out, scale, deltas[r])
                transposed(deltas[:, : b - a], rows_at(delta, 0, b - a, lanes))
                _backward(width, theta, layout, rows, H, q, delta, back, zeros, G, start == 0)
        b = (end - begin) * n_out
        for r in range(values.size):
            values[r] += value(cost, out[r, :b], Z[r, : b if keeps_z else 0], y[r, :b])


@external(
    lambda f: (
        *(f[::1], f[:, ::1], int64[:, ::1], int64, *(f[:, ::1],) * 2, int64[:, :, ::1]),
        *(types.Tuple((int64, boolean)), float64, RULE, int64, f[::1], _workspace(f), *(float64[:, ::1],) * 2),
    )
)
def _updates(theta, state, layout, cost, X, Y, order, batch, alpha, rule, record_every, G, workspace, costs, recorded):
    """All updates of the networks in the lanes; see `run_updates`."""
    batch_size, mean = batch
    m = len(X)
    updates = -(-m // batch_size)  # of an epoch
    for update in range(costs.shape[1]):
        epoch, first = update // updates, update % updates * batch_size
        if recorded.size and first == 0 and epoch % record_every == 0:
            values = recorded[:, epoch // record_every]
            _pass(theta, layout, cost, X, Y, order[:0], epoch, 0, m, BLOCK, 0.0, G[:0], workspace, values)
            if mean:
                for r in range(values.size):
                    values[r] *= 1.0 / m
        whole = min(batch_size, m - first)
        scale, piece = 1.0 / whole if mean else 1.0, block_rows(whole, BLOCK)
        _pass(theta, layout, cost, X, Y, order, epoch, first, whole, piece, scale, G, workspace, costs[:, update])
        if mean:
            for r in range(len(costs)):
                costs[r, update] /= whole
        step(theta, G, alpha, state, 0, rule, rule.t + update + 1)


@kernel(light=True)
def run_updates(thetas, states, layout, cost, X, Y, orders, batch, alpha, rule, record_every, costs, recorded):
    """Make as many updates of each network as `costs` has columns, in place; the results are those of `training`.

    thetas: (networks, parameters). states: the number of the rule's state arrays; they start at 0. orders: (networks,
    epochs, m), or empty to use the rows as they are. batch: its size, and whether the gradient is divided by it.
    recorded: (networks, records), the cost over all samples before every epoch that is a multiple of `record_every`;
    or empty. X, Y, alpha, rule, see `training.run_updates`, are the same for all.
    """
    sizes, rule = layout[0], Rule(*rule)
    number, size = thetas.shape
    m, n_out = len(X), Y.shape[1]
    lanes = REGISTER // thetas.itemsize
    total, widest = nodes(sizes)
    rows = max(_LEAST, _CACHED // ((sizes[0] + total) * REGISTER))  # in a pass
    most = min(m, BLOCK) * n_out
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
    gathered = empty(heap, (lanes, rows * sizes[0]), X.dtype)
    group, G = zeroed(heap, (size, lanes), X.dtype), empty(heap, size * lanes, X.dtype)
    theta, state = flat(group), zeroed(heap, (states, group.size), X.dtype)
    workspace = H, delta, back, zeros, gathered, out, Z, y, deltas
    for first in range(0, number, lanes):
        count = min(lanes, number - first)
        transposed(thetas[first : first + count], group)
        state[:] = 0
        _updates(
            *(theta, state, layout, cost, X, Y, orders[first : first + count], batch, alpha, rule, record_every, G),
            *(workspace, costs[first : first + count], recorded[first : first + count]),
        )
        transposed(group[:, :count], thetas[first : first + count])
