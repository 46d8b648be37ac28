"""Packed parameters.

Kernels for batches use packed parameters P, a copy of theta in which matrices are transposed: W^T (n, k) for W (k, n),
so that the nodes of a layer are contiguous, as the lanes of a register need them. Rows are padded with zeros to whole
registers. README.md has a picture. A wide network is not packed; P is theta itself. No W^T would stay in the cache, and
a copy would cost more than it saves; products read W where it is. For a first layer with few nodes, P holds W itself:
see `narrow`.
"""

from numba import boolean, int64, njit
from numba.extending import register_jitable

from samenet.fast.kernels.codegen.compiling import external
from samenet.fast.kernels.codegen.microkernels import rows_at
from samenet.fast.kernels.codegen.vector import REGISTER
from samenet.fast.kernels.gemm import WIDE, copied, transposed
from samenet.fast.kernels.narrow import starts_narrow


@register_jitable
def is_wide(sizes):
    """Whether most weights are in matrices with at least `WIDE` rows and columns."""
    wide = 0
    for layer in range(len(sizes) - 1):
        n, k = sizes[layer], sizes[layer + 1]
        wide += n * k if min(n, k) >= WIDE else -n * k
    return wide > 0


@register_jitable
def lanes_of(sizes, itemsize):
    """The number of which row lengths in P are multiples: a register's lanes, or 1 if P is theta."""
    return 1 if is_wide(sizes) else REGISTER // itemsize


@register_jitable
def row_length(k, lanes):
    """The length of a row of W^T: k numbers, padded to whole registers."""
    return -(-k // lanes) * lanes


@register_jitable
def is_transposed(sizes, layer, lanes):
    """Whether a layer's matrix in P is W^T: not if P is theta, nor for a first layer with few nodes."""
    return lanes > 1 and not (layer == 0 and starts_narrow(sizes, lanes))


@register_jitable
def matrix_length(sizes, layer, lanes):
    """The length of a layer's matrix in P."""
    n, k = sizes[layer], sizes[layer + 1]
    return n * row_length(k, lanes) if is_transposed(sizes, layer, lanes) else k * row_length(n, lanes)


@register_jitable
def layer_length(sizes, layer, bias, lanes):
    """The length of a layer in P: its weights, and a row of biases."""
    return matrix_length(sizes, layer, lanes) + bias * row_length(sizes[layer + 1], lanes)


@register_jitable
def total_length(sizes, bias, itemsize):
    """The length of P; 0 if it is theta."""
    length = 0
    for layer in range(0 if is_wide(sizes) else len(sizes) - 1):
        length += layer_length(sizes, layer, bias, REGISTER // itemsize)
    return length


@njit(inline="always")  # inlined, since it returns an array: see `compiling.kernel`
def packed_matrix(P, p, n, k):
    """The matrix (n, k), usually W^T, at index p of P, if P is not theta."""
    row = row_length(k, REGISTER // P.itemsize)
    return rows_at(P, p, n, row)[:, :k]


@external(lambda f: (f[::1], int64[::1], boolean))
def fill_up(P, sizes, bias):
    """Write zeros into the padding at the ends of P's rows."""
    lanes, q = lanes_of(sizes, P.itemsize), 0
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        if is_transposed(sizes, layer, lanes):
            count, width = n, k
        else:
            count, width = k, n
        row = row_length(width, lanes)
        for s in range(count if row > width else 0):
            P[q + s * row + width : q + (s + 1) * row] = 0
        q += count * row
        if bias:
            P[q + k : q + row_length(k, lanes)] = 0
            q += row_length(k, lanes)


@external(lambda f: (f[::1], int64[::1], boolean, f[::1]), light=True)
def pack(theta, sizes, bias, P):
    """P := theta with its matrices transposed, unless P is theta; the padding of P is zero already."""
    if is_wide(sizes):
        return
    fill_up(P, sizes, bias)
    lanes, p, q = REGISTER // P.itemsize, 0, 0
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        W = rows_at(theta, p, k, n)
        if is_transposed(sizes, layer, lanes):
            transposed(W, packed_matrix(P, q, n, k))
        else:
            copied(W, packed_matrix(P, q, k, n))
        p += k * n
        q += matrix_length(sizes, layer, lanes)
        if bias:
            copy(theta[p : p + k], P[q : q + k])
            p += k
            q += row_length(k, lanes)


@external(lambda f: (f[::1], int64[::1], boolean, boolean, f[::1]), light=True)
def unpack(P, sizes, bias, inner, theta):
    """theta := P, in the order of theta, unless P is theta; with `inner`, only the matrices after the first."""
    if is_wide(sizes):
        return
    lanes, p, q = REGISTER // P.itemsize, 0, 0
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        W = rows_at(theta, p, k, n)
        if is_transposed(sizes, layer, lanes):
            if layer or not inner:
                transposed(packed_matrix(P, q, n, k), W)
        elif not inner:
            copied(packed_matrix(P, q, k, n), W)
        p += k * n
        q += matrix_length(sizes, layer, lanes)
        if bias:
            if not inner:
                copy(P[q : q + k], theta[p : p + k])
            p += k
            q += row_length(k, lanes)


@external(lambda f: (f[::1], f[::1]))
def copy(source, target):
    """Copy numbers from one vector to the other, as many as the shorter has."""
    for i in range(min(source.size, target.size)):
        target[i] = source[i]


@register_jitable
def nodes(sizes):
    """The number of nodes after the input layer, and the largest number in a layer."""
    total = widest = 0
    for layer in range(1, len(sizes)):
        total += sizes[layer]
        widest = max(widest, sizes[layer])
    return total, widest
