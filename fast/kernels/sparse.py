"""The first layer where much of the input is zero, as in images: inputs that are zero in a group of rows are skipped.

That changes nothing. A sum keeps its order, and to add 0 w to it leaves it as it is, to the bit, as long as w is
finite; where a weight, or a delta, is not, zeros count, and the caller takes `product`.
"""

import numpy as np
from llvmlite import ir
from numba import boolean, float64, int32, int64, types
from numba.extending import register_jitable

from samenet.fast.kernels.compiling import external, kernel
from samenet.fast.kernels.instructions import INT, REGISTER
from samenet.fast.kernels.machine import COLUMNS, ROWS, generated
from samenet.fast.kernels.products import matrix, product_of

LEAST = 128  # inputs from which it is worth to look for zeros
TOGETHER = 32  # rows that share a list of inputs: a longer list for more of them, and more lists for fewer
_ROWS, _GROUP = 4, 16  # that are looked at together: rows, and neighbours in a row
_SHARE = 0.75  # of inputs that are used, up to which skipping the others pays


@register_jitable
def list_length(n):
    """The length of a list for n inputs: their count, the places, what fills a tile, and room for bits."""
    return 1 + n + ROWS + n // _GROUP + 1


def _list_used(X, used):
    """used[0] := in how many columns X has a number that is not 0; after it, their places, the last one over again."""
    places = np.flatnonzero(X.any(axis=0))
    used[0] = len(places)
    used[1 : len(places) + 1] = places
    used[len(places) + 1 : len(places) + ROWS] = used[len(places)]


def _write_list_used(emit, X, used):
    """A few rows at a time, in the order of memory: bits tell what has been found, and are listed at the end."""
    builder, (m, n), step = emit.builder, emit.pair(X.shape), emit.pair(X.strides)[0]
    limit = builder.sub(m, emit.long(1))
    bits = ir.VectorType(ir.IntType(8 * emit.size), emit.lanes)
    flags = ir.IntType(_GROUP)

    def found(j):
        place = builder.add(emit.long(1 + ROWS), builder.add(n, builder.sdiv(j, emit.long(_GROUP))))
        return builder.bitcast(builder.gep(used.data, [place]), flags.as_pointer())

    with emit.steps(n, _GROUP) as (j, _):
        builder.store(ir.Constant(flags, 0), found(j))
    with emit.steps(m, _ROWS) as (s, _):
        rows = [emit.least(builder.add(s, emit.long(r)), limit) for r in range(_ROWS)]  # past the last, it once more
        rows = [emit.at(emit.start(X), emit.times(row, step)) for row in rows]
        with emit.steps(n, _GROUP) as (j, _):
            values = []
            for start in range(0, _GROUP, emit.lanes):
                first = builder.add(j, emit.long(start))
                mask, either = emit.first(builder.sub(n, first)), ir.Constant(bits, [0] * emit.lanes)
                for row in rows:
                    numbers = emit.load(emit.at(row, emit.times(first, emit.size)), mask)
                    either = builder.or_(either, builder.bitcast(numbers, bits))
                values.append(builder.bitcast(either, emit.vector))
            others = builder.bitcast(emit.others(values), flags)
            builder.store(builder.or_(builder.load(found(j)), others), found(j))
    count = emit.variable(emit.long(0))
    with emit.steps(n, _GROUP) as (j, _):
        others = builder.bitcast(builder.load(found(j)), ir.VectorType(ir.IntType(1), _GROUP))
        to = builder.gep(used.data, [builder.add(count.value, emit.long(1))])
        count.value = builder.add(count.value, emit.store_places(others, to, j))
    last = builder.load(builder.gep(used.data, [count.value]))
    for more in range(1, ROWS):
        builder.store(last, builder.gep(used.data, [builder.add(count.value, emit.long(more))]))
    builder.store(builder.trunc(count.value, INT), used.data)


_list_used = generated(_list_used, _write_list_used)


def _step_used(X, used, deltas, P, step):
    """P[j] += step * (the sum over s of X[s, j] deltas[s]) for the used j; whether what is written is finite."""
    places = used[1 : used[0] + 1]
    P[places] += step * (X[:, places].T @ deltas)
    return bool(np.isfinite(P[places]).all())


def _write_step_used(emit, X, used, deltas, P, step):
    """In tiles of `ROWS` used places and some registers of columns.

    What fills the last tile are repetitions: as all is read before it is written, they write the same once more.
    """
    builder, (m, k), x_row = emit.builder, emit.pair(deltas.shape), emit.pair(X.strides)[0]
    d_row, p_row = emit.pair(deltas.strides)[0], emit.pair(P.strides)[0]
    step, total = emit.splat(step), emit.variable(emit.zero)
    with emit.steps(k, COLUMNS * emit.lanes) as (i, _):
        left, column = builder.sub(k, i), emit.times(i, emit.size)
        for across in range(1, COLUMNS + 1):
            last = builder.sub(left, emit.long((across - 1) * emit.lanes))
            masks = [None] * (across - 1) + [emit.first(last)]
            here = builder.icmp_signed(">", last, emit.long(0))
            if across < COLUMNS:
                here = builder.and_(here, builder.icmp_signed("<=", last, emit.long(emit.lanes)))
            with builder.if_then(here), emit.steps(emit.listed(used, emit.long(0)), ROWS) as (c, _):
                js = [emit.listed(used, builder.add(c, emit.long(1 + r))) for r in range(ROWS)]
                numbers = [emit.at(emit.start(X), emit.times(j, emit.size)) for j in js]
                rows = [emit.at(emit.at(emit.start(P), column), emit.times(j, p_row)) for j in js]
                sums = [[emit.variable(emit.zero) for _ in masks] for _ in rows]
                with emit.steps(m) as (s, _):
                    delta = emit.at(emit.at(emit.start(deltas), column), emit.times(s, d_row))
                    parts = [emit.load(emit.at(delta, emit.long(v * REGISTER)), mask) for v, mask in enumerate(masks)]
                    for number, row in zip(numbers, sums, strict=True):
                        factor = emit.number_at(emit.at(number, emit.times(s, x_row)))
                        for part, found in zip(parts, row, strict=True):
                            found.value = emit.multiply_add(factor, part, found.value)
                places = [[emit.at(row, emit.long(v * REGISTER)) for v in range(across)] for row in rows]
                for row, found_row in zip(places, sums, strict=True):
                    nothing_here = emit.zero
                    for place, mask, found in zip(row, masks, found_row, strict=True):
                        found.value = emit.multiply_add(step, found.value, emit.load(place, mask))
                        nothing_here = emit.multiply_add(found.value, emit.zero, nothing_here)
                    total.value = builder.fadd(total.value, nothing_here)
                for row, found_row in zip(places, sums, strict=True):
                    for place, mask, found in zip(row, masks, found_row, strict=True):
                        emit.store(found.value, place, mask)
    return emit.are_zero(total.value)  # 0 times what is not finite is NaN


_step_used = generated(_step_used, _write_step_used, types.boolean)


@kernel("reassoc")
def are_finite(values):
    """Whether no number is NaN or infinite."""
    finite, infinity = 0, values.dtype.type(np.inf)
    for i in range(values.size):
        finite += abs(values[i]) < infinity  # counted, since the compiler makes vectors of that
    return finite == values.size


# What is known from one update to the next, and of this one: places in `known`.
FINITE, SKIPPED, AT_ONCE, STEPPED = 0, 1, 2, 3


@external(lambda f: (f[:, ::1], f[::1], int32[:, ::1], int64[::1]), returns=boolean)
def lists_used(X, weights, lists, known):
    """Whether to skip zeros: X (m, n) has enough, or its weights may be stepped at once, which pays without a zero; and
    all weights are finite, as far as that is not known.

    If so, lists get which columns are used: one list for each `TOGETHER` rows or less.
    """
    m, n = X.shape
    for start in range(0, m, TOGETHER):
        used = lists[start // TOGETHER]
        if start == 0 and not known[AT_ONCE]:
            _list_used(X[:1], used)  # one row tells what has hardly a zero
            if used[0] > _SHARE * n:
                return False
        _list_used(X[start : start + TOGETHER], used)
        if start == 0 and not known[AT_ONCE] and used[0] > _SHARE * n:
            return False
    known[FINITE] = known[FINITE] or are_finite(weights)
    return known[FINITE] > 0


@external(lambda f: (f[:, ::1], int32[:, ::1], matrix(f), f[:, ::1], f[:, ::1]))
def skipping_sums(X, lists, P, start, Z):
    """Z := start + X P by rows; 2 k flops for each row and used input."""
    for s in range(0, len(X), TOGETHER):
        product_of(X[s : s + TOGETHER], P, start, Z[s : s + TOGETHER], lists[s // TOGETHER])


@external(lambda f: (f[:, ::1], int32[:, ::1], f[:, ::1], matrix(f), float64), returns=boolean)
def skipping_step(X, lists, deltas, P, alpha):
    """P -= alpha X^T deltas for at most `TOGETHER` rows, as many flops as the same forward; deltas are finite.

    Inputs that are not used have no gradient: their weights stay as they are. Returns whether what is written is
    finite.
    """
    return _step_used(X, lists[0], deltas, P, P.dtype.type(-alpha))
