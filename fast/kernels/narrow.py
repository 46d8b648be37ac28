"""A first layer with many inputs and few nodes, as in a linear model.

Inputs fill the lanes of registers, because nodes would leave most of them empty: the layer's matrix in P is W, not W^T
(`packing`), and sums have the order of `microkernels.dots`, with b added at the end.
"""

from numba import boolean
from numba.extending import register_jitable

from samenet.fast.kernels.codegen.compiling import external
from samenet.fast.kernels.codegen.loops import vectorized
from samenet.fast.kernels.codegen.microkernels import MR, dots_by_number, gemv, on_stack
from samenet.fast.kernels.codegen.vector import REGISTER
from samenet.fast.kernels.gemm import copied, matrix, transposed

_LEAST = 4  # inputs of a single node, as measured; for more nodes two registers, or four if they fill over half of one
_NEAR = 64  # rows whose products stay in the L1 cache
_LONE = 256  # bytes of a row of X up to which the gradient of a single node stays in registers in `gemm.product`
_tile = on_stack(max(REGISTER // 4, MR), _NEAR)


@register_jitable
def starts_narrow(sizes, lanes):
    """Whether the first layer is narrow: its nodes fill at most three quarters of a register of this many lanes."""
    n, k = sizes[0], sizes[1]
    return 4 * k <= 3 * lanes and n >= (_LEAST if k == 1 else 2 * lanes if 2 * k <= lanes else 4 * lanes)


@external(lambda f: (matrix(f),) * 3, light=True)
def products_of_rows(W, X, Z):
    """Z[:k, :m] := W X^T for W (k, n), X (m, n). Rows of Z are padded to whole registers, and overwritten."""
    if len(W) == 1:
        gemv(X, W[0], Z[0])
        return
    height = -(-len(W) // -(-len(W) // MR))  # about as many in each
    for i in range(0, len(W), height):
        dots_by_number(X, W[i : i + height], Z[i : i + height])


@external(lambda f: (matrix(f),) * 4)
def narrow_product(X, W, b, Z):
    """Z := b + X W^T; X (m, n), W (k, n), b (1, k) or (1, 0), Z (m, k)."""
    tile = _tile(X)
    for s in range(0, len(X), _NEAR):
        x = X[s : s + _NEAR]
        products_of_rows(W, x, tile)
        for j in range(b.shape[1]):
            for r in range(len(x)):
                tile[j, r] += b[0, j]
        if len(W) == 1:
            copied(tile[:1, : len(x)], Z[s : s + _NEAR].T)
        else:
            transposed(tile[: len(W), : len(x)], Z[s : s + _NEAR])


_add_four = vectorized(
    lambda c, x0, x1, x2, x3, d0, d1, d2, d3: (d3 * x3 + (d2 * x2 + (d1 * x1 + (d0 * x0 + c))),), stores=1
)
_add_one = vectorized(lambda c, x, d: (d * x + c,), stores=1)


@register_jitable
def is_lone(n, k, itemsize):
    """Whether `add_narrow_gradient` is faster than `gemm.product`, which returns the same bits."""
    return k == 1 and n * itemsize > _LONE


@external(lambda f: (f[::1], matrix(f), boolean, f[::1]))
def add_narrow_gradient(delta, X, overwrite, dw):
    """dw (n,) += delta^T X for the delta (m,) of a single node, X (m, n); dw := with `overwrite`. X is read once.

    Sums are in the order of the rows.
    """
    m = len(delta)
    last = m - m % 4
    if overwrite:
        for j in range(dw.size):
            dw[j] = 0
    for s in range(0, last, 4):
        _add_four(dw, X[s], X[s + 1], X[s + 2], X[s + 3], delta[s], delta[s + 1], delta[s + 2], delta[s + 3])
    for s in range(last, m):
        _add_one(dw, X[s], delta[s])
