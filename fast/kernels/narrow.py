"""A first layer of many inputs and few nodes, as of a linear model.

Its inputs are put into registers, where nodes would leave most lanes empty: its matrix in P is W, not W^T (`packing`),
and a sum is made as `microkernels.dots` makes it, with b added at the end.
"""

from numba import boolean
from numba.extending import register_jitable

from samenet.fast.kernels.codegen.compiling import external
from samenet.fast.kernels.codegen.loops import vectorized
from samenet.fast.kernels.codegen.microkernels import TOGETHER, dots, gemv, on_stack
from samenet.fast.kernels.gemm import matrix

_LEAST = 4  # inputs of a single node, as measured; of several nodes, two registers
_NEAR = 64  # rows whose products stay in the nearest cache
_tile = on_stack(TOGETHER, _NEAR)


@register_jitable
def starts_narrow(sizes, lanes):
    """Whether the first layer is one, for registers of so many lanes: nodes fill at most half of one."""
    return 2 * sizes[1] <= lanes and sizes[0] >= (_LEAST if sizes[1] == 1 else 2 * lanes)


@external(lambda f: (matrix(f),) * 3)
def products_of_rows(W, X, Z):
    """Z[:k, :m] := W X^T for W (k, n), X (m, n). Z has room in each row for whole registers, which is written over."""
    if len(W) == 1:  # in a third less time than by `dots`
        gemv(X, W[0], Z[0])
    else:
        for i in range(0, len(W), TOGETHER):
            dots(X, W[i : i + TOGETHER], Z[i : i + TOGETHER])


@external(lambda f: (f[:, ::1], *(matrix(f),) * 3))
def narrow_product(X, W, b, Z):
    """Z := b + X W^T; X (m, n), W (k, n), b (1, k), Z (m, k)."""
    tile = _tile(X)
    for s in range(0, len(X), _NEAR):
        x = X[s : s + _NEAR]
        for i in range(0, len(W), TOGETHER):
            w = W[i : i + TOGETHER]
            products_of_rows(w, x, tile)
            for r in range(len(x)):
                for j in range(len(w)):
                    Z[s + r, i + j] = tile[j, r] + b[0, i + j]


_add_four = vectorized(
    lambda c, x0, x1, x2, x3, d0, d1, d2, d3: (d3 * x3 + (d2 * x2 + (d1 * x1 + (d0 * x0 + c))),), stores=1
)
_add_one = vectorized(lambda c, x, d: (d * x + c,), stores=1)


@external(lambda f: (f[:, ::1], f[:, ::1], boolean, matrix(f)))
def add_narrow_gradient(delta, X, anew, dW):
    """dW (k, n) += delta^T X for delta (m, k), X (m, n); or dW :=, if it begins anew. In the order of the rows."""
    m, k = delta.shape
    last = m - m % 4
    if anew:
        for i in range(k):
            row = dW[i]
            for j in range(row.size):
                row[j] = 0
    for s in range(0, last, 4):  # which stay in the nearest cache
        for i in range(k):
            d = delta[s : s + 4, i]
            _add_four(dW[i], X[s], X[s + 1], X[s + 2], X[s + 3], d[0], d[1], d[2], d[3])
    for s in range(last, m):
        for i in range(k):
            _add_one(dW[i], X[s], delta[s, i])
