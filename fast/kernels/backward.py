"""Backpropagation for some of a batch's rows."""

from typing import Any, NamedTuple

import numpy as np
from numba import boolean, float64, int32, int64, types

from samenet.fast.kernels.activations import back_through
from samenet.fast.kernels.codegen.arithmetic import widened
from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.codegen.loops import vectorized
from samenet.fast.kernels.codegen.memory import empty, zeroed
from samenet.fast.kernels.codegen.microkernels import flat, rows_at
from samenet.fast.kernels.codegen.vector import REGISTER
from samenet.fast.kernels.costs import apply_cost, weigh
from samenet.fast.kernels.dropout import dropout_type, fill_masks
from samenet.fast.kernels.forward import apply_mask, block_rows, forward, most_rows, nonzero_workspace
from samenet.fast.kernels.gemm import matrix, packed_product, product, sum_of_rows
from samenet.fast.kernels.narrow import errors_below
from samenet.fast.kernels.one_pass import MOST_ROWS, WIDE_ROWS, has_step, step_in_one_pass
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
    row = row_length(widest, REGISTER // theta.itemsize)
    delta, back = empty(heap, rows * widest, theta.dtype), empty(heap, rows * row, theta.dtype)
    zeros = zeroed(heap, max(widest, sizes[0]), theta.dtype)
    used, flags = nonzero_workspace(heap, sizes, theta.itemsize)
    masks = empty(heap, (rows if dropout else 0, total - sizes[-1]), theta.dtype)
    return Workspace(H, D, masks, delta, back, zeros, used, flags, zeroed(heap, 1, np.float64), factors, squares)


def workspace_type(f):
    """The type of the workspace that `make_workspace` returns."""
    vectors, sampled = (*(f[::1],) * 2, f[:, ::1], *(f[::1],) * 3), (f[::1], float64[::1])
    return types.NamedTuple((*vectors, int32[::1], int64[::1], float64[::1], *sampled), Workspace)


@kernel()
def _ways(update, m, most, lanes, lists_inputs, lone):
    """Whether the step is taken in one pass over the weights; in place; or, in the first layer, for listed inputs.

    Otherwise, it is taken after the gradient. lone: whether the first layer has one node, see `gemm.product`.
    """
    rule = update.rule
    plain = rule.code == DESCENT and rule.clip_value == np.inf and update.l1 == 0 and update.l2 == 0
    of_theta = update.is_of_theta or lanes == 1
    can_step = update.alpha != 0 and rule.clip_norm == np.inf and m <= most
    few = m <= (WIDE_ROWS if lanes == 1 else MOST_ROWS)
    in_one_pass = can_step and of_theta and few and has_step(rule.code)
    in_place = can_step and of_theta and plain and not (in_one_pass or lone)
    return in_one_pass, in_place, can_step and plain and not of_theta and m <= GROUP_ROWS and lists_inputs


@kernel()
def _outputs(theta, P, layout, bias, cost, x, y, masks, start, scale, is_unpacked, workspace):
    """All activations of a block, and delta of the output layer; returns the sum of its costs, weighed by factors."""
    sizes, codes, (rows, n_out), target = layout[0], layout[1], y.shape, flat(y)
    H, delta, factors = workspace.H, workspace.delta, workspace.factors[start : start + len(x)]
    end = rows * nodes(sizes)[0]
    z = H[end - y.size : end]
    memory = z, workspace.D, False, workspace.zeros, workspace.back, workspace.used, workspace.flags
    forward(theta if is_unpacked else P, not is_unpacked, layout, bias, x, masks, H, *memory)
    if factors.size:
        return weigh(cost, codes[-1], z, target, n_out, scale, factors, delta)
    return apply_cost(cost, codes[-1], z, target, n_out, scale, delta, 0.0)


@kernel()
def _step_of_inputs(x, deltas, P, r, alpha, used, flags):
    """The step of the first layer's weights, in P at r, for nonzero inputs; returns whether all weights are finite."""
    (rows, n), k = x.shape, deltas.shape[1]
    if rows > rows_of_list(k, P.itemsize) or not flags[SKIPPED]:  # the list lacks some rows
        list_nonzero_columns(x, used)
    flags[STEPPED] = n * row_length(k, REGISTER // P.itemsize)
    return sparse_step(x, used, deltas, packed_matrix(P, r, n, k), alpha) and flags[FINITE] > 0


@kernel()
def _add_weights(deltas, layer_inputs, sizes, layer, lanes, r, zeros, adds, G):
    """The gradient of a layer's weights, in G at r, laid out like P: added to G, or written if not `adds`."""
    n, k = sizes[layer], sizes[layer + 1]
    if lanes == 1:
        dW = rows_at(G, r, k, n)
        product(deltas.T, layer_inputs, dW if adds else rows_at(zeros, 0, 1, n), dW)
    elif is_transposed(sizes, layer, lanes):
        dW = packed_matrix(G, r, n, k)
        product(layer_inputs.T, deltas, dW if adds else rows_at(zeros, 0, 1, k), dW)
    else:
        dW = packed_matrix(G, r, k, n)  # of few nodes
        product(deltas.T, layer_inputs, dW if adds else rows_at(zeros, 0, 1, n), dW)


@external(
    lambda f: (
        *(*(f[::1],) * 2, int64[:, ::1], boolean, int64, matrix(f), f[:, ::1], dropout_type(f), int64, float64),
        *(update_type(f), f[::1], workspace_type(f)),
    ),
    returns=float64,
    light=True,
)
def gradient(theta, P, layout, bias, cost, X, Y, dropout, first, scale, update, G, workspace):
    """G := the gradient of scale times the cost's sum over the rows of X, laid out like P.

    Returns that sum of costs. P are the packed parameters; theta's matrices after the first are read as well. With E =
    dJ/dH, delta = dJ/dZ: delta = E * f'(z); dJ/dW = delta^T H; dJ/db = the sum of delta's rows; E of the layer below =
    delta W. 6 flops for each row and weight, a third of them forward.
    dropout: see `dropout_type`; first: the number of the first of these rows among the samples of the call.
    update: the step of this update. If its alpha is not 0, it may be taken at once, by all parameters or by the weights
    of a first layer with many zeros; G is then not filled for these. A flag of the workspace tells how many they are.
    """
    H, zeros, flags = workspace.H, workspace.zeros, workspace.flags
    sizes, codes, m, alpha = layout[0], layout[1], len(X), update.alpha
    lanes, most, drops = lanes_of(sizes, P.itemsize), block_rows(m, most_rows(sizes)), dropout[1].size > 0
    lone, lists_inputs = sizes[1] == 1, workspace.used.size > 0
    in_one_pass, in_place, of_inputs = _ways(update, m, most, lanes, lists_inputs, lone)
    at_once, costs, penalties, finite = in_one_pass or in_place, 0.0, 0.0, False
    flags[STEPPED], in_order = theta.size if at_once else 0, lanes == 1 or update.is_unpacked
    if at_once and not in_order and (update.l1 or update.l2):
        penalties = penalty(P, G[:0], layout, lanes, update.l1, update.l2)
    if m == 0:  # the last batch of an epoch may have fewer rows than parts
        for i in range(G.size):
            G[i] = 0
    for start in range(0, m, most):
        x, y = X[start : start + most], Y[start : start + most]
        rows, masks = len(x), workspace.masks[: len(x) if drops else 0]
        if drops:
            fill_masks(dropout, first + start, masks)
        costs += _outputs(theta, P, layout, bias, cost, x, y, masks, start, scale, update.is_unpacked, workspace)
        squares = workspace.squares[start : start + rows]
        for s in range(squares.size):
            squares[s] = 0.0
        delta, back = workspace.delta, workspace.back
        p, r, q, column = theta.size, P.size, rows * nodes(sizes)[0], masks.shape[1]
        for layer in range(sizes.size - 2, -1, -1):
            n, k = sizes[layer], sizes[layer + 1]
            p -= k * (n + bias)
            r -= layer_length(sizes, layer, bias, lanes)
            q -= rows * k
            deltas, W = rows_at(delta, 0, rows, k), rows_at(theta, p, k, n)
            layer_inputs = rows_at(workspace.D if drops else H, q - rows * n, rows, n) if layer else x
            if bias:
                b, of_biases = p + k * n, r + matrix_length(sizes, layer, lanes)
                db = G[of_biases : of_biases + k]
                sum_of_rows(deltas, db, start == 0)
                if at_once:
                    step(theta[b : b + k], db, alpha, update.state, b, update.rule, update.t)
            if squares.size:
                _add_squares(deltas, layer_inputs, bias, squares)
            errors = rows_at(back, 0, rows if layer else 0, n)
            if in_one_pass:
                of_weights = step_in_one_pass(deltas, layer_inputs, errors, theta, p, update)
                penalties += of_weights if in_order else 0.0
            elif layer:
                errors_below(deltas, W, zeros, errors)
            if in_place:
                packed_product(deltas.T, layer_inputs, W, W, -alpha)
            elif layer == 0 and of_inputs and all_finite(delta[: rows * k]):
                finite = _step_of_inputs(x, deltas, P, r, alpha, workspace.used, flags)
            elif not in_one_pass:
                _add_weights(deltas, layer_inputs, sizes, layer, lanes, r, zeros, start > 0, G)
            if layer:
                if drops:
                    column -= n
                    apply_mask(masks, column, back, errors)
                back_through(codes[layer], H[q - rows * n : q], back[: rows * n], n)
            delta, back = back, delta
    flags[FINITE], workspace.penalty[0] = finite, penalties
    return costs


_sum_of_squares = vectorized(lambda a: (widened(a) * widened(a),))


@external(lambda f: (f[:, ::1], matrix(f), boolean, float64[::1]))
def _add_squares(delta, layer_inputs, bias, squares):
    """Each row's ||delta h^T||^2 = ||delta||^2 ||h||^2, and ||delta||^2 for biases."""
    for s in range(squares.size):
        squares[s] += _sum_of_squares(delta[s]) * (_sum_of_squares(layer_inputs[s]) + (1.0 if bias else 0.0))
