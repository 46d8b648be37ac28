"""Forward with samples, not nodes, in the lanes of registers: for few rows, and for narrow layers.

A layer is H^T := f(W H^T + b), with W as it is in theta: nothing is packed, which for few rows takes longer than the
products, and no lane is idle because a layer has fewer nodes than a register lanes. Only X is transposed, and the
output. Every sum is made as in `forward`, from b on in the order of the inputs, or as in `narrow`: with the same bits.
"""

from numba import boolean, int64
from numba.extending import register_jitable

from samenet.fast.kernels.activations import SOFTMAX, activate
from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.codegen.microkernels import flat, rows_at
from samenet.fast.kernels.codegen.vector import REGISTER
from samenet.fast.kernels.gemm import matrix, product, transposed
from samenet.fast.kernels.narrow import products_of_rows, starts_narrow
from samenet.fast.kernels.packing import copy, nodes, row_length
from samenet.fast.kernels.sparse_input import are_finite

FEW = 128  # rows up to which packing the weights takes longer than it saves
_ROWS = 64  # of a block
_TERMS = 256  # inputs that are transposed together, so that they stay in the second cache
_TRANSPOSING = 16  # nodes whose products take as long as transposing an input


@register_jitable
def is_narrow(sizes, itemsize):
    """Whether samples in the lanes pay for any number of rows: with nodes, more time is lost in lanes that are idle.

    A layer of one register of nodes takes about as long as one of two, as it has too few sums at once.
    """
    lanes = REGISTER // itemsize
    begin = 1 if starts_narrow(sizes, lanes) else 0  # then nothing is transposed
    lost = 0 if begin else -_TRANSPOSING * sizes[0]
    for layer in range(begin, len(sizes) - 1):
        n, k = sizes[layer], sizes[layer + 1]
        lost += n * (max(2 * lanes, row_length(k, lanes)) - k)
    return lost > 0 or (begin == 1 and len(sizes) == 2)


@kernel()
def lanes_length(sizes, m, like):
    """The length of the memory for `forward_in_lanes` of so many rows: inputs, and two layers."""
    _, widest = nodes(sizes)
    return (min(_TERMS, sizes[0]) + 2 * widest) * _block_rows(m, like.itemsize)


@kernel()
def _block_rows(m, itemsize):
    """The rows of a block, for m rows: of whole registers, and about as many in each."""
    blocks = max(1, -(-m // _ROWS))
    return row_length(-(-m // blocks), REGISTER // itemsize)


@external(lambda f: (f[::1], int64[:, ::1], f[:, ::1], f[::1], f[:, ::1], f[::1], f[::1]), returns=boolean, light=True)
def forward_in_lanes(theta, layout, X, workspace, out, Z, H):
    """out := the output layer for the rows of X.

    Unless it is empty, Z gets what `value` is told of the output layer; and H the hidden layers, one after the other.
    Returns whether the first sum of every row is finite: then so is X.
    """
    m, k, finite = len(X), out.shape[1], True
    rows = _block_rows(m, X.itemsize)
    for start in range(0, m, rows):
        end = min(start + rows, m)
        z = Z[start * k : end * k] if Z.size else Z
        finite &= _forward_block(theta, layout, X[start:end], workspace, out[start:end], z, H, start, m)
    return finite


@external(lambda f: (f[::1], f[:, ::1]))
def _begin(b, sums):
    """sums := b, or 0, for all samples, and past the last one: f is taken of all."""
    for i in range(len(sums)):
        first = b[i] if b.size else sums.dtype.type(0)
        for r in range(sums.shape[1]):
            sums[i, r] = first


@external(lambda f: (f[::1], matrix(f)))
def _add(b, sums):
    """sums += b; or 0, which makes 0 of -0."""
    for i in range(len(sums)):
        more = b[i] if b.size else sums.dtype.type(0)
        for r in range(sums.shape[1]):
            sums[i, r] += more


@kernel()
def _forward_block(theta, layout, X, workspace, out, Z, H, s, m):
    """The same for some of the rows, of m those from s on."""
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
        _begin(theta[p : p + k * bias], rows_at(z, 0, k, row))
        if layer == 0 and narrow:
            products_of_rows(W, X, sums)
            _add(theta[p : p + k * bias], sums)
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
            h = flat(out)
            if Z.size and code != SOFTMAX:
                copy(h, Z)
            activate(code, h, k, Z)
            return finite
        if code == SOFTMAX:  # which wants the nodes of a sample side by side
            transposed(sums, rows_at(workspace, other, rows, k))
            activate(code, workspace[other : other + rows * k], k, Z[:0])
            transposed(rows_at(workspace, other, rows, k), sums)
        else:
            activate(code, z, k, Z[:0])
        if H.size:
            transposed(sums, rows_at(H, q + s * k, rows, k))
            q += m * k
    return finite
