"""The gradient of few rows, from theta as it is and into the order of theta.

Nothing is packed, and nothing turned back, which for few rows takes several times as long as the products.
"""

from samenet.fast.kernels.activations import SOFTMAX, activate, back_through, needs_z, slope, value
from samenet.fast.kernels.backward import weigh
from samenet.fast.kernels.codegen.compiling import kernel
from samenet.fast.kernels.codegen.memory import empty, open_heap, zeroed
from samenet.fast.kernels.codegen.microkernels import MR, TOGETHER, dots, flat, gemv, rows_at
from samenet.fast.kernels.codegen.vector import REGISTER
from samenet.fast.kernels.gemm import product, sum_of_rows
from samenet.fast.kernels.narrow import narrow_product
from samenet.fast.kernels.packing import is_wide, nodes, row_length
from samenet.fast.kernels.penalties import penalty

_MOST_ROWS = 48  # see `most`; more where layers have many nodes of few inputs would take longer


def most(sizes, itemsize):
    """The number of rows up to which this is the sooner way; the weights of a wide network are not packed anyway."""
    return REGISTER // itemsize // 2 if is_wide(sizes) else _MOST_ROWS


@kernel()
def gradient(theta, layout, objective, X, Y, scale, g, factors=None):
    """g := the gradient of scale times the cost's sum over few rows, in the order of theta; returns the cost.

    The equations are those of `backward.gradient`. factors: of the rows. 6 flops for each row and weight.
    """
    sizes, m = layout[0], len(X)
    total, widest = nodes(sizes)
    heap, dtype = open_heap(), X.dtype
    H, Z = empty(heap, m * total, dtype), empty(heap, m * sizes[-1] if needs_z(objective[0]) else 0, dtype)
    sums = empty(heap, m * row_length(widest, REGISTER // X.itemsize), dtype)
    delta, back = empty(heap, m * widest, dtype), empty(heap, m * widest, dtype)
    zeros = zeroed(heap, max(widest, sizes[0]), dtype)
    _forward(theta, layout, X, H, Z, sums)
    h, y = H[H.size - Y.size :], flat(Y)
    slope(objective[0], layout[1, -1], h, y, sizes[-1], scale, delta)
    if factors is None:
        result = scale * value(objective[0], h, Z, y)
    else:
        result = scale * weigh(objective[0], h, Z, y, sizes[-1], factors, delta[: y.size])
    _backward(theta, layout, X, g, H, delta, back, zeros)
    if objective[1] or objective[2]:
        result += penalty(theta, g, sizes, layout[1, 0] != 0, 1, objective[1], objective[2])
    return result


@kernel()
def multiply(X, W, b, memory, out):
    """out := X W^T + b; b may be empty. memory: for the rows of out, as long as whole registers."""
    m, k = out.shape
    if m >= TOGETHER and k <= MR:  # no node is taken again
        narrow_product(X, W, rows_at(b, 0, 1, b.size), out)
        return
    z = rows_at(memory, 0, m, row_length(k, REGISTER // X.itemsize))
    if m == 1:
        gemv(W, X[0], z[0])
    else:
        for s in range(0, m, TOGETHER):
            dots(W, X[s : s + TOGETHER], z[s : s + TOGETHER])
    for s in range(m):
        for i in range(k):
            out[s, i] = z[s, i] + b[i] if b.size else z[s, i]


@kernel()
def _forward(theta, layout, X, H, Z, sums):
    """The activations of layers 2 to L, laid out as by `forward.forward`."""
    sizes, codes = layout[0], layout[1]
    p, q, m, h = 0, 0, len(X), X
    for layer in range(sizes.size - 1):
        n, k, code = sizes[layer], sizes[layer + 1], codes[layer + 1]
        b = theta[p + k * n : p + k * (n + codes[0])]
        multiply(h, rows_at(theta, p, k, n), b, sums, rows_at(H, q, m, k))
        h = rows_at(H, q, m, k)
        p += k * (n + codes[0])
        is_last = layer == sizes.size - 2
        out = H[q : q + m * k]
        if is_last and code != SOFTMAX:
            for i in range(Z.size):
                Z[i] = out[i]
        activate(code, out, k, Z if is_last else Z[:0])
        q += m * k


@kernel()
def _backward(theta, layout, X, g, H, delta, back, zeros):
    """g := the gradient, from delta of the output layer."""
    sizes, codes = layout[0], layout[1]
    m, bias = len(X), codes[0] != 0
    p, q = theta.size, H.size
    for layer in range(sizes.size - 2, -1, -1):
        n, k = sizes[layer], sizes[layer + 1]
        p -= k * (n + bias)
        q -= m * k
        deltas = rows_at(delta, 0, m, k)
        if bias:
            sum_of_rows(deltas, g[p + k * n : p + k * (n + 1)], True, False)
        layer_inputs = rows_at(H, q - m * n, m, n) if layer else X
        product(deltas.T, layer_inputs, rows_at(zeros, 0, 1, n), rows_at(g, p, k, n))
        if layer:
            product(deltas, rows_at(theta, p, k, n), rows_at(zeros, 0, 1, n), rows_at(back, 0, m, n))
            back_through(codes[layer], H[q - m * n : q], back[: m * n], n)
        delta, back = back, delta
