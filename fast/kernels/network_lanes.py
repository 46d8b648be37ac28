"""The layers of many similar networks, with one network in each lane of the registers: forward and backward.

Every sum has the same order as in `forward` and `backward`; or, for tiny networks, as in `tiny_layers`.
"""

from samenet.fast.kernels.activations import activate, back_through
from samenet.fast.kernels.codegen.compiling import kernel
from samenet.fast.kernels.codegen.generated import Register, generated
from samenet.fast.kernels.codegen.microkernels import rows_at
from samenet.fast.kernels.codegen.registers import broadcast, lanewise, load, load_first, store
from samenet.fast.kernels.gemm import transposed

_multiply_add = lanewise(lambda a, b, c: a * b + c)
plus = lanewise(lambda a, b: a + b)
_times = generated(lambda a, b: a * b, lambda vb, a, b: vb.builder.fmul(a, b), Register)  # never part of an FMA


@kernel()
def _product(width, A, B, S, C, shape):
    """C := S + A B for matrices of registers, (m, t) and (t, k); shape: (m, t, k).

    A matrix is a tuple of a vector, the index where the matrix begins, and the strides of its rows and columns; the row
    stride of S may be 0. Past the last row or column, the last one is repeated.
    """
    (a, a_0, a_row, a_column), (b, b_0, b_row, b_column), (s, s_0, s_row, s_column), (c, c_0, c_row, c_column) = (
        A,
        B,
        S,
        C,
    )
    m, t, k = shape
    for r in range(0, m, 4):
        r0, r1, r2, r3 = r, min(r + 1, m - 1), min(r + 2, m - 1), min(r + 3, m - 1)
        for i in range(0, k, 2):
            i0, i1 = i, min(i + 1, k - 1)
            left, right = s_0 + i0 * s_column, s_0 + i1 * s_column
            s00, s01 = load(width, s, left + r0 * s_row), load(width, s, right + r0 * s_row)
            s10, s11 = load(width, s, left + r1 * s_row), load(width, s, right + r1 * s_row)
            s20, s21 = load(width, s, left + r2 * s_row), load(width, s, right + r2 * s_row)
            s30, s31 = load(width, s, left + r3 * s_row), load(width, s, right + r3 * s_row)
            for term in range(t):
                b0 = load(width, b, b_0 + term * b_row + i0 * b_column)
                b1 = load(width, b, b_0 + term * b_row + i1 * b_column)
                place = a_0 + term * a_column
                number = load(width, a, place + r0 * a_row)
                s00, s01 = _multiply_add(number, b0, s00), _multiply_add(number, b1, s01)
                number = load(width, a, place + r1 * a_row)
                s10, s11 = _multiply_add(number, b0, s10), _multiply_add(number, b1, s11)
                number = load(width, a, place + r2 * a_row)
                s20, s21 = _multiply_add(number, b0, s20), _multiply_add(number, b1, s21)
                number = load(width, a, place + r3 * a_row)
                s30, s31 = _multiply_add(number, b0, s30), _multiply_add(number, b1, s31)
            left, right = c_0 + i0 * c_column, c_0 + i1 * c_column
            store(c, left + r0 * c_row, s00)
            store(c, right + r0 * c_row, s01)
            store(c, left + r1 * c_row, s10)
            store(c, right + r1 * c_row, s11)
            store(c, left + r2 * c_row, s20)
            store(c, right + r2 * c_row, s21)
            store(c, left + r3 * c_row, s30)
            store(c, right + r3 * c_row, s31)


@kernel()
def _tree_product(width, across, D, W, C, shape, tree):
    """C := D W for the backward pass of tiny networks, (m, t) and (t, k), as `registers.products` sums over t.

    These are the terms of one register of `across` numbers, whose halves are added until one is left; then the next
    register's sum is added. shape: (m, t, k); tree: memory for so many terms. Matrices: see `_product`.
    """
    (d, d_0, d_row, d_column), (w, w_0, w_row, w_column), (c, c_0, c_row, c_column) = D, W, C
    lanes, (m, t, k) = len(width), shape
    nothing = load_first(width, d, 0, 0)
    for r in range(m):
        for j in range(k):
            total = nothing
            for begin in range(0, t, across):
                for i in range(across):
                    term = nothing
                    if begin + i < t:
                        number = load(width, w, w_0 + (begin + i) * w_row + j * w_column)
                        term = _times(number, load(width, d, d_0 + r * d_row + (begin + i) * d_column))
                    store(tree, i * lanes, term)
                half = across // 2
                while half > 0:
                    for i in range(half):
                        both = plus(load(width, tree, i * lanes), load(width, tree, (i + half) * lanes))
                        store(tree, i * lanes, both)
                    half //= 2
                total = load(width, tree, 0) if begin == 0 else plus(total, load(width, tree, 0))
            store(c, c_0 + r * c_row + j * c_column, total)


@kernel()
def gather(width, A, order, epoch, start, rows, gathered, a):
    """Copy rows of A into the lanes of a, in the epoch's order for each network, or as they are."""
    lanes, n = len(width), A.shape[1]
    if order.size == 0:
        for s in range(rows):
            for j in range(n):
                store(a, (s * n + j) * lanes, broadcast(width, A[start + s], j))
        return
    for r in range(lanes):
        network = min(r, len(order) - 1)
        for s in range(rows):
            sample = A[order[network, epoch, start + s]]
            for j in range(n):
                gathered[r, s * n + j] = sample[j]
    transposed(gathered[:, : rows * n], rows_at(a, 0, rows * n, lanes))


@kernel()
def forward(width, theta, layout, rows, H, zeros):
    """The activations of hidden layers and the z of the output layer, after the input at the start of H.

    Returns the index of the output layer.
    """
    sizes, codes = layout[0], layout[1]
    lanes, p, q = len(width), 0, 0
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        W = (theta, p, lanes, n * lanes)  # W^T
        p += n * k * lanes
        start = (theta, p, 0, lanes) if codes[0] else (zeros, 0, 0, 0)
        p += codes[0] * k * lanes
        below, q = q, q + rows * n * lanes
        _product(width, (H, below, n * lanes, lanes), W, start, (H, q, k * lanes, lanes), (rows, n, k))
        if layer < sizes.size - 2:
            activate(codes[layer + 1], H[q : q + rows * k * lanes], k, zeros[:0])
    return q


@kernel()
def backward(width, across, theta, layout, rows, H, q, delta, back, tree, zeros, G, overwrite):
    """G += the gradient over some rows; G := with `overwrite`.

    delta: dJ/dz of the output layer, which begins in H at q; back: memory as long as the widest layer. across: for
    tiny networks, the lanes of the registers of `tiny_network`; 0 for others.
    """
    sizes, codes = layout[0], layout[1]
    lanes, p = len(width), theta.size
    nothing = load_first(width, theta, 0, 0)
    for layer in range(sizes.size - 2, -1, -1):
        n, k = sizes[layer], sizes[layer + 1]
        if codes[0]:
            p -= k * lanes
            for i in range(k):
                total = nothing if overwrite else load(width, G, p + i * lanes)
                for s in range(rows):
                    total = plus(total, load(width, delta, (s * k + i) * lanes))
                store(G, p + i * lanes, total)
        p -= n * k * lanes
        q -= rows * n * lanes
        if layer:
            E = (back, 0, n * lanes, lanes)
            W, D = (theta, p, n * lanes, lanes), (delta, 0, k * lanes, lanes)
            if across:
                _tree_product(width, across, D, W, E, (rows, k, n), tree)
            else:
                _product(width, D, W, (zeros, 0, 0, 0), E, (rows, k, n))
            back_through(codes[layer], H[q : q + rows * n * lanes], back[: rows * n * lanes], n)
        dW = (G, p, n * lanes, lanes)
        start = (zeros, 0, 0, 0) if overwrite else dW
        _product(width, (delta, 0, lanes, k * lanes), (H, q, n * lanes, lanes), start, dW, (k, rows, n))
        delta, back = back, delta
