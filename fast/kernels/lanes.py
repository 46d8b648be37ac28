"""The forward pass with samples instead of nodes in the lanes of registers.

For few rows, for narrow layers, and for rows of a wide network that fill the lanes. A layer is H^T := f(W H^T + b),
with W read directly from theta. Nothing is packed, which would take longer than the products of few rows, and no lane
is idle when a layer has fewer nodes than a register has lanes. Only X and the output are transposed. Every sum has the
same order, and so the same bits, as in `forward` with packed parameters (starting with b, in the order of the inputs),
or in `narrow`.
"""

import sys
from functools import lru_cache
from itertools import pairwise

from numba import boolean, int64
from numba.extending import register_jitable

from samenet.fast.kernels.activations import SOFTMAX, activate
from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.codegen.microkernels import flat, rows_at
from samenet.fast.kernels.codegen.vector import REGISTER
from samenet.fast.kernels.gemm import product, transposed
from samenet.fast.kernels.narrow import products_of_rows, starts_narrow
from samenet.fast.kernels.packing import is_wide, nodes, row_length
from samenet.fast.kernels.sparse_input import are_finite

_ROWS = 64  # of a block
_TERMS = 256  # inputs that are transposed together, so that they stay in the L2 cache
_TRANSPOSING, _STORING = 8, 64  # nodes whose products take as long as transposing an input, and an output
_PACKING = 20  # rows whose products with a weight take as long as packing it
_FILLED = 0.95  # the share of the lanes, see `fill_lanes`
_LITTLE = 1 << 12  # multiply-adds up to which the kernels that pack weights take longer to call


@lru_cache(256)
def rows_in_lanes(sizes: tuple[int, ...], itemsize: int) -> range:
    """The numbers of rows for which samples in the lanes pay. With nodes in the lanes, weights are packed and lanes may
    be idle. A wide network, which is not packed, has inputs in the lanes for rows that do not `fill_lanes`.
    """
    if is_wide(sizes):
        return range(sys.maxsize)
    lanes = REGISTER // itemsize
    begin = 1 if starts_narrow(sizes, lanes) else 0  # a narrow first layer is not transposed
    lost, weights = 0 if begin else _TRANSPOSING * sizes[0], 0
    for layer, (n, k) in enumerate(pairwise(sizes)):
        weights += n * k
        lost -= n * (row_length(k, lanes) - k) if layer >= begin else 0
    lost += max(0, _STORING - sizes[-2]) * sizes[-1]  # if it takes longer than the last layer's products
    return range(max(_PACKING * weights // lost, _LITTLE // weights) if lost > 0 else sys.maxsize)


@register_jitable
def fill_lanes(m, sizes, itemsize):
    """Whether m rows leave so few lanes idle that a wide network is faster with samples than with inputs in them."""
    lanes = REGISTER // itemsize
    return not is_wide(sizes) or (m >= 2 * lanes and m >= _FILLED * row_length(m, lanes))


@kernel()
def lanes_length(sizes, m, like):
    """The length of the workspace of `forward_in_lanes` for m rows: inputs, and two layers."""
    return (min(_TERMS, sizes[0]) + 2 * nodes(sizes)[1]) * _block_rows(m, like.itemsize)


@kernel()
def _block_rows(m, itemsize):
    """The rows of a block for m rows: whole registers, and blocks as equal as possible."""
    blocks = max(1, -(-m // _ROWS))
    return row_length(-(-m // blocks), REGISTER // itemsize)


@external(
    lambda f: (f[::1], int64[:, ::1], f[:, ::1], f[::1], f[:, ::1], boolean, f[::1], int64), returns=boolean, light=True
)
def forward_in_lanes(theta, layout, X, workspace, out, activates, H, of):
    """out := the output layer for the rows of X, or its sums unless `activates`.

    Unless it is empty, H receives the hidden layers, one after the other, each with room for `of` rows. Returns whether
    the first node's sum of every row is finite: then so is X.
    """
    m, finite = len(X), True
    rows = _block_rows(m, X.itemsize)
    for start in range(0, m, rows):
        end = min(start + rows, m)
        finite &= _forward_block(theta, layout, X[start:end], workspace, out[start:end], activates, H, start, of)
    return finite


@external(lambda f: (f[::1], f[:, ::1], boolean))
def _begin(b, sums, adds):
    """sums := b, or 0, for all samples and the padding, to which f is applied as well; or sums += these if `adds`."""
    for i in range(len(sums)):
        first = b[i] if b.size else sums.dtype.type(0)
        for r in range(sums.shape[1]):
            sums[i, r] = first + sums[i, r] if adds else first


@kernel()
def _forward_block(theta, layout, X, workspace, out, activates, H, s, m):
    """The same for some of the m rows, starting with row s."""
    sizes, codes = layout[0], layout[1]
    bias, (_, widest) = codes[0], nodes(sizes)
    rows, terms = len(X), min(_TERMS, sizes[0])
    row = row_length(rows, REGISTER // X.itemsize)
    inputs, finite, p, q = rows_at(workspace, 0, terms, row), True, 0, 0
    narrow = starts_narrow(sizes, REGISTER // X.itemsize)
    for layer in range(sizes.size - 1):
        n, k, code = sizes[layer], sizes[layer + 1], codes[layer + 1]
        place, other = (terms + layer % 2 * widest) * row, (terms + (layer + 1) % 2 * widest) * row
        W, sums = rows_at(theta, p, k, n), rows_at(workspace, place, k, row)[:, :rows]
        z = workspace[place : place + k * row]
        p += k * n
        _begin(theta[p : p + k * bias], rows_at(z, 0, k, row), False)
        if layer == 0 and narrow:
            products_of_rows(W, X, sums)
            _begin(theta[p : p + k * bias], rows_at(z, 0, k, row), True)
        elif layer == 0:
            for start in range(0, n, terms):
                count = min(terms, n - start)
                transposed(X[:, start : start + count], inputs)
                product(W[:, start : start + count], inputs[:count, :rows], sums, sums)
        else:
            product(W, rows_at(workspace, other, n, row)[:, :rows], sums, sums)
        if layer == 0:
            finite = are_finite(sums[0])
        p += k * bias
        if layer == sizes.size - 2:
            transposed(sums, out)
            if activates:
                activate(code, flat(out), k)
            return finite
        if code == SOFTMAX:  # which needs the nodes of a sample side by side
            transposed(sums, rows_at(workspace, other, rows, k))
            activate(code, workspace[other : other + rows * k], k)
            transposed(rows_at(workspace, other, rows, k), sums)
        else:
            activate(code, z, k)
        if H.size:
            transposed(sums, rows_at(H, q + s * k, rows, k))
            q += m * k
    return finite
