"""Gradient and step computed together, slice by slice, while a slice's gradient is still in the cache."""

from numba import boolean, int32, int64

from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.codegen.microkernels import MR, rows_at
from samenet.fast.kernels.codegen.vector import REGISTER
from samenet.fast.kernels.gemm import WIDE, matrix, product
from samenet.fast.kernels.packing import packed_matrix, row_length
from samenet.fast.kernels.penalties import add_penalties
from samenet.fast.kernels.sparse_input import SPOILED, all_finite, sparse_gradient
from samenet.fast.kernels.steps import step, update_type

SLICES_FROM = 1 << 18  # bytes of parameters from which steps are taken slice by slice
_SLICE, _SLICE_ROWS = 1 << 12, 256  # parameters of a slice, about; its rows in a wide network, packed at once
_IN_CACHE = 1 << 11  # parameters that stay in the L1 cache with their state


@external(lambda f: (*(f[::1],) * 2, int64, update_type(f), int64[::1]))
def step_here(p, g, start, update, flags):
    """A step of parameters p, which begin at `start` in the state's rows, against g."""
    length = _IN_CACHE if update.is_new or update.checks else max(1, p.size)
    for i in range(0, p.size, length):
        values = p[i : i + length]
        begin = start + i
        if update.is_new:
            clear(update.state, begin, begin + values.size)
        step(values, g[i : i + length], update.alpha, update.state, begin, update.rule, update.t)
        if update.checks and not all_finite(values):
            flags[SPOILED] = 1


@kernel()
def clear(state, start, end):
    """Write zeros into the rows of a rule's state, from `start` to `end`."""
    for i in range(len(state)):
        row = state[i][start:end]
        for j in range(row.size):
            row[j] = 0


@kernel()
def _step_slice(p, g, start, update, flags):
    """The same for weights, with the gradient of the penalties."""
    if update.l1 or update.l2:
        add_penalties(g, p, update.l1, update.l2)
    step_here(p, g, start, update, flags)


@external(lambda f: (matrix(f), int32[::1], f[:, ::1], f[::1], int64, f[::1], boolean, update_type(f), int64[::1]))
def sparse_slices(X, used, deltas, P, r, G, at_once, update, flags):
    """Write the first layer's gradient into G, from the inputs listed in `used`; or, `at_once`, take its step by
    slices.

    For at most `GROUP_ROWS` rows.
    """
    n, k = X.shape[1], deltas.shape[1]
    row = row_length(k, REGISTER // P.itemsize)
    height = max(1, _SLICE // (row * MR)) * MR
    begin = top = 0
    while top < n:
        end = min(used[0], begin + height)
        bottom = used[1 + end] if end < used[0] else n  # includes unused rows before the next slice
        start = r + top * row
        p, g = P[start : r + bottom * row], G[0 if at_once else start :][: (bottom - top) * row]
        for i in range(g.size):
            g[i] = 0
        sparse_gradient(X, used, begin, end, top, deltas, packed_matrix(g, 0, bottom - top, k))
        if at_once:
            _step_slice(p, g, start, update, flags)
        begin, top = end, bottom


@external(lambda f: (*(matrix(f),) * 2, *(f[::1],) * 2, int64, int64, f[::1], update_type(f), int64[::1]))
def step_weights(A, B, zeros, P, r, row, G, update, flags):
    """A step of P from index r on, in rows of this length, against A B.

    Slice by slice, so that a slice's gradient is still in the cache when the step is taken.
    """
    m, k = len(A), B.shape[1]
    height = min(m, _SLICE_ROWS if row >= WIDE else -(-_SLICE // (row * MR)) * MR)
    if k < row:
        for i in range(height * row):
            G[i] = 0
    for top in range(0, m, height):
        rows = min(height, m - top)
        start = r + top * row
        p, g = P[start : start + rows * row], G[: rows * row]
        product(A[top : top + rows], B, rows_at(zeros, 0, 1, k), rows_at(G, 0, rows, row)[:, :k])
        _step_slice(p, g, start, update, flags)
