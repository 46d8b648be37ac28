"""The parameters as kernels want them, and walking through the layers forward.

A kernel that works on batches takes a copy P of theta in which the matrix of a narrow layer is turned: W^T (n, k) for W
(k, n), so that the nodes of a layer are neighbours, as the lanes of a register want them; rows begin with a register,
and zeros fill the last one. A wide layer stays as it is, and `product` turns what it needs, panel by panel: in one
piece it would not stay in the cache.
"""

from functools import cache
from itertools import pairwise

import numpy as np
from numba import boolean, int32, int64, njit
from numba.extending import register_jitable

from samenet.fast.kernels import sparse
from samenet.fast.kernels.compiling import external, kernel
from samenet.fast.kernels.functions import activate, activate_here
from samenet.fast.kernels.instructions import REGISTER
from samenet.fast.kernels.machine import dots, rows_at
from samenet.fast.kernels.products import WIDE, product, transposed
from samenet.fast.kernels.sparse import SKIPPED, TOGETHER, are_finite, list_length, lists_used, skipping_sums

BLOCK = 128  # samples that go through all layers together, so that their activations stay in the cache


@kernel()
def block_rows(m):
    """The rows of a block, for m rows: all blocks alike, and no smaller rest than need be."""
    blocks = max(1, -(-m // BLOCK))
    return min(BLOCK, -(-m // (8 * blocks)) * 8)


@register_jitable
def is_turned(k):
    """Whether the matrix of a layer of k nodes is kept as W^T."""
    return k < WIDE


@register_jitable
def row_of(k, itemsize):
    """The length of a row of W^T: k numbers, and zeros up to the end of a register."""
    lanes = REGISTER // itemsize
    return -(-k // lanes) * lanes


@register_jitable
def span(n, k, bias, itemsize):
    """The length of a layer in P: rows of W^T, and one of biases; or a wide layer as it is, and zeros."""
    return (n + bias) * row_of(k, itemsize) if is_turned(k) else row_of(k * (n + bias), itemsize)


@cache
def length(sizes: tuple[int, ...], bias: bool, itemsize: int) -> int:
    """The length of P."""
    return sum(span(n, k, bias, itemsize) for n, k in pairwise(sizes))


@register_jitable
def weights_of(n, k, itemsize):
    """The length of a layer's weights in P, the zeros between them included."""
    return n * row_of(k, itemsize) if is_turned(k) else n * k


@njit(inline="always")  # into its caller, since it returns an array: see `compiling.kernel`
def matrix_of(P, p, n, k):
    """W^T (n, k) of a narrow layer at this place of P."""
    row = row_of(k, P.itemsize)
    return rows_at(P, p, n, row)[:, :k]


@external(lambda f: (f[::1], int64[::1], boolean, f[::1]))
def turn(theta, sizes, bias, P):
    """P := theta with the matrices of narrow layers turned; P has zeros where it has no numbers."""
    p = q = 0
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        if is_turned(k):
            transposed(rows_at(theta, p, k, n), matrix_of(P, q, n, k))
            biases = q + weights_of(n, k, P.itemsize)
            _copy(theta[p + k * n : p + k * (n + bias)], P[biases : biases + k])
        else:
            _copy(theta[p : p + k * (n + bias)], P[q:])
        p += k * (n + bias)
        q += span(n, k, bias, P.itemsize)


@external(lambda f: (f[::1], int64[::1], boolean, boolean, f[::1]))
def turn_back(P, sizes, bias, inner, theta):
    """theta := P turned back; with `inner`, only the matrices of narrow layers, and not that of the first layer."""
    p = q = 0
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        if is_turned(k):
            if layer or not inner:
                transposed(matrix_of(P, q, n, k), rows_at(theta, p, k, n))
            if not inner:
                _copy(P[q + weights_of(n, k, P.itemsize) :], theta[p + k * n : p + k * (n + bias)])
        elif not inner:
            _copy(P[q:], theta[p : p + k * (n + bias)])
        p += k * (n + bias)
        q += span(n, k, bias, P.itemsize)


@kernel()
def _copy(source, target):
    for i in range(min(source.size, target.size)):
        target[i] = source[i]


@kernel()
def nodes(sizes):
    """The number of nodes after the input layer, and the largest number in a layer."""
    total = widest = 0
    for layer in range(1, sizes.size):
        total += sizes[layer]
        widest = max(widest, sizes[layer])
    return total, widest


@external(lambda f: (f[::1], int64[:, ::1], f[::1], f[:, ::1], f[::1], int64, int64))
def forward_sample(theta, layout, x, room, H, s, rows):
    """The output layer for one sample, from theta as it is.

    room: two rows, each for the widest layer and a register; the answer is in the first if the number of layers is
    even, the input layer counted. Unless it is empty, H gets all layers, as those of row s of so many; see `forward`.
    Machinery is compiled into it: to call it takes as long as a small layer.
    """
    sizes, codes = layout
    p = q = 0
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        h = room[layer % 2]
        dots(rows_at(theta, p, k, n), x, h)
        p += k * n
        if codes[0]:
            b = theta[p : p + k]
            for i in range(k):
                h[i] += b[i]
            p += k
        activate_here(codes[layer + 1], h[:k], k)
        if H.size:
            for i in range(k):
                H[q + s * k + i] = h[i]
            q += rows * k
        x = h


@kernel(makes_arrays=True)
def zero_room(sizes, rows):
    """Room to list what so many rows use of the input, if it pays; and what is known of that, nothing yet."""
    worth = sizes[0] >= sparse.LEAST and is_turned(sizes[1])
    lists = np.empty((-(-rows // TOGETHER) if worth else 0, list_length(sizes[0])), np.int32)
    return lists, np.zeros(4, np.int64)


@external(
    lambda f: (f[::1], int64[:, ::1], boolean, *(f[:, ::1],) * 2, *(f[::1],) * 4, int32[:, ::1], int64[::1]),
    returns=boolean,
)
def forward(P, layout, bias, X, masks, H, D, Z, zeros, lists, known):
    """The activations of layers 2 to L for the rows of X, one layer after the other in the flat vector H.

    P is theta with narrow layers turned. With dropout masks, D is laid out like H and gets the hidden layers as the
    next layer sees them. Unless it is empty, Z gets the weighted sums of the output layer. zeros: as many as the widest
    layer. Returns whether the first sum of every row is finite: then so is X, of which each number is in it.
    lists, known: of `zero_room`; they tell afterwards whether zeros were skipped, and which inputs are used.
    """
    rows = X.shape[0]
    sizes, codes = layout
    p = q = column = 0
    seen, finite = X, True
    skips = len(lists) > 0 and lists_used(X, P[: weights_of(sizes[0], sizes[1], P.itemsize)], lists, known)
    known[SKIPPED] = skips
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        z = H[q : q + rows * k]
        biases = p + weights_of(n, k, P.itemsize)
        start = rows_at(P, biases, 1, k) if bias else rows_at(zeros, 0, 1, k)
        sums = rows_at(H, q, rows, k)
        if skips and layer == 0:
            skipping_sums(X, lists, matrix_of(P, p, n, k), start, sums)
        elif is_turned(k):
            product(seen, matrix_of(P, p, n, k), start, sums)
        else:
            product(seen, rows_at(P, p, k, n).T, start, sums)
        p += span(n, k, bias, P.itemsize)
        if layer == 0:
            finite = are_finite(sums[:, 0])
        last = layer == sizes.size - 2
        if last and Z.size:
            for i in range(z.size):
                Z[i] = z[i]
        activate(codes[layer + 1], z, k)
        seen = sums
        if masks.size and not last:
            seen = rows_at(D, q, rows, k)
            through(masks, column, z, seen)
            column += k
        q += rows * k
    return finite


@kernel()
def through(masks, column, h, out):
    """out := masks h, for the columns of the masks from this one on."""
    rows, k = out.shape
    for s in range(rows):
        mask, row = masks[s], out[s]
        for i in range(k):
            row[i] = mask[column + i] * h[s * k + i]
