"""The parameters as kernels want them.

A kernel that works on batches takes packed parameters P, a copy of theta in which matrices are transposed: W^T (n, k)
for W (k, n), so that the nodes of a layer are neighbours, as the lanes of a register want them; rows begin with a
register, and zeros fill the last one. README.md has a picture. A wide network is not packed, P is theta itself: no
W^T would stay in the cache, and a copy costs more than it saves; `gemm` packs what it needs, panel by panel. A first
layer of few nodes is W in P, too: see `narrow`.
"""

from functools import cache

from numba import boolean, int64, njit
from numba.extending import register_jitable

from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.codegen.microkernels import rows_at
from samenet.fast.kernels.codegen.vector import REGISTER
from samenet.fast.kernels.gemm import WIDE, copied, transposed
from samenet.fast.kernels.narrow import starts_narrow


@register_jitable
def is_wide(sizes):
    """Whether most weights are in matrices with `WIDE` rows and columns or more."""
    wide = 0
    for layer in range(len(sizes) - 1):
        n, k = sizes[layer], sizes[layer + 1]
        wide += n * k if min(n, k) >= WIDE else -n * k
    return wide > 0


@register_jitable
def lanes_of(sizes, itemsize):
    """Of how many numbers the length of a row of P is a multiple: of a register's, or 1 if P is theta."""
    return 1 if is_wide(sizes) else REGISTER // itemsize


@register_jitable
def row_length(k, lanes):
    """The length of a row of W^T: k numbers, and zeros up to the end of a register."""
    return -(-k // lanes) * lanes


@register_jitable
def is_turned(sizes, layer, lanes):
    """Whether a layer's matrix in P is W^T: not where P is theta, nor for a first layer of few nodes."""
    return lanes > 1 and not (layer == 0 and starts_narrow(sizes, lanes))


@register_jitable
def matrix_length(sizes, layer, lanes):
    """The length of a layer's matrix in P."""
    n, k = sizes[layer], sizes[layer + 1]
    return n * row_length(k, lanes) if is_turned(sizes, layer, lanes) else k * row_length(n, lanes)


@register_jitable
def layer_length(sizes, layer, bias, lanes):
    """The length of a layer in P: its weights, and a row of biases."""
    return matrix_length(sizes, layer, lanes) + bias * row_length(sizes[layer + 1], lanes)


@cache
def total_length(sizes: tuple[int, ...], bias: bool, itemsize: int) -> int:
    """The length of P; 0 if it is theta."""
    if is_wide(sizes):
        return 0
    lanes = lanes_of(sizes, itemsize)
    return sum(layer_length(sizes, layer, bias, lanes) for layer in range(len(sizes) - 1))


@njit(inline="always")  # into its caller, since it returns an array: see `compiling.kernel`
def packed_matrix(P, p, n, k):
    """A matrix (n, k), usually W^T, at this place of P, if that is not theta."""
    row = row_length(k, REGISTER // P.itemsize)
    return rows_at(P, p, n, row)[:, :k]


@external(lambda f: (f[::1], int64[::1], boolean))
def fill_up(P, sizes, bias):
    """Zeros where P has no numbers: at the ends of rows."""
    lanes, q = lanes_of(sizes, P.itemsize), 0
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        if is_turned(sizes, layer, lanes):
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
    """P := theta with its matrices transposed, unless P is theta; P has zeros where it has no numbers."""
    if is_wide(sizes):
        return
    fill_up(P, sizes, bias)
    lanes, p, q = REGISTER // P.itemsize, 0, 0
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        W = rows_at(theta, p, k, n)
        if is_turned(sizes, layer, lanes):
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
    """theta := P in its own order, unless P is theta; with `inner`, only the matrices, and not the first layer's."""
    if is_wide(sizes):
        return
    lanes, p, q = REGISTER // P.itemsize, 0, 0
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        W = rows_at(theta, p, k, n)
        if is_turned(sizes, layer, lanes):
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
    """Numbers of one vector to the other, as many as both have."""
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
