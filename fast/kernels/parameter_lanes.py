"""The parameters of networks in the lanes of registers, one in each lane: DropConnect, penalties, and clipping.

Sums over a network's parameters have the order in which they are packed, as when it is trained alone.
"""

import math

import numpy as np

from samenet.fast.kernels.codegen.compiling import kernel
from samenet.fast.kernels.codegen.loops import in_lanes
from samenet.fast.kernels.codegen.microkernels import rows_at
from samenet.fast.kernels.codegen.registers import broadcast, lanewise, load, load_first, store
from samenet.fast.kernels.dropout import HALF, draw
from samenet.fast.kernels.gemm import transposed
from samenet.fast.kernels.packing import is_transposed, row_length
from samenet.fast.kernels.penalties import add_penalties, penalty_of
from samenet.fast.kernels.steps import cut, is_exact, limits_of
from samenet.fast.kernels.tiny_layers import times

_penalty = lanewise(penalty_of)
sum_in_lanes, _squares_in_lanes = in_lanes(lambda a: (a,)), in_lanes(lambda a: (a * a,))


@kernel(inlined=True)
def _matrix_in_order(width, sizes, layer, across, lanes, A, p, terms, q):
    """Copy a matrix of theta's layout from index p of A to index q of `terms`, in the order of P; returns its end.

    P has rows of whole registers of so many lanes, see `packing` or, with `across`, `tiny_layers`; or if lanes is 1, it
    is theta.
    """
    n, k, each, nothing = sizes[layer], sizes[layer + 1], len(width), load_first(width, A, 0, 0)
    is_turned = lanes > 1 and (across > 0 or is_transposed(sizes, layer, lanes))
    rows, columns = (n, k) if is_turned else (k, n)
    down, along = (1, n) if is_turned else (n, 1)
    for j in range(rows):
        for i in range(row_length(columns, lanes)):
            place = p + (j * down + i * along) * each
            store(terms, q, load(width, A, place) if i < columns else nothing)
            q += each
    return q


@kernel(inlined=True)
def mask_weights(width, layout, thresholds, factors, keys, update, drawn, masks):
    """masks := the factors of all parameters of each network for an update, as in `dropout.mask_weights`.

    thresholds, factors: of each layer. keys: of each network, or of all.
    """
    sizes, lanes, count, end = layout[0], len(width), 0, 0
    for layer in range(sizes.size - 1):
        count += sizes[layer] * sizes[layer + 1]
    for r in range(lanes if keys.size > 1 else 1):
        key, number, start = keys[min(r, keys.size - 1)] + HALF, update * count + 1, 0
        for layer in range(sizes.size - 1):
            n, k = sizes[layer], sizes[layer + 1]
            end = start + n * k
            draw(drawn[r, start:end], key, number, 1, thresholds[layer], factors[layer])
            number, start = number + n * k, end + layout[1, 0] * k
            drawn[r, end:start] = 1
    size = masks.size // lanes
    if keys.size > 1:
        transposed(drawn[:, :size], rows_at(masks, 0, size, lanes))
    for i in range(size if keys.size == 1 else 0):
        store(masks, i * lanes, broadcast(width, drawn[0], i))


@kernel(inlined=True)
def clip_each(width, layout, across, lanes, G, clip_value, clip_norm, terms, sums, factors):
    """Clip the gradient of each network, as `steps.step` does; the norm is summed in the order of P.

    lanes: see `_matrix_in_order`. terms, sums, factors: memory for twice as many numbers as P has, and for registers.
    """
    sizes, bias, p, q, each, nothing = layout[0], layout[1, 0], 0, 0, len(width), load_first(width, G, 0, 0)
    if clip_value < np.inf:
        cut(G, clip_value)
    for layer in range(sizes.size - 1):
        k = sizes[layer + 1]
        q = _matrix_in_order(width, sizes, layer, across, lanes, G, p, terms, q)
        p += sizes[layer] * k * each
        for i in range(row_length(k, lanes) if bias or across else 0):
            store(terms, q, load(width, G, p + i * each) if bias and i < k else nothing)
            q += each
        p += bias * k * each
    _squares_in_lanes(terms[:q], sums)
    of_one = terms[q : q + q // each]
    for r in range(each):
        if not is_exact(math.sqrt(sums[r]), of_one.itemsize):
            for i in range(of_one.size):
                of_one[i] = terms[i * each + r]
        largest, factors[r] = limits_of(of_one, sums[r], clip_norm)
        for i in range(r, G.size if largest != 1.0 else 0, each):
            G[i] /= largest
    factor = load(width, factors, 0)
    for i in range(0, G.size, each):
        store(G, i, times(load(width, G, i), factor))


@kernel(inlined=True)
def add_penalties_of_each(width, layout, across, lanes, theta, l1, l2, G, sums, terms, totals, values):
    """G += the gradient of the penalties, unless it is empty; values += the penalties of each network.

    They are summed in the order of P, see `_matrix_in_order`. terms, totals: memory for the terms of a layer, and for a
    sum of each.
    """
    sizes, p = layout[0], 0
    of_l1, of_l2, each = theta.dtype.type(l1), theta.dtype.type(l2), len(width)
    totals[:] = 0.0
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        end = p + n * k * each
        if G.size:
            add_penalties(G[p:end], theta[p:end], l1, l2)
        size = _matrix_in_order(width, sizes, layer, across, lanes, theta, p, terms, 0)
        for i in range(0, size, each):
            store(terms, i, _penalty(load(width, terms, i), of_l1, of_l2))
        sum_in_lanes(terms[:size], sums)
        for r in range(each):
            totals[r] += sums[r]
        p = end + layout[1, 0] * k * each
    for r in range(values.size):
        values[r] += totals[r]
