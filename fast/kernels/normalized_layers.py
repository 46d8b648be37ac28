"""The layers of a network with batch normalization: forward and backward, for the nodes of a block, or for all.

The statistics of a node depend on no other node. So threads share the nodes of a layer, in blocks, and wait for each
other only between layers. A thread computes a block in memory of its own, where its rows are contiguous; a whole layer
is computed where it belongs. Matrix products have the same columns, and so the same bits, in both cases.
"""

import math
from typing import Any, NamedTuple

from numba.extending import register_jitable

from samenet.fast.kernels.activations import SOFTMAX, activate, back_through
from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.codegen.microkernels import flat, rows_at
from samenet.fast.kernels.codegen.vector import REGISTER
from samenet.fast.kernels.forward import apply_mask, multiply
from samenet.fast.kernels.gemm import copied, product, sum_of_rows, transposed
from samenet.fast.kernels.narrow import errors_below
from samenet.fast.kernels.one_pass import NORMALIZED_ROWS, step_in_one_pass
from samenet.fast.kernels.packing import copy, nodes, packed_matrix
from samenet.fast.kernels.parallel import PAYS, own, work_of
from samenet.fast.kernels.steps import step
from samenet.model.functions import EPSILON

# The rows of `sums`: mean, variance, 1 / deviation; the sums of delta and of delta n; their means.
MEANS, VARIANCES, _INVERSE, _DB, _DGAMMA, _DELTA, PRODUCT = range(7)
_BLOCKS, _FEW, _NARROW = 2, 64, 2  # blocks of a layer, at most; rows up to which there is one; registers of a block
_DOTTED, _LEAST = 64, 4  # inputs from which W is not transposed for few rows; rows up to which it is not for others


class Shared(NamedTuple):
    """The memory that threads share for an update; H, D and N hold layers 2 to L, one after the other."""

    H: Any  # activations
    D: Any  # with dropout, the activations after masking
    N: Any  # the normalized weighted sums, of normalized layers: one block of nodes after the other
    masks: Any  # with dropout, the factors of the hidden nodes, (rows, nodes)
    delta: Any  # dJ/dz of a layer
    back: Any  # the same for the layer below
    sums: Any  # three rows for each layer, see above
    g: Any  # the gradient
    x: Any  # the rows of a batch, and their targets, if they are not contiguous
    y: Any


class Own(NamedTuple):
    """A thread's memory for a block of nodes."""

    Z: Any  # weighted sums, or activations
    E: Any  # their derivatives
    N: Any  # of helpers: normalized sums
    W: Any  # weights of the layer, or of the layer above; of helpers: their gradient
    sums: Any  # see above
    zeros: Any  # one per node of the widest layer


@register_jitable
def blocks_of(rows, sizes, theta):
    """The most blocks of a layer for batches of this many rows; independent of the number of threads."""
    if rows <= _FEW or rows * work_of(sizes, theta.size) < PAYS:
        return 1
    _, widest = nodes(sizes)
    return _BLOCKS if widest * theta.itemsize > (_BLOCKS * _NARROW - 1) * REGISTER else 1


@kernel()
def block_of(layout, layer, itemsize, blocks, number):
    """The first node of a block of a layer, and the one after the last: some registers, or all nodes for softmax."""
    k, lanes = layout[0, layer + 1], REGISTER // itemsize
    if blocks == 1:  # divisions take as long as a tiny layer
        return 0, k
    registers = -(-k // lanes)
    blocks = 1 if layout[1, layer + 1] == SOFTMAX else min(blocks, max(1, registers // _NARROW))
    begin, end = registers * min(number, blocks) // blocks, registers * min(number + 1, blocks) // blocks
    return min(k, begin * lanes), min(k, end * lanes)


@external(lambda f: (f[:, ::1], *(f[::1],) * 2, *(f[:, ::1],) * 2), "contract")
def _by_batch(Z, gamma, b, N, sums):
    """Z := gamma N + b, N = (Z - mean) / sqrt(variance + EPSILON), with the statistics of each column of Z."""
    m, k = Z.shape
    means, variances, inverse = sums[MEANS], sums[VARIANCES], sums[_INVERSE]
    one, count, epsilon = Z.dtype.type(1), Z.dtype.type(m), Z.dtype.type(EPSILON)
    sum_of_rows(Z, means[:k], True)
    for i in range(k):
        means[i] /= count
        variances[i] = 0
    for s in range(m):
        z, n = Z[s], N[s]
        for i in range(k):
            n[i] = z[i] - means[i]
            variances[i] += n[i] * n[i]
    for i in range(k):
        variances[i] /= count
        inverse[i] = one / math.sqrt(variances[i] + epsilon)
    for s in range(m):
        z, n = Z[s], N[s]
        for i in range(k):
            n[i] *= inverse[i]
            z[i] = gamma[i] * n[i] + b[i]


@external(lambda f: (*(f[:, ::1],) * 2, *(f[::1],) * 4, f[:, ::1]), "contract")
def _back(delta, N, gamma, inverse, dgamma, db, sums):
    """Replace dJ/dz' by dJ/dz in delta; compute dJ/dgamma and dJ/db."""
    m, k = delta.shape
    of_delta, of_product, count = sums[_DELTA], sums[PRODUCT], delta.dtype.type(m)
    sum_of_rows(delta, db, True)
    for i in range(k):
        dgamma[i] = 0
    for s in range(m):
        row, n = delta[s], N[s]
        for i in range(k):
            dgamma[i] += row[i] * n[i]
    for i in range(k):
        of_delta[i], of_product[i] = db[i] / count, dgamma[i] / count
    for s in range(m):
        row, n = delta[s], N[s]
        for i in range(k):
            row[i] = gamma[i] * inverse[i] * (row[i] - of_delta[i] - n[i] * of_product[i])


@kernel()
def _places(layout, layer):
    """The index in theta of a layer's parameters, and the number of nodes of the layers before it, without inputs."""
    p = q = 0
    for i in range(layer):
        p += layout[0, i + 1] * (layout[0, i] + layout[1, 0] + layout[2, i + 1])
        q += layout[0, i + 1]
    return p, q


@kernel(inlined=True)
def compute(block, how, theta, layout, x, shared, mine, queue, update):
    """Forward, the activations of a block of nodes; backward, dJ/dz, and the gradient or the step of their parameters.

    In one pass, the errors of the layer below are computed with the step, and not with its dJ/dz. Returns whether the
    block is done, and not left to another thread.
    """
    (layer, begin, end, slot, turn, is_forward), (blocks, is_coordinator, drops, in_one_pass) = block, how
    sizes, rows, bias, width, zeros, itemsize = layout[0], len(x), layout[1, 0], end - begin, mine.zeros, theta.itemsize
    (p, q), n, k, last = _places(layout, layer), sizes[layer], sizes[layer + 1], layer == sizes.size - 2
    b, gamma, code, is_normalized = p + k * n, p + k * (n + bias), layout[1, layer + 1], layout[2, layer + 1] > 0
    is_whole, masks, inputs, sums, g = is_coordinator and width == k, drops and not last, x, mine.sums, shared.g
    statistics = shared.sums[3 * layer : 3 * layer + _DB]
    deltas, others = shared.delta, shared.back  # of this layer, and of the layers beside it
    if (sizes.size - layer) % 2:
        deltas, others = others, deltas
    Z, E, N = rows_at(mine.Z, 0, rows, width), rows_at(mine.E, 0, rows, width), rows_at(mine.N, 0, rows, width)
    h, of_layer = rows_at(shared.H, rows * q, rows, k), rows_at(deltas, 0, rows, k)
    if is_forward:
        of_layer = rows_at(shared.D, rows * q, rows, k)
    if is_whole:
        Z, E = h, of_layer
    if is_coordinator or not is_forward:
        N = rows_at(shared.N, rows * (q + begin), rows, width)
    if layer:
        inputs = rows_at(shared.D if drops else shared.H, rows * (q - n), rows, n)
    is_read = is_forward and blocks == 1 and rows <= (NORMALIZED_ROWS if n >= _DOTTED else _LEAST)
    biases = theta[b + begin : b + end] if bias else zeros[:width]
    start, above = zeros[:width] if is_normalized else biases, 0 if last else sizes[layer + 2]
    if is_read:
        multiply(inputs, rows_at(theta, p, k, n), start, mine.W, Z)
    elif is_forward or not (last or in_one_pass):
        for part in range(blocks if is_whole else 1):
            first, after = block_of(layout, layer, itemsize, blocks, part) if is_whole else (begin, end)
            of_part, columns = Z[:, first - begin : after - begin], after - first
            if is_forward:
                W = packed_matrix(mine.W, 0, n, columns)
                transposed(rows_at(theta, p + first * n, columns, n), W)
                product(inputs, W, rows_at(start, first - begin, 1, columns), of_part)
            else:
                W = rows_at(theta, gamma + k * is_normalized, above, k)
                if columns < k:
                    copied(W[:, first:after], rows_at(mine.W, 0, above, columns))
                    W = rows_at(mine.W, 0, above, columns)
                errors_below(rows_at(others, 0, rows, above), W, zeros, E[:, first - begin : after - begin])
    if is_forward:
        if is_normalized:
            _by_batch(Z, theta[gamma + begin : gamma + end], biases, N, statistics if is_whole else sums)
        if not last:
            activate(code, flat(Z), width)
        if masks:
            apply_mask(shared.masks[:rows], q + begin, flat(Z), E)
    else:
        if not is_whole:
            copied((of_layer if last else h)[:, begin:end], E if last else Z)
        if masks:
            apply_mask(shared.masks[:rows], q + begin, flat(E), E)
        if not last:
            back_through(code, flat(Z), flat(E), width)
        db, dgamma = sums[_DB, :width], sums[_DGAMMA, :width]
        if is_coordinator:
            db, dgamma = g[b + begin : b + end] if bias else db, g[gamma + begin : gamma + end]
        if is_normalized:
            inverse = statistics[_INVERSE, begin:end]
            _back(E, N, theta[gamma + begin : gamma + end], inverse, dgamma, db, sums)
        elif bias:
            sum_of_rows(E, db, True)
        if not in_one_pass:
            dW = rows_at(g, p + begin * n, width, n) if is_coordinator else rows_at(mine.W, 0, width, n)
            product(E.T, inputs, rows_at(zeros, 0, 1, n), dW)
    if not is_coordinator:
        copied(Z[:0], Z[:0])  # so that these are compiled before others wait for the result
        copy(zeros[:0], zeros[:0])
        if not own(queue, slot, turn):
            return False
    if is_forward:
        for row in range(_DB if is_normalized and not is_whole else 0):
            copy(sums[row, :width], statistics[row, begin:end])
        if is_normalized and not is_coordinator:
            copy(flat(N), shared.N[rows * (q + begin) : rows * (q + end)])
        if not is_whole:
            copied(Z, h[:, begin:end])
    elif not is_coordinator:
        copy(mine.W[: width * n], g[p + begin * n : p + end * n])
        if bias:
            copy(sums[_DB, :width], g[b + begin : b + end])
        if is_normalized:
            copy(sums[_DGAMMA, :width], g[gamma + begin : gamma + end])
    if not (is_whole or last) and (masks or not is_forward):
        copied(E, of_layer[:, begin:end])
    if in_one_pass and not is_forward:
        step_in_one_pass(E, inputs, rows_at(others, 0, rows if layer else 0, n), theta, p, update)
        of_nodes = g[b : gamma + k * is_normalized]
        step(theta[b : b + of_nodes.size], of_nodes, update.alpha, update.state, b, update.rule, update.t)
    return True
