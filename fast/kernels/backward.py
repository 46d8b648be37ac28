"""Backpropagation for some of a batch's rows."""

from typing import Any, NamedTuple

import numpy as np
from numba import boolean, float64, int32, int64, types

from samenet.fast.kernels.activations import back_through, needs_z, slope, value
from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.codegen.loops import vectorized
from samenet.fast.kernels.codegen.memory import empty, zeroed
from samenet.fast.kernels.codegen.microkernels import flat, rows_at
from samenet.fast.kernels.codegen.vector import REGISTER
from samenet.fast.kernels.dropout import dropout_type, fill_masks
from samenet.fast.kernels.forward import apply_mask, block_rows, forward, most_rows, nonzero_workspace
from samenet.fast.kernels.gemm import matrix, packed_product, product, sum_of_rows
from samenet.fast.kernels.narrow import add_narrow_gradient, is_lone
from samenet.fast.kernels.one_pass import LAST, MOST_ROWS, step_in_one_pass
from samenet.fast.kernels.packing import (
    is_transposed,
    lanes_of,
    layer_length,
    matrix_length,
    nodes,
    packed_matrix,
    row_length,
)
from samenet.fast.kernels.penalties import penalty
from samenet.fast.kernels.sparse_input import (
    FINITE,
    GROUP_ROWS,
    SKIPPED,
    STEPPED,
    all_finite,
    list_nonzero_columns,
    rows_of_list,
    sparse_step,
)
from samenet.fast.kernels.steps import DESCENT, step, update_type


class Workspace(NamedTuple):
    """The memory for the gradient of a block of samples."""

    H: Any  # the activations of layers 2 to L, one layer after the other
    D: Any  # with dropout, the activations after masking
    masks: Any  # with dropout, the factors of the hidden nodes, (rows, nodes)
    Z: Any  # the `z` of `value`, for costs that need it
    delta: Any  # dJ/dz of a layer
    back: Any  # the same for the layer below
    zeros: Any  # one per node of the widest layer
    used: Any  # a list of the nonzero inputs
    flags: Any  # flags about the first layer and the step: see `sparse_input`
    penalty: Any  # one number: the penalty before the step, if it is taken at once
    factors: Any  # with adaptive sampling or sample weights: one per row of the batch
    squares: Any  # with adaptive sampling, output: squared norms of the rows' gradients, times factor and scale


@kernel()
def make_workspace(heap, theta, sizes, cost, rows, dropout, weighed, sampled):
    """A workspace for this many rows, processed in blocks.

    weighed, sampled: the numbers of factors and of squared norms.
    """
    factors, squares = empty(heap, weighed, theta.dtype), empty(heap, sampled, np.float64)
    rows = min(rows, most_rows(sizes))
    total, widest = nodes(sizes)
    H = empty(heap, rows * total, theta.dtype)
    D = empty(heap, rows * total if dropout else 0, theta.dtype)
    Z = empty(heap, rows * sizes[-1] if needs_z(cost) else 0, theta.dtype)
    row = row_length(widest, REGISTER // theta.itemsize)
    delta, back = empty(heap, rows * widest, theta.dtype), empty(heap, rows * row, theta.dtype)
    zeros = zeroed(heap, max(widest, sizes[0]), theta.dtype)
    used, flags = nonzero_workspace(heap, sizes, theta.itemsize)
    masks = empty(heap, (rows if dropout else 0, total - sizes[-1]), theta.dtype)
    return Workspace(H, D, masks, Z, delta, back, zeros, used, flags, zeroed(heap, 1, np.float64), factors, squares)


def workspace_type(f):
    """The type of the workspace that `make_workspace` returns."""
    vectors, sampled = (*(f[::1],) * 2, f[:, ::1], *(f[::1],) * 4), (f[::1], float64[::1])
    return types.NamedTuple((*vectors, int32[::1], int64[::1], float64[::1], *sampled), Workspace)


@external(
    lambda f: (
        f[::1],
        f[::1],
        int64[:, ::1],
        boolean,
        int64,
        matrix(f),
        f[:, ::1],
        dropout_type(f),
        int64,
        float64,
        update_type(f),
        f[::1],
        workspace_type(f),
    ),
    returns=float64,
    light=True,
)
def gradient(theta, P, layout, bias, cost, X, Y, dropout, first, scale, update, G, workspace):
    """G := the gradient of scale times the cost's sum over the rows of X, laid out like P.

    Returns that sum of costs. P are the packed parameters; theta's matrices after the first are read as well. With E =
    dJ/dH, delta = dJ/dZ: delta = E * f'(z); dJ/dW = delta^T H; dJ/db = the sum of
    delta's rows; E of the layer below = delta W. 6 flops for each row and weight, a third of them forward.
    dropout: see `dropout_type`; first: the number of the first of these rows among the samples of the call.
    update: the step of this update. If its alpha is not 0, it may be taken at once, by all parameters or by the weights
    of a first layer with many zeros; G is then not filled for these. A flag of the workspace tells how many they are.
    """
    H, D, Z = workspace.H, workspace.D, workspace.Z
    zeros, used, flags = workspace.zeros, workspace.used, workspace.flags
    delta, back = workspace.delta, workspace.back
    sizes, codes = layout[0], layout[1]
    n_out = sizes[-1]
    drops = dropout[1].size > 0
    total, _ = nodes(sizes)
    lanes = lanes_of(sizes, P.itemsize)
    costs, finite = 0.0, False  # unless a step finds that its results are
    m = X.shape[0]
    most = block_rows(m, most_rows(sizes))
    alpha, rule, penalties = update.alpha, update.rule, 0.0
    plain = rule.code == DESCENT and rule.clip_value == np.inf and update.l1 == 0 and update.l2 == 0
    of_theta = update.is_of_theta or lanes == 1
    few = plain and not of_theta and m <= GROUP_ROWS and used.size > 0
    can_step = alpha != 0 and rule.clip_norm == np.inf and m <= most
    in_one_pass = can_step and of_theta and m <= MOST_ROWS and rule.code <= LAST
    at_once = in_one_pass or (can_step and of_theta and plain)
    is_unpacked = update.is_unpacked
    flags[STEPPED] = theta.size if at_once else 0
    if at_once and (update.l1 or update.l2):
        penalties = penalty(P, G[:0], sizes, bias, lanes, update.l1, update.l2)
    if m == 0:  # the last batch of an epoch may have fewer rows than parts
        for i in range(G.size):
            G[i] = 0
    for start in range(0, m, most):
        x, y = X[start : start + most], Y[start : start + most]
        rows = x.shape[0]
        masks = workspace.masks[: rows if drops else 0]
        if drops:
            fill_masks(dropout, first + start, masks)
        p, r, q = theta.size, P.size, rows * total
        z = Z[: rows * n_out] if needs_z(cost) else Z
        h = H[q - y.size : q]
        forward(
            theta if is_unpacked else P, not is_unpacked, layout, bias, x, masks, H, h, D, z, zeros, back, used, flags
        )
        target = flat(y)
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
            r -= layer_length(sizes, layer, bias, lanes)
            w_transposed = is_transposed(sizes, layer, lanes)
            q -= rows * k
            deltas = rows_at(delta, 0, rows, k)
            if bias:
                biases = r + matrix_length(sizes, layer, lanes)
                db = G[biases : biases + k]
                sum_of_rows(deltas, db, start == 0, is_transposed(sizes, 0, lanes))
                if at_once:
                    b = p + k * n
                    step(theta[b : b + k], db, alpha, update.state, b, rule, update.t)
            layer_inputs = rows_at(D if drops else H, q - rows * n, rows, n) if layer else x
            if squares.size:
                _add_squares(deltas, layer_inputs, bias, squares)
            errors = rows_at(back, 0, rows if layer else 0, n)
            if in_one_pass:
                step_in_one_pass(deltas, layer_inputs, errors, theta, p, update)
            elif layer:
                product(deltas, rows_at(theta, p, k, n), rows_at(zeros, 0, 1, n), errors)
            if layer:
                if drops:
                    column -= n
                    apply_mask(masks, column, back, errors)
                back_through(codes[layer], H[q - rows * n : q], back[: rows * n], n)
            if in_one_pass:
                pass
            elif at_once:
                W = rows_at(theta, p, k, n)
                packed_product(deltas.T, layer_inputs, W, W, -alpha)
            elif layer == 0 and few and can_step and all_finite(delta[: rows * k]):
                if rows > rows_of_list(k, P.itemsize) or not flags[SKIPPED]:  # the list lacks some rows
                    list_nonzero_columns(x, used)
                finite = sparse_step(x, used, deltas, packed_matrix(P, r, n, k), alpha) and flags[FINITE] > 0
                flags[STEPPED] = n * row_length(k, lanes)
            elif lanes == 1:
                dW = rows_at(G, r, k, n)
                product(deltas.T, layer_inputs, dW if start else rows_at(zeros, 0, 1, n), dW)
            elif w_transposed:
                dW = packed_matrix(G, r, n, k)
                product(layer_inputs.T, deltas, dW if start else rows_at(zeros, 0, 1, k), dW)
            elif is_lone(n, k, P.itemsize):
                add_narrow_gradient(delta[:rows], x, start == 0, G[r : r + n])
            else:
                dW = packed_matrix(G, r, k, n)
                product(deltas.T, x, dW if start else rows_at(zeros, 0, 1, n), dW)
            delta, back = back, delta
    flags[FINITE], workspace.penalty[0] = finite, penalties
    return costs


_sum_of_squares = vectorized(lambda a: (a * a,))


@external(lambda f: (int64, *(f[::1],) * 3, int64, *(f[::1],) * 2), returns=float64)
def weigh(cost, h, z, y, width, factors, delta):
    """Unless it is empty, delta *= each row's factor; returns the sum of the factors times the rows' costs.

    A row of factor 0 has no effect: its delta becomes 0, even if it was infinite.
    """
    total, zero = 0.0, h.dtype.type(0)
    for s in range(factors.size):
        start, end = s * width, (s + 1) * width
        if factors[s] != 0.0:
            total += factors[s] * value(cost, h[start:end], z[start:end], y[start:end])
        for i in range(start, min(end, delta.size)):
            delta[i] = factors[s] * delta[i] if factors[s] != 0.0 else zero
    return total


@external(lambda f: (f[:, ::1], matrix(f), boolean, float64[::1]))
def _add_squares(delta, layer_inputs, bias, squares):
    """Each row's ||delta h^T||^2 = ||delta||^2 ||h||^2, and ||delta||^2 for biases."""
    for s in range(squares.size):
        squares[s] += _sum_of_squares(delta[s]) * (_sum_of_squares(layer_inputs[s]) + (1.0 if bias else 0.0))
