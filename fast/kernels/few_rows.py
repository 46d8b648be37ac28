"""The gradient for few rows, computed directly from theta and in the order of theta.

Nothing is packed or unpacked: for few rows, this would take several times as long as the products, and for small layers
it would cost more than it saves even for many rows.
"""

from samenet.fast.kernels.activations import back_through
from samenet.fast.kernels.codegen.compiling import kernel
from samenet.fast.kernels.codegen.memory import empty, open_heap, zeroed
from samenet.fast.kernels.codegen.microkernels import flat, rows_at
from samenet.fast.kernels.codegen.vector import REGISTER
from samenet.fast.kernels.costs import apply_cost, weigh
from samenet.fast.kernels.forward import forward_few
from samenet.fast.kernels.gemm import product, sum_of_rows
from samenet.fast.kernels.narrow import errors_below
from samenet.fast.kernels.packing import nodes, row_length
from samenet.fast.kernels.parallel import PAYS, work_of
from samenet.fast.kernels.penalties import penalty

_BLOCK = 128  # rows that pass through all layers together
_MOST_ROWS = 255  # at least, see `most`


def most(sizes, size):
    """The number of rows up to which this is faster, or as fast; size: the number of parameters.

    For more rows, packing pays; and other threads may take part, for which only work besides reading inputs counts.
    """
    return max(_MOST_ROWS, PAYS // work_of((0, *sizes[1:]), size))


@kernel()
def gradient(theta, layout, objective, X, Y, scale, g, factors=None):
    """g := the gradient of scale times the cost's sum over few rows, in the order of theta.

    Returns that cost, and whether the first node's sum of every row is finite: then so is X, since each of its numbers
    enters such a sum. The equations are those of `backward.gradient`. factors: the rows' factors; None or empty if
    there are none. 6 flops for each row and weight.
    """
    sizes, codes, (cost, l1, l2) = layout[0], layout[1], objective
    m, n_out, (total, widest) = min(len(X), _BLOCK), sizes[-1], nodes(sizes)
    row = row_length(widest, REGISTER // X.itemsize)
    heap = open_heap()
    memory = empty(heap, m * (total + max(row, 2 * widest)), X.dtype)  # one allocation is faster than several
    zeros = zeroed(heap, max(widest, sizes[0]), X.dtype)
    sums, result, finite = memory[m * total :], 0.0, True
    for start in range(0, len(X), m):
        x, y = X[start : start + m], flat(Y[start : start + m])
        H = memory[: len(x) * total]
        z = H[H.size - y.size :]
        finite &= forward_few(theta, layout, x, H, z, sums, False)
        delta, back = sums[: m * widest], sums[m * widest :]
        if factors is None or factors.size == 0:
            result += scale * apply_cost(cost, codes[-1], z, y, n_out, scale, delta, 0.0)
        else:
            result += scale * weigh(cost, codes[-1], z, y, n_out, scale, factors[start : start + m], delta)
        _backward(theta, layout, x, g, H, delta, back, zeros, start == 0)
    if l1 or l2:
        result += penalty(theta, g, layout, 1, l1, l2)
    return result, finite


@kernel()
def _backward(theta, layout, X, g, H, delta, back, zeros, overwrite):
    """g += the gradient, from delta of the output layer; g := with `overwrite`."""
    sizes, codes = layout[0], layout[1]
    m, bias = len(X), codes[0] != 0
    p, q = theta.size, H.size
    for layer in range(sizes.size - 2, -1, -1):
        n, k = sizes[layer], sizes[layer + 1]
        p -= k * (n + bias)
        q -= m * k
        deltas = rows_at(delta, 0, m, k)
        if bias:
            sum_of_rows(deltas, g[p + k * n : p + k * (n + 1)], overwrite)
        layer_inputs, dW = rows_at(H, q - m * n, m, n) if layer else X, rows_at(g, p, k, n)
        product(deltas.T, layer_inputs, rows_at(zeros, 0, 1, n) if overwrite else dW, dW)
        if layer:
            errors_below(deltas, rows_at(theta, p, k, n), zeros, rows_at(back, 0, m, n))
            back_through(codes[layer], H[q - m * n : q], back[: m * n], n)
        delta, back = back, delta
