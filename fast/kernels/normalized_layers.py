"""The layers of a network with batch normalization: forward and backward, for the nodes of a block, or for all.

The statistics of a node depend on no other node. So threads share the nodes of a layer, in blocks, and wait for each
other only between layers. A thread computes a block in memory of its own, where its rows are contiguous; the
coordinator computes a whole layer where it belongs. Matrix products have the same columns, and so the same bits, in
both cases.
"""

import math
from typing import Any, NamedTuple

from numba.extending import register_jitable

from samenet.fast.kernels.activations import SOFTMAX, activate, back_through
from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.codegen.memory import empty, zeroed
from samenet.fast.kernels.codegen.microkernels import flat, rows_at
from samenet.fast.kernels.codegen.vector import REGISTER
from samenet.fast.kernels.forward import apply_mask, multiply
from samenet.fast.kernels.gemm import copied, product, sum_of_rows, transposed
from samenet.fast.kernels.narrow import errors_below
from samenet.fast.kernels.one_pass import MOST_ROWS, step_in_one_pass
from samenet.fast.kernels.packing import copy, nodes, packed_matrix, row_length
from samenet.fast.kernels.parallel import PAYS, own
from samenet.fast.kernels.steps import step
from samenet.model.functions import EPSILON

# The rows of `sums`: mean, variance, 1 / deviation; the sums of delta and of delta n; their means.
MEANS, VARIANCES, _INVERSE, _DB, _DGAMMA, _DELTA, _PRODUCT = range(7)
_BLOCKS, _FEW = 2, 64  # blocks of a layer, at most; rows up to which there is one
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


class _Own(NamedTuple):
    """A thread's memory for a block of nodes."""

    Z: Any  # weighted sums, or activations
    E: Any  # their derivatives
    N: Any  # of helpers: normalized sums
    W: Any  # weights of the layer, or of the layer above; of helpers: their gradient
    sums: Any
    zeros: Any  # one per node of the widest layer


class Task(NamedTuple):
    """A block of a layer's nodes, from `begin` to `end`; its place in the queue, and the network's memory."""

    layer: Any
    begin: Any
    end: Any
    slot: Any
    turn: Any
    blocks: Any  # of a layer
    is_coordinator: Any
    drops: Any  # whether there is dropout
    in_one_pass: Any  # whether the gradient and the step are computed in one pass over the weights


@register_jitable
def blocks_of(rows, size):
    """The most blocks of a layer for batches of this many rows and this many parameters; independent of threads."""
    return _BLOCKS if rows > _FEW and rows * size >= PAYS else 1


@kernel()
def block_of(layout, layer, itemsize, blocks, number):
    """The first node of a block of a layer, and the one after the last: some registers, or all nodes for softmax."""
    k, registers = layout[0, layer + 1], -(-layout[0, layer + 1] * itemsize // REGISTER)
    blocks = 1 if layout[1, layer + 1] == SOFTMAX else min(blocks, max(1, registers // 2))
    lanes, number = REGISTER // itemsize, min(number, blocks)
    return min(k, registers * number // blocks * lanes), min(k, registers * min(number + 1, blocks) // blocks * lanes)


@kernel()
def own_memory(heap, layout, rows, theta, blocks, is_alone):
    """A thread's memory for blocks of so many rows."""
    sizes, lanes, dtype, block, length = layout[0], REGISTER // theta.itemsize, theta.dtype, 0, 0
    for layer in range(sizes.size - 1):
        for number in range(blocks):
            begin, end = block_of(layout, layer, theta.itemsize, 1 if is_alone else blocks, number)
            block = max(block, end - begin)
            above = sizes[layer + 2] if layer + 2 < sizes.size else 0
            length = max(length, max(sizes[layer] + 1, above) * row_length(end - begin, lanes))
    _, widest = nodes(sizes)
    Z, E, N = (empty(heap, rows * block, dtype), empty(heap, rows * block, dtype), empty(heap, rows * block, dtype))
    return _Own(
        *(Z, E, N, zeroed(heap, length, dtype)),
        empty(heap, (_PRODUCT + 1, block), dtype),
        zeroed(heap, max(widest, sizes[0]), dtype),
    )


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


@external(lambda f: (*(f[:, ::1],) * 2, f[::1], f[:, ::1]), "contract")
def _back(delta, N, gamma, sums):
    """Replace dJ/dz' by dJ/dz in delta; compute dJ/dgamma and dJ/db."""
    m, k = delta.shape
    inverse, of_delta, of_product, count = sums[_INVERSE], sums[_DELTA], sums[_PRODUCT], delta.dtype.type(m)
    db, dgamma = sums[_DB], sums[_DGAMMA]
    sum_of_rows(delta, db[:k], True)
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


@kernel()
def _is_owner(task, queue, like):
    """Whether the results of a task may be written where others read them."""
    if not task.is_coordinator:  # so that these are compiled before others wait for the result
        copied(rows_at(like, 0, 0, 0), rows_at(like, 0, 0, 0))
        copy(like[:0], like[:0])
    return task.is_coordinator or own(queue, task.slot, task.turn)


@kernel()
def forward(task, theta, layout, x, shared, mine, queue):
    """The activations of a block of nodes; returns whether its task is done, and not left to another thread."""
    layer, begin, end = task.layer, task.begin, task.end
    sizes, rows, bias, width, zeros, itemsize = layout[0], len(x), layout[1, 0], end - begin, mine.zeros, theta.itemsize
    (p, q), n, k, last = _places(layout, layer), sizes[layer], sizes[layer + 1], layer == sizes.size - 2
    b, gamma, is_normalized = p + k * n, p + k * (n + bias), layout[2, layer + 1] > 0
    is_whole, masks, inputs = task.is_coordinator and width == k, task.drops and not last, x
    Z, E, N = rows_at(mine.Z, 0, rows, width), rows_at(mine.E, 0, rows, width), rows_at(mine.N, 0, rows, width)
    if is_whole:
        Z, E = rows_at(shared.H, rows * q, rows, k), rows_at(shared.D, rows * q, rows, k)
    if task.is_coordinator:
        N = rows_at(shared.N, rows * (q + begin), rows, width)
    if layer:
        inputs = rows_at(shared.D if task.drops else shared.H, rows * (q - n), rows, n)
    biases = theta[b + begin : b + end] if bias else zeros[:width]
    start = zeros[:width] if is_normalized else biases
    is_read = is_whole and rows <= (MOST_ROWS if n >= _DOTTED else _LEAST)
    if is_read:
        multiply(inputs, rows_at(theta, p, k, n), start, mine.W, Z)
    for number in range(0 if is_read else task.blocks if is_whole else 1):
        left, right = block_of(layout, layer, itemsize, task.blocks, number) if is_whole else (begin, end)
        WT = packed_matrix(mine.W, 0, n, right - left)
        transposed(rows_at(theta, p + left * n, right - left, n), WT)
        product(inputs, WT, rows_at(start, left - begin, 1, right - left), Z[:, left - begin : right - begin])
    if is_normalized:
        _by_batch(Z, theta[gamma + begin : gamma + end], biases, N, mine.sums)
    if not last:
        activate(layout[1, layer + 1], flat(Z), width)
    if masks:
        apply_mask(shared.masks[:rows], q + begin, flat(Z), E)
    if not _is_owner(task, queue, zeros):
        return False
    if not is_whole:
        copied(Z, rows_at(shared.H, rows * q, rows, k)[:, begin:end])
    if masks and not is_whole:
        copied(E, rows_at(shared.D, rows * q, rows, k)[:, begin:end])
    for row in range(_DB if is_normalized else 0):
        copy(mine.sums[row, :width], shared.sums[3 * layer + row, begin:end])
    if is_normalized and not task.is_coordinator:
        copy(flat(N), shared.N[rows * (q + begin) : rows * (q + end)])
    return True


@kernel()
def backward(task, theta, layout, x, shared, mine, queue, update):
    """dJ/dz of a block of nodes, and the gradient of their parameters, or their step; returns whether the task is done.

    In one pass, the errors of the layer below are computed with the step; otherwise, those of the block before dJ/dz.
    """
    layer, begin, end = task.layer, task.begin, task.end
    sizes, rows, bias, width, g, itemsize = layout[0], len(x), layout[1, 0], end - begin, shared.g, theta.itemsize
    (p, q), n, k, last = _places(layout, layer), sizes[layer], sizes[layer + 1], layer == sizes.size - 2
    b, gamma, is_normalized = p + k * n, p + k * (n + bias), layout[2, layer + 1] > 0
    is_whole, inputs = task.is_coordinator and width == k, x
    deltas, others = shared.delta, shared.back  # of this layer, and of the layers beside it
    if (sizes.size - layer) % 2:
        deltas, others = others, deltas
    Z, E = rows_at(mine.Z, 0, rows, width), rows_at(mine.E, 0, rows, width)
    if is_whole:
        Z, E = rows_at(shared.H, rows * q, rows, k), rows_at(deltas, 0, rows, k)
    if layer:
        inputs = rows_at(shared.D if task.drops else shared.H, rows * (q - n), rows, n)
    if last and not is_whole:
        copied(rows_at(deltas, 0, rows, k)[:, begin:end], E)
    elif not last:
        above, W = sizes[layer + 2], gamma + k * is_normalized
        for number in range(0 if task.in_one_pass else task.blocks if is_whole else 1):
            left, right = block_of(layout, layer, itemsize, task.blocks, number) if is_whole else (begin, end)
            columns = rows_at(mine.W, 0, above, right - left)
            copied(rows_at(theta, W, above, k)[:, left:right], columns)
            errors_below(rows_at(others, 0, rows, above), columns, mine.zeros, E[:, left - begin : right - begin])
        if task.drops:
            apply_mask(shared.masks[:rows], q + begin, flat(E), E)
        if not is_whole:
            copied(rows_at(shared.H, rows * q, rows, k)[:, begin:end], Z)
        back_through(layout[1, layer + 1], flat(Z), flat(E), width)
    if is_normalized:
        copy(shared.sums[3 * layer + _INVERSE, begin:end], mine.sums[_INVERSE])
        N = rows_at(shared.N, rows * (q + begin), rows, width)
        _back(E, N, theta[gamma + begin : gamma + end], mine.sums)
    elif bias:
        sum_of_rows(E, mine.sums[_DB, :width], True)
    if not task.in_one_pass:
        dW = rows_at(g, p + begin * n, width, n) if task.is_coordinator else rows_at(mine.W, 0, width, n)
        product(E.T, inputs, rows_at(mine.zeros, 0, 1, n), dW)
    if not _is_owner(task, queue, mine.zeros):
        return False
    if not task.is_coordinator:
        copy(mine.W[: width * n], g[p + begin * n : p + end * n])
    if bias:
        copy(mine.sums[_DB, :width], g[b + begin : b + end])
    if is_normalized:
        copy(mine.sums[_DGAMMA, :width], g[gamma + begin : gamma + end])
    if task.in_one_pass:
        step_in_one_pass(E, inputs, rows_at(others, 0, rows if layer else 0, n), theta, p, update)
        of_nodes = g[b : gamma + k * is_normalized]
        step(theta[b : b + of_nodes.size], of_nodes, update.alpha, update.state, b, update.rule, update.t)
    elif layer and not (last or is_whole):
        copied(E, rows_at(deltas, 0, rows, k)[:, begin:end])
    return True
