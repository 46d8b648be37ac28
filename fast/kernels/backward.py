"""Backpropagation of a part of the rows."""

from typing import Any, NamedTuple

import numpy as np
from numba import boolean, float64, int32, int64, types

from samenet.fast.kernels.activations import back_through, needs_z, slope, value
from samenet.fast.kernels.codegen.arithmetic import where
from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.codegen.loops import vectorized
from samenet.fast.kernels.codegen.microkernels import rows_at
from samenet.fast.kernels.dropout import dropout_type, fill_masks
from samenet.fast.kernels.forward import apply_mask, block_rows, forward, most_rows, nonzero_workspace
from samenet.fast.kernels.gemm import packed_product, product
from samenet.fast.kernels.packing import lanes_of, layer_length, nodes, packed_matrix, row_length
from samenet.fast.kernels.sparse_input import AT_ONCE, FINITE, GROUP_ROWS, SKIPPED, STEPPED, are_finite, sparse_step


class Workspace(NamedTuple):
    """What the gradient of a block of samples is worked out in."""

    H: Any  # the activations of layers 2 to L, one layer after the other
    D: Any  # with dropout, the same as the next layer sees them
    masks: Any  # with dropout, the factors of the hidden nodes, (rows, nodes)
    Z: Any  # what `value` is told of the output layer, for costs that need it
    delta: Any  # dJ/dz of a layer
    back: Any  # the same of the layer below
    zeros: Any  # as many as the widest layer has nodes
    lists: Any  # which inputs are not 0, for each group of rows
    flags: Any  # what is known of the first layer: see `sparse_input`
    factors: Any  # with adaptive sampling or weights of samples, of the rows of the batch
    squares: Any  # with adaptive sampling, to be found: squared norms of their gradients, with factors and scale


@kernel(makes_arrays=True)
def make_workspace(theta, sizes, cost, rows, dropout, weighed, sampled):
    """A workspace for so many rows; for more than a block it is no larger.

    weighed, sampled: how many have factors, and squared norms.
    """
    factors, squares = np.empty(weighed, theta.dtype), np.empty(sampled)
    rows = min(rows, most_rows(sizes))
    total, widest = nodes(sizes)
    H = np.empty(rows * total, theta.dtype)
    D = np.empty(rows * total if dropout else 0, theta.dtype)
    Z = np.empty(rows * sizes[-1] if needs_z(cost) else 0, theta.dtype)
    delta, back = np.empty(rows * widest, theta.dtype), np.empty(rows * widest, theta.dtype)
    zeros = np.zeros(max(widest, sizes[0]), theta.dtype)
    lists, flags = nonzero_workspace(sizes, rows)
    masks = np.empty((rows if dropout else 0, total - sizes[-1]), theta.dtype)
    return Workspace(H, D, masks, Z, delta, back, zeros, lists, flags, factors, squares)


def workspace_type(f):
    """The type of what `make_workspace` returns."""
    sampled = f[::1], float64[::1]
    return types.NamedTuple((*(f[::1],) * 2, f[:, ::1], *(f[::1],) * 4, int32[:, ::1], int64[::1], *sampled), Workspace)


@external(
    lambda f: (
        f[::1],
        f[::1],
        int64[:, ::1],
        boolean,
        int64,
        *(f[:, ::1],) * 2,
        dropout_type(f),
        int64,
        float64,
        float64,
        f[::1],
        workspace_type(f),
    ),
    returns=float64,
)
def gradient(theta, P, layout, bias, cost, X, Y, dropout, first, scale, alpha, G, workspace):
    """G := the gradient of scale times the cost's sum over the rows of X, laid out like P.

    Returns that sum of costs. P are the packed parameters; of theta itself, only the matrices are read, but
    for the first. With E = dJ/dH, delta = dJ/dZ: delta = E * f'(z); dJ/dW = delta^T H; dJ/db = the sum of
    delta's rows; E of the layer below = delta W. 6 flops for each row and weight, a third of them forward.
    dropout: see `dropout_type`; first: the number of the first of these rows among the samples of the call.
    If alpha is not 0, weights may take their step at once, P -= alpha dJ/dW, and G has nothing for them: those of the
    first layer where zeros of a few rows are skipped, and all of a wide network. The flags of the workspace tell how
    many numbers of P that are, from the first on.
    """
    H, D, Z = workspace.H, workspace.D, workspace.Z
    zeros, lists, flags = workspace.zeros, workspace.lists, workspace.flags
    delta, back = workspace.delta, workspace.back
    sizes, codes = layout
    n_out = sizes[-1]
    drops = dropout[1].size > 0
    total, _ = nodes(sizes)
    lanes = lanes_of(sizes, P.itemsize)
    costs = 0.0
    m = X.shape[0]
    step = block_rows(m, most_rows(sizes))
    at_once = alpha != 0 and m <= (step if lanes == 1 else GROUP_ROWS)
    flags[STEPPED], flags[AT_ONCE] = P.size if at_once and lanes == 1 else 0, at_once
    for start in range(0, m, step):
        x, y = X[start : start + step], Y[start : start + step]
        rows = x.shape[0]
        masks = workspace.masks[: rows if drops else 0]
        fill_masks(dropout, first + start, masks)
        p, r, q = theta.size, P.size, rows * total
        z = Z[: rows * n_out] if needs_z(cost) else Z
        forward(P, layout, bias, x, masks, H, D, z, zeros, lists, flags)
        h = H[q - y.size : q]
        target = y.reshape(y.size)
        slope(cost, codes[-1], h, target, n_out, scale, delta)
        factors, squares = workspace.factors[start : start + rows], workspace.squares[start : start + rows]
        if factors.size:
            costs += weigh(cost, h, z, target, n_out, factors, delta)
        else:
            costs += value(cost, h, z, target)
        for s in range(squares.size):
            squares[s] = 0.0
        column = masks.shape[1]
        for layer in range(sizes.size - 2, -1, -1):
            n, k = sizes[layer], sizes[layer + 1]
            p -= k * (n + bias)
            r -= layer_length(n, k, bias, lanes)
            q -= rows * k
            deltas = rows_at(delta, 0, rows, k)
            if bias:
                biases = r + n * row_length(k, lanes)
                sum_of_rows(deltas, G[biases : biases + k], start == 0)
                if flags[STEPPED]:
                    _step(P[biases : biases + k], G[biases : biases + k], alpha)
            layer_inputs = rows_at(D if drops else H, q - rows * n, rows, n) if layer else x
            if squares.size:
                _add_squares(deltas, layer_inputs, bias, squares)
            if layer:
                errors = rows_at(back, 0, rows, n)
                product(deltas, rows_at(theta, p, k, n), rows_at(zeros, 0, 1, n), errors)
                if drops:
                    column -= n
                    apply_mask(masks, column, back, errors)
                back_through(codes[layer], H[q - rows * n : q], back[: rows * n], n)
            if layer == 0 and flags[AT_ONCE] and flags[SKIPPED] and are_finite(delta[: rows * k]):
                flags[FINITE] = sparse_step(x, lists, deltas, packed_matrix(P, r, n, k), alpha)
                flags[STEPPED] = n * row_length(k, lanes)
            elif lanes == 1 and at_once:
                W = rows_at(P, r, k, n)
                packed_product(deltas.T, layer_inputs, W, W, -alpha)
            elif lanes == 1:
                dW = rows_at(G, r, k, n)
                product(deltas.T, layer_inputs, dW if start else rows_at(zeros, 0, 1, n), dW)
            else:
                dW = packed_matrix(G, r, n, k)
                product(layer_inputs.T, deltas, dW if start else rows_at(zeros, 0, 1, k), dW)
            delta, back = back, delta
    return costs


_sum_of_squares = vectorized(lambda a: (a * a,))


@kernel()
def weigh(cost, h, z, y, width, factors, delta):
    """delta *= the factor of each row, unless it is empty; returns the sum of the factors times the rows' costs.

    A row whose factor is 0 is left out: its delta is 0, even if it was infinite.
    """
    total, zero = 0.0, h.dtype.type(0)
    for s in range(factors.size):
        start, end = s * width, (s + 1) * width
        if factors[s] != 0.0:
            total += factors[s] * value(cost, h[start:end], z[start:end], y[start:end])
        for i in range(start, min(end, delta.size)):
            delta[i] = factors[s] * delta[i] if factors[s] != 0.0 else zero
    return total


@kernel()
def _add_squares(delta, layer_inputs, bias, squares):
    """Each row's ||delta h^T||^2 = ||delta||^2 ||h||^2, and ||delta||^2 for biases."""
    for s in range(squares.size):
        squares[s] += _sum_of_squares(delta[s]) * (_sum_of_squares(layer_inputs[s]) + (1.0 if bias else 0.0))


@kernel()
def sum_of_rows(delta, db, anew):
    """db := the sum of delta's rows; or db +=, unless it begins anew."""
    if anew:
        for i in range(db.size):
            db[i] = 0
    for s in range(len(delta)):
        row = delta[s]
        for i in range(db.size):
            db[i] += row[i]


@kernel("contract")
def _step(b, db, alpha):
    """b -= alpha db."""
    step = b.dtype.type(alpha)
    for i in range(b.size):
        b[i] -= step * db[i]


def _penalty(w, l1, l2):
    return l1 * abs(w) + 0.5 * l2 * (w * w)


def _penalty_slope(w, l1, l2):
    return where(w, ">", 0.0, l1, where(w, "<", 0.0, -l1, 0.0)) + l2 * w


_penalties = vectorized(lambda w, l1, l2: (_penalty(w, l1, l2),))
add_penalties = vectorized(lambda g, w, l1, l2: (g + _penalty_slope(w, l1, l2), _penalty(w, l1, l2)), stores=1)


@kernel()
def penalty(P, G, sizes, bias, lanes, l1, l2):
    """l1 sum |W| + l2/2 sum W^2; and unless G is empty, G += l1 sign(W) + l2 W.

    P are the packed parameters, and G is laid out like them; or theta, if lanes is 1: see `packing.lanes_of`.
    """
    p, total = 0, 0.0
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        end = p + n * row_length(k, lanes)
        if G.size:
            total += add_penalties(G[p:end], P[p:end], l1, l2)
        else:
            total += _penalties(P[p:end], l1, l2)
        p += layer_length(n, k, bias, lanes)
    return total
