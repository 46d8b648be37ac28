"""A first layer of many inputs and few nodes, as of a linear model: registers of inputs, where one of nodes is not full.

Its matrix is W in P, too, not W^T (see `packing`), and a sum is made as `microkernels.dots` makes it.
"""

from numba.extending import register_jitable

from samenet.fast.kernels.codegen.compiling import external
from samenet.fast.kernels.codegen.microkernels import TOGETHER, dots, on_stack
from samenet.fast.kernels.gemm import matrix

_ROWS = 64  # for which products stay in the nearest cache
_tile = on_stack(TOGETHER, _ROWS)


@register_jitable
def starts_narrow(sizes, lanes):
    """Whether the first layer is one, for registers of so many lanes: as measured."""
    return 2 * sizes[1] <= lanes and sizes[0] >= 2 * lanes


@external(lambda f: (f[:, ::1], *(matrix(f),) * 3))
def narrow_product(X, W, b, Z):
    """Z := b + X W^T; X (m, n), W (k, n), b (1, k), Z (m, k)."""
    tile, m, k = _tile(X), len(X), len(W)
    for s in range(0, m, _ROWS):
        x = X[s : s + _ROWS]
        for i in range(0, k, TOGETHER):
            w = W[i : i + TOGETHER]
            dots(x, w, tile)
            for r in range(len(x)):
                for j in range(len(w)):
                    Z[s + r, i + j] = tile[j, r] + b[0, i + j]
