"""The gradient of few rows, the errors of the layer below, and the step, in one pass over the weights.

For few rows, reading and writing weights and state takes longer than arithmetic. The gradient is never stored, and the
weights are read once, for both the errors and the step.
"""

import numpy as np
from numba import float64, int64, types

from samenet.fast.kernels import steps
from samenet.fast.kernels.codegen.arithmetic import clip
from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.codegen.memory import empty, open_heap, zeroed
from samenet.fast.kernels.codegen.microkernels import rows_at
from samenet.fast.kernels.codegen.stepping import stepping
from samenet.fast.kernels.codegen.vector import REGISTER
from samenet.fast.kernels.gemm import WIDE, copied, matrix, product, terms_at_once
from samenet.fast.kernels.narrow import errors_below
from samenet.fast.kernels.penalties import add_penalties, penalty_of, penalty_slope
from samenet.fast.kernels.steps import ADAM, DESCENT, NESTEROV, NUMBERS, RMSPROP, numbers_of, step, update_type

# Up to which this is faster than products of packed matrices; the same for a wide network, whose products pack
# operands; and with batch normalization.
MOST_ROWS, WIDE_ROWS, NORMALIZED_ROWS = 48, 16, 32
_GRADIENT = 1 << 11  # numbers of a gradient that take their step together
_CACHED = 1 << 14  # bytes of X, and of errors, that are passed over for every row of weights

# What happens to a gradient before its step, if there are penalties or if it is clipped; and the penalties.
_CHANGES = (
    lambda g, w, l1, l2, limit: (clip(g + l2 * w, -limit, limit), 0.5 * l2 * w * w),
    lambda g, w, l1, l2, limit: (clip(g + penalty_slope(w, l1, l2), -limit, limit), penalty_of(w, l1, l2)),
)
_descend, _move, _look_ahead = (
    stepping(rule, states, _CHANGES) for rule, states in ((steps.descent, 0), (steps.momentum, 1), (steps.nesterov, 1))
)
_scale, _adapt = (
    stepping(rule, states, _CHANGES, contract=False) for rule, states in ((steps.rmsprop, 1), (steps.adam, 2))
)


@kernel(inlined=True)
def has_step(code):
    """Whether a rule has its step here; others, such as new ones, take that of `steps`."""
    return code <= ADAM


def _types(f):
    return (*(matrix(f),) * 6, types.Tuple((int64, *(float64,) * 3)), NUMBERS)


@external(_types, returns=float64)
def _descent(delta, X, errors, W, _first, _second, changed, of):
    return _descend(delta, X, errors, *changed, W, of.step, 1.0)


@external(_types, returns=float64)
def _momentum(delta, X, errors, W, v, _second, changed, of):
    return _move(delta, X, errors, *changed, W, v, of.step, 1.0, of.beta1, of.tiny)


@external(_types, returns=float64)
def _nesterov(delta, X, errors, W, v, _second, changed, of):
    return _look_ahead(delta, X, errors, *changed, W, v, of.step, 1.0, of.beta1, of.tiny)


@external(_types, returns=float64)
def _rmsprop(delta, X, errors, W, s, _second, changed, of):
    return _scale(delta, X, errors, *changed, W, s, of.step, 1.0, of.beta2, of.rest2, of.epsilon, of.tiny)


@external(_types, returns=float64)
def _adam(delta, X, errors, W, m, v, changed, of):
    of_rule = of.beta1, of.rest1, of.beta2, of.rest2, of.factor, of.epsilon, of.tiny
    return _adapt(delta, X, errors, *changed, W, m, v, of.step, 1.0, *of_rule)


@kernel()
def _step_some(delta, X, errors, W, first, second, changed, of, code):
    """A step of some rows and columns of W; returns their penalties."""
    if code == DESCENT:
        return _descent(delta, X, errors, W, first, second, changed, of)
    if code == NESTEROV:
        return _nesterov(delta, X, errors, W, first, second, changed, of)
    if code == RMSPROP:
        return _rmsprop(delta, X, errors, W, first, second, changed, of)
    if code == ADAM:
        return _adam(delta, X, errors, W, first, second, changed, of)
    return _momentum(delta, X, errors, W, first, second, changed, of)


@kernel()
def _leaves_lanes_empty(n, itemsize):
    """Whether more than a quarter of the lanes would be idle in rows of W, which are read two registers at a time."""
    tile = 2 * REGISTER // itemsize
    return 4 * n < 3 * tile * -(-n // tile)


@kernel()
def _step_in_pieces(deltas, X, errors, theta, p, update):
    """`step_in_one_pass` for few inputs, by products and steps of vectors, in pieces that stay in the cache."""
    k, n, heap = deltas.shape[1], X.shape[1], open_heap()
    rows = max(1, _GRADIENT // n)
    memory, zeros = empty(heap, min(rows, k) * n, theta.dtype), zeroed(heap, max(n, rows), theta.dtype)
    penalties = 0.0
    if len(errors):
        errors_below(deltas, rows_at(theta, p, k, n), zeros, errors)
    for top in range(0, k, rows):
        count, q = min(rows, k - top), p + top * n
        g, w, d = memory[: count * n], theta[q : q + count * n], deltas[:, top : top + count]
        if n == 1:  # a column is a row of the transposed matrix; otherwise, all lanes but one would be idle
            product(X.T, d, rows_at(zeros, 0, 1, count), rows_at(g, 0, 1, count))
        else:
            product(d.T, X, rows_at(zeros, 0, 1, n), rows_at(g, 0, count, n))
        if update.l1 or update.l2:
            penalties += add_penalties(g, w, update.l1, update.l2)
        step(w, g, update.alpha, update.state, q, update.rule, update.t)
    return penalties


@external(lambda f: (*(matrix(f),) * 2, f[:, ::1], f[::1], int64, update_type(f)), returns=float64, light=True)
def step_in_one_pass(deltas, X, errors, theta, p, update):
    """errors := deltas W, unless it has no rows, for the matrix W at index p of theta; then the step of W.

    Returns the penalties of W before the step. The gradient is deltas^T X, with that of the penalties, and clipped.
    Errors are summed in the order of `gemm.product`.
    """
    (m, k), n, state, code = deltas.shape, X.shape[1], update.state, update.rule.code
    of, heap = numbers_of(update.rule, update.alpha, update.t, theta.itemsize), open_heap()
    l1, l2, limit = update.l1, update.l2, update.rule.clip_value
    change = 2 if l1 else 1 if l2 or limit < np.inf else 0
    if _leaves_lanes_empty(n, theta.itemsize):
        return _step_in_pieces(deltas, X, errors, theta, p, update)
    terms = terms_at_once(k) if n >= WIDE else k
    width = min(n, -(-_CACHED // (m * theta.itemsize * 64)) * 64)
    copies = k >= WIDE or terms < k  # of X and errors, side by side: rows may compete for places in the cache
    penalties, near = 0.0, empty(heap, (m + len(errors) if copies else 0, width), theta.dtype)
    for top in range(0, k, terms):
        rows, q = min(terms, k - top), p + top * n
        W = rows_at(theta, q, rows, n)
        first = rows_at(state[0], q, rows, n) if len(state) > 0 else W
        second = rows_at(state[1], q, rows, n) if len(state) > 1 else W
        for left in range(0, n, width):
            end = min(left + width, n)
            x, sums = X[:, left:end], errors[:, left:end]
            if copies:
                copied(x, near)
                x, sums = near[:m, : end - left], near[m:, : end - left]
            for s in range(len(sums)):
                sums[s, :] = 0
            given = deltas[:, top : top + rows], x, sums
            changed = W[:, left:end], first[:, left:end], second[:, left:end]
            penalties += _step_some(*given, *changed, (change, l1, l2, limit), of, code)
            if copies and top == 0:
                copied(sums, errors[:, left:end])
            for s in range(len(errors) if top else 0):
                for j in range(left, end):
                    errors[s, j] += sums[s, j - left]
    return penalties
