"""The forward pass: for one sample directly from theta, for a block of samples from packed parameters."""

import numpy as np
from numba import boolean, int32, int64
from numba.extending import register_jitable

from samenet.fast.kernels import sparse_input
from samenet.fast.kernels.activations import activate, activate_here
from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.codegen.dots import TOGETHER, dots, dots_of_block, gemv
from samenet.fast.kernels.codegen.memory import empty, open_heap, zeroed
from samenet.fast.kernels.codegen.microkernels import MR, rows_at
from samenet.fast.kernels.codegen.transpose import add_product
from samenet.fast.kernels.codegen.vector import REGISTER
from samenet.fast.kernels.gemm import WIDE, begins_with_start, matrix, product, terms_at_once, transposed
from samenet.fast.kernels.narrow import narrow_product, starts_narrow
from samenet.fast.kernels.packing import (
    is_transposed,
    is_wide,
    lanes_of,
    layer_length,
    matrix_length,
    packed_matrix,
    row_length,
)
from samenet.fast.kernels.sparse_input import SKIPPED, are_finite, are_zeros_skipped, list_length, sparse_forward

BLOCK = 128  # samples that pass through all layers together, so that their activations stay in the cache
_FEW_NODES = 64  # of all layers, inputs included; see `most_rows`
_TRANSPOSING, _SINGLE = 16, 4  # rows from which transposing W pays; inputs of a single node from which not
_SHORT = 6  # registers of inputs up to which sums across lanes take longer than transposing W for a block
UNPACKED_ROWS = 48  # rows of an update up to which packing weights takes longer than its products
_DOTS, _KEPT = 64, 1 << 19  # rows whose dot products with all weights are computed together; their bytes, kept in L2


@register_jitable
def most_rows(sizes):
    """The largest number of rows of a block.

    Larger for wide layers, whose weights are then packed less often, and for few nodes, whose calls take long.
    """
    total = 0
    for n in sizes:
        total += n
    return 2 * BLOCK if is_wide(sizes) else 4 * BLOCK if total <= _FEW_NODES else BLOCK


@kernel()
def block_rows(m, most):
    """The rows of a block for m rows: blocks as equal as possible; at least 1, even if m is 0."""
    blocks = max(1, -(-m // most))
    return max(1, min(most, -(-m // (8 * blocks)) * 8))


@external(lambda f: (f[::1], int64[:, ::1], f[::1], f[:, ::1]))
def forward_sample(theta, layout, x, workspace):
    """The output layer for one sample, directly from theta.

    workspace: two rows, each as long as the widest layer and a register; the result is in the first if the number of
    layers, including the input layer, is even. What this calls is inlined, because a call takes as long as a small
    layer.
    """
    sizes, codes = layout[0], layout[1]
    p = 0
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        h = workspace[layer % 2]
        gemv(rows_at(theta, p, k, n), x, h)
        p += k * n
        if codes[0]:
            b = theta[p : p + k]
            for i in range(k):
                h[i] += b[i]
            p += k
        activate_here(codes[layer + 1], h[:k])
        x = h


@register_jitable
def _is_thin(n, k, itemsize):
    """Whether there are so few inputs that dot products would leave lanes empty."""
    return n < (_SINGLE if k == 1 else 2 * REGISTER // itemsize)


@external(lambda f: (matrix(f), f[:, ::1], *(f[::1],) * 2, f[:, ::1]))
def multiply(X, W, b, memory, out):
    """out := X W^T + b; b may be empty. memory: for W^T and b, if there are few inputs."""
    (m, k), n, lanes = out.shape, W.shape[1], REGISTER // X.itemsize
    if m > max(n, _TRANSPOSING) and _is_thin(n, k, X.itemsize):
        WT = rows_at(memory, 0, n + 1, row_length(k, lanes))[:, :k]
        transposed(W, WT)
        for i in range(k):
            WT[n, i] = b[i] if b.size else X.dtype.type(0)
        product(X, WT[:n], WT[n:], out)
        return
    if m >= TOGETHER and k <= MR:  # no node is computed twice
        narrow_product(X, W, rows_at(b, 0, 1, b.size), out)
        return
    if m <= TOGETHER:
        dots(W, X, b, out)
        return
    heap, height = open_heap(), block_rows(m, max(2 * TOGETHER, min(_DOTS, _KEPT // (n * X.itemsize))))
    copies = empty(heap, (height + MR) * row_length(n, lanes), X.dtype)
    for start in range(0, m, height):
        dots_of_block(W, X[start : start + height], b, out[start : start + height], copies)


@external(lambda f: (f[::1], int64[:, ::1], matrix(f), *(f[::1],) * 3, boolean), returns=boolean, light=True)
def forward_few(theta, layout, X, H, out, memory, activates):
    """The activations of the hidden layers for the rows of X, one after the other in the flat vector H, and the output.

    Directly from theta; a row has the same bits as one sample, except where `multiply` transposes W. out: flat; it may
    be the end of H. activates: whether out is activated, or left as sums. memory: for `multiply`. Returns whether the
    first node's sum of every row is finite: then so is X.
    """
    sizes, codes = layout[0], layout[1]
    p, q, m, h, finite = 0, 0, len(X), X, True
    for layer in range(sizes.size - 1):
        n, k, last = sizes[layer], sizes[layer + 1], layer == sizes.size - 2
        b = p + k * n
        z = out if last else H[q : q + m * k]
        sums = rows_at(z, 0, m, k)
        multiply(h, rows_at(theta, p, k, n), theta[b : b + k * codes[0]], memory, sums)
        p, q, h = b + k * codes[0], q + m * k, sums
        if layer == 0:
            finite = are_finite(h[:, 0])
        if activates or not last:
            activate(codes[layer + 1], z, k)
    return finite


@external(lambda f: (matrix(f), f[:, ::1], f[:, ::1], f[::1], f[:, ::1]), light=True)
def multiply_in_order(X, W, start, memory, out):
    """out := start + X W^T for few rows, with the bits of `product` for packed W^T. memory: as for `multiply`."""
    (m, k), n, lanes = out.shape, W.shape[1], REGISTER // X.itemsize
    width = memory.size // n // lanes * lanes  # nodes whose weights have room
    if 4 * n <= m * m and (width >= k or (width > 0 and k < WIDE)):  # transposing W pays
        for i in range(0, k, width):
            WT = rows_at(memory, 0, n, width)[:, : min(width, k - i)]
            transposed(W[i : i + width], WT)
            product(X, WT, start[:, i : i + width], out[:, i : i + width])
        return
    z = rows_at(memory, 0, m, row_length(k, lanes))
    begins, terms = begins_with_start(n, k, X.itemsize), n if k < WIDE else terms_at_once(n)
    for begin in range(0, n, terms):
        for s in range(m):
            for i in range(z.shape[1]):
                z[s, i] = start[0, i] if begins and i < k else X.dtype.type(0)
        add_product(X[:, begin : begin + terms], W[:, begin : begin + terms], z)
        for s in range(m):
            for i in range(k):
                out[s, i] = z[s, i] if begins else z[s, i] + (out[s, i] if begin else start[0, i])


@kernel()
def nonzero_workspace(heap, sizes, itemsize):
    """Memory for a list of nonzero input columns, if skipping zeros may pay; and flags, none set."""
    worth = sizes[0] >= sparse_input.LEAST and is_transposed(sizes, 0, lanes_of(sizes, itemsize))
    return empty(heap, list_length(sizes[0]) if worth else 0, np.int32), zeroed(heap, 3, np.int64)


@external(
    lambda f: (
        f[::1],
        boolean,
        int64[:, ::1],
        boolean,
        matrix(f),
        f[:, ::1],
        *(f[::1],) * 3,
        boolean,
        *(f[::1],) * 2,
        int32[::1],
        int64[::1],
    ),
    returns=boolean,
    light=True,
)
def forward(P, is_packed, layout, bias, X, masks, H, out, D, activates, zeros, memory, used, flags):
    """The activations of the hidden layers for the rows of X, one after the other in the flat vector H, and the output.

    P are the packed parameters, or theta, which few rows of a network that is not wide take as it is; the bits are the
    same. out: for the output layer, flat; it may be the end of H. With dropout masks, D is laid out like H and receives
    the masked hidden layers. activates: whether out is activated, or left as sums. zeros: one per node of the widest
    layer. Returns whether the first node's sum of every row is finite: then so is X, since each of its numbers enters
    such a sum. memory: for `multiply`, used for few rows in a wide network; empty to disable it.
    used, flags: of `nonzero_workspace`; the flags tell afterwards whether zeros were skipped.
    """
    rows, sizes, codes = len(X), layout[0], layout[1]
    p = q = column = 0
    layer_inputs, finite = X, True
    wide, of_register = is_wide(sizes), REGISTER // P.itemsize
    lanes = of_register if is_packed and not wide else 1
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        last, b = layer == sizes.size - 2, p + matrix_length(sizes, layer, lanes)
        z = out[: rows * k] if last else H[q : q + rows * k]
        start = rows_at(P, b, 1, k) if bias else rows_at(zeros, 0, 1, k)
        sums = rows_at(z, 0, rows, k)
        if layer == 0:
            flags[SKIPPED] = used.size > 0 and is_packed and are_zeros_skipped(X, sums, P[:b], used, flags)
        if layer == 0 and flags[SKIPPED]:
            sparse_forward(X, used, packed_matrix(P, p, n, k), start, sums)
        elif not is_packed and layer == 0 and starts_narrow(sizes, of_register):
            narrow_product(X, rows_at(P, p, k, n), start, sums)
        elif not is_packed:
            multiply_in_order(layer_inputs, rows_at(P, p, k, n), start, memory, sums)
        elif lanes == 1 and not (_is_thin(n, k, P.itemsize) or n < min(k, _SHORT * of_register)):
            multiply(layer_inputs, rows_at(P, p, k, n), P[b : b + k * bias], memory, sums)
        elif lanes == 1:
            product(layer_inputs, rows_at(P, p, k, n).T, start, sums)
        elif is_transposed(sizes, layer, lanes):
            product(layer_inputs, packed_matrix(P, p, n, k), start, sums)
        else:
            narrow_product(X, packed_matrix(P, p, k, n), start, sums)
        p += layer_length(sizes, layer, bias, lanes)
        if layer == 0:
            finite = are_finite(sums[:, 0])
        if activates or not last:
            activate(codes[layer + 1], z, k)
        layer_inputs = sums
        if masks.size and not last:
            layer_inputs = rows_at(D, q, rows, k)
            apply_mask(masks, column, z, layer_inputs)
            column += k
        q += rows * k
    return finite


@external(lambda f: (f[:, ::1], int64, f[::1], f[:, ::1]))
def apply_mask(masks, column, h, out):
    """out := masks h, with the columns of the masks from `column` on."""
    rows, k = out.shape
    for s in range(rows):
        mask, row = masks[s], out[s]
        for i in range(k):
            row[i] = mask[column + i] * h[s * k + i]
