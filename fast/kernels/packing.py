"""The parameters as kernels want them.

A kernel that works on batches takes packed parameters P, a copy of theta in which the matrix of a narrow layer is
transposed: W^T (n, k) for W (k, n), so that the nodes of a layer are neighbours, as the lanes of a register want them;
rows begin with a register, and zeros fill the last one. A wide layer stays as it is, and `gemm` packs what it needs,
panel by panel: in one piece it would not stay in the cache. README.md has a picture.
"""

from functools import cache
from itertools import pairwise

from numba import boolean, int64, njit
from numba.extending import register_jitable

from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.codegen.microkernels import rows_at
from samenet.fast.kernels.codegen.vector import REGISTER
from samenet.fast.kernels.gemm import WIDE, transposed


@register_jitable
def is_packed(k):
    """Whether the matrix of a layer of k nodes is kept as W^T."""
    return k < WIDE


@register_jitable
def row_length(k, itemsize):
    """The length of a row of W^T: k numbers, and zeros up to the end of a register."""
    lanes = REGISTER // itemsize
    return -(-k // lanes) * lanes


@register_jitable
def layer_length(n, k, bias, itemsize):
    """The length of a layer in P: rows of W^T, and one of biases; or a wide layer as it is, and zeros."""
    return (n + bias) * row_length(k, itemsize) if is_packed(k) else row_length(k * (n + bias), itemsize)


@cache
def total_length(sizes: tuple[int, ...], bias: bool, itemsize: int) -> int:
    """The length of P."""
    return sum(layer_length(n, k, bias, itemsize) for n, k in pairwise(sizes))


@register_jitable
def weights_length(n, k, itemsize):
    """The length of a layer's weights in P, the zeros between them included."""
    return n * row_length(k, itemsize) if is_packed(k) else n * k


@njit(inline="always")  # into its caller, since it returns an array: see `compiling.kernel`
def packed_matrix(P, p, n, k):
    """W^T (n, k) of a narrow layer at this place of P."""
    row = row_length(k, P.itemsize)
    return rows_at(P, p, n, row)[:, :k]


@external(lambda f: (f[::1], int64[::1], boolean, f[::1]))
def pack(theta, sizes, bias, P):
    """P := theta with the matrices of narrow layers turned; P has zeros where it has no numbers."""
    p = q = 0
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        if is_packed(k):
            transposed(rows_at(theta, p, k, n), packed_matrix(P, q, n, k))
            biases = q + weights_length(n, k, P.itemsize)
            _copy(theta[p + k * n : p + k * (n + bias)], P[biases : biases + k])
        else:
            _copy(theta[p : p + k * (n + bias)], P[q:])
        p += k * (n + bias)
        q += layer_length(n, k, bias, P.itemsize)


@external(lambda f: (f[::1], int64[::1], boolean, boolean, f[::1]))
def unpack(P, sizes, bias, inner, theta):
    """theta := P turned back; with `inner`, only the matrices of narrow layers, and not that of the first layer."""
    p = q = 0
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        if is_packed(k):
            if layer or not inner:
                transposed(packed_matrix(P, q, n, k), rows_at(theta, p, k, n))
            if not inner:
                _copy(P[q + weights_length(n, k, P.itemsize) :], theta[p + k * n : p + k * (n + bias)])
        elif not inner:
            _copy(P[q:], theta[p : p + k * (n + bias)])
        p += k * (n + bias)
        q += layer_length(n, k, bias, P.itemsize)


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
