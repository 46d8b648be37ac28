"""A first layer with many inputs and few nodes, as in a linear model.

Inputs fill the lanes of registers, because nodes would leave most of them empty: the layer's matrix in P is W, not W^T
(`packing`), and sums have the order of `dots`, with b added at the end.
"""

from numba.extending import register_jitable

from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.codegen.dots import dots_by_number, dots_of_few
from samenet.fast.kernels.codegen.microkernels import MR, rows_at
from samenet.fast.kernels.gemm import WIDE, matrix, product

_LEAST = 4  # inputs of a single node, as measured; for more nodes two registers, or four if they fill over half of one
_NEAR = 64  # rows that stay in a cache until all nodes are done


@register_jitable
def starts_narrow(sizes, lanes):
    """Whether the first layer is narrow: its nodes fill at most three quarters of a register of this many lanes."""
    n, k = sizes[0], sizes[1]
    return 4 * k <= 3 * lanes and n >= (_LEAST if k == 1 else 2 * lanes if 2 * k <= lanes else 4 * lanes)


@external(lambda f: (matrix(f),) * 3, light=True)
def products_of_rows(W, X, Z):
    """Z[:k, :m] := W X^T for W (k, n), X (m, n). Rows of Z are padded to whole registers, and overwritten."""
    height = -(-len(W) // -(-len(W) // MR))  # about as many in each
    for i in range(0, len(W), height):
        dots_by_number(X, W[i : i + height], Z[i : i + height])


@external(lambda f: (matrix(f),) * 4)
def narrow_product(X, W, b, Z):
    """Z := b + X W^T; X (m, n), W (k, n), b (1, k) or (1, 0), Z (m, k)."""
    for s in range(0, len(X), _NEAR):
        dots_of_few(X[s : s + _NEAR], W, b[0], Z[s : s + _NEAR])


@kernel()
def errors_below(deltas, W, zeros, errors):
    """errors := deltas W; with the deltas in the lanes for a single node below a wide layer."""
    if W.shape[1] == 1 and len(W) >= WIDE:
        narrow_product(deltas, W.T, rows_at(zeros, 0, 1, 0), errors)
    else:
        product(deltas, W, rows_at(zeros, 0, 1, W.shape[1]), errors)
