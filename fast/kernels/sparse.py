"""The first layer where most of the input is zero, as in images: zeros are skipped.

That changes nothing. A sum keeps its order, and to add 0 w to it leaves it as it is, to the bit, as long as w is
finite; where a weight, or a delta, is not, zeros count, and the caller takes `product`.
"""

import numpy as np
from numba import boolean, float64, int32, int64
from numba.core import cgutils

from samenet.fast.kernels.compiling import external, kernel
from samenet.fast.kernels.instructions import INT, LONG, REGISTER
from samenet.fast.kernels.machine import generated
from samenet.fast.kernels.products import matrix

LEAST = 128  # inputs from which it is worth to look for zeros
_SHARE = 0.4  # of inputs that are not zero, up to which skipping the others pays
_LOOKED_AT = 4  # rows, to begin with
_ACROSS = 4  # registers of columns that are kept while a row's numbers are gone through


def _places(x, index):
    """index[0] := how many numbers of x are not zero; after it, their places."""
    places = np.flatnonzero(x)
    index[0] = len(places)
    index[1 : len(places) + 1] = places


def _write_places(emit, x, index):
    """Sixteen numbers at a time, or what a register holds if that is more."""
    builder, group = emit.builder, max(16, emit.lanes)
    n = cgutils.unpack_tuple(builder, x.shape, 1)[0]
    count = emit.variable(emit.long(0))
    with emit.steps(n, group) as (j, _):
        values = []
        for start in range(0, group, emit.lanes):
            first = builder.add(j, emit.long(start))
            left = builder.sub(n, first)
            values.append(emit.load(emit.at(emit.start(x), emit.times(first, emit.size)), emit.first(left)))
        to = builder.gep(index.data, [builder.add(count.value, emit.long(1))])
        count.value = builder.add(count.value, emit.store_places(emit.others(values), to, j))
    builder.store(builder.trunc(count.value, INT), index.data)


_places = generated(_places, _write_places)


def _add_listed(x, index, P, z):
    """z += the sum over the listed places j of x[j] P[j], for P (n, k)."""
    for j in index[1 : index[0] + 1]:
        z += x[j] * P[j]


def _write_add_listed(emit, x, index, P, z):
    def panel(column, masks, through):
        places = [emit.at(emit.at(emit.start(z), column), emit.long(v * REGISTER)) for v in range(len(masks))]
        sums = [emit.variable(emit.load(place, mask)) for place, mask in zip(places, masks, strict=True)]

        def add(number, row):
            for v, (total, mask) in enumerate(zip(sums, masks, strict=True)):
                weights = emit.load(emit.at(row, emit.long(v * REGISTER)), mask)
                total.value = emit.multiply_add(number, weights, total.value)

        through(add)
        for total, place, mask in zip(sums, places, masks, strict=True):
            emit.store(total.value, place, mask)

    _write_listed(emit, x, index, P, panel)


def _spread_listed(x, index, G, delta):
    """G[j] += x[j] delta for the listed places j, for G (n, k)."""
    for j in index[1 : index[0] + 1]:
        G[j] += x[j] * delta


def _write_spread_listed(emit, x, index, G, delta):
    def panel(column, masks, through):
        start = emit.at(emit.start(delta), column)
        deltas = [emit.load(emit.at(start, emit.long(v * REGISTER)), mask) for v, mask in enumerate(masks)]

        def add(number, row):
            for v, (part, mask) in enumerate(zip(deltas, masks, strict=True)):
                place = emit.at(row, emit.long(v * REGISTER))
                emit.store(emit.multiply_add(number, part, emit.load(place, mask)), place, mask)

        through(add)

    _write_listed(emit, x, index, G, panel)


def _write_listed(emit, x, index, M, write):
    """For panels of M's columns: `write(column, masks, through)`; through(add) calls add(x[j], row j) for every j."""
    builder, (_, k), step = emit.builder, emit.pair(M.shape), emit.pair(M.strides)[0]
    count = builder.sext(builder.load(index.data), LONG)
    with emit.steps(k, _ACROSS * emit.lanes) as (i, _):
        left = builder.sub(k, i)
        registers = emit.least(
            builder.sdiv(builder.add(left, emit.long(emit.lanes - 1)), emit.long(emit.lanes)), emit.long(_ACROSS)
        )
        column = emit.times(i, emit.size)
        for across in range(1, _ACROSS + 1):
            with emit.when(registers, "==", emit.long(across)):
                last = emit.least(builder.sub(left, emit.long((across - 1) * emit.lanes)), emit.long(emit.lanes))
                masks = [None] * (across - 1) + [emit.first(last)]

                def through(add):
                    with emit.steps(count) as (c, _):
                        j = builder.sext(builder.load(builder.gep(index.data, [builder.add(c, emit.long(1))])), LONG)
                        number = emit.number_at(emit.at(emit.start(x), emit.times(j, emit.size)))
                        add(number, emit.at(emit.at(emit.start(M), emit.times(j, step)), column))

                write(column, masks, through)


_add_listed = generated(_add_listed, _write_add_listed)
_spread_listed = generated(_spread_listed, _write_spread_listed)


def _step_named(P, G, row, named, step, nothing):
    """P += step G, G := 0, in the named rows; nothing := zeros, or NaN where what is written is not finite."""
    nothing[:] = 0
    for j in named[1 : named[0] + 1]:
        p, g = P[j * row : (j + 1) * row], G[j * row : (j + 1) * row]
        p += step * g
        g[:] = 0
        nothing[~np.isfinite(p).reshape(-1, len(nothing)).all(axis=0)] = np.nan


def _write_step_named(emit, P, G, row, named, step, nothing):
    builder, step, total = emit.builder, emit.splat(step), emit.variable(emit.zero)
    with emit.steps(builder.sext(builder.load(named.data), LONG)) as (c, _):
        j = builder.sext(builder.load(builder.gep(named.data, [builder.add(c, emit.long(1))])), LONG)
        start = emit.times(builder.mul(j, row), emit.size)
        p_row, g_row = emit.at(emit.start(P), start), emit.at(emit.start(G), start)
        with emit.steps(row, emit.lanes) as (i, _):
            p, g = (emit.at(place, emit.times(i, emit.size)) for place in (p_row, g_row))
            new = emit.multiply_add(step, emit.load(g), emit.load(p))
            emit.store(new, p)
            emit.store(emit.zero, g)
            total.value = emit.multiply_add(new, emit.zero, total.value)
    emit.store(total.value, emit.start(nothing))


_step_named = generated(_step_named, _write_step_named)


@kernel("reassoc")
def are_finite(values):
    """Whether no number is NaN or infinite."""
    finite, infinity = 0, values.dtype.type(np.inf)
    for i in range(values.size):
        finite += abs(values[i]) < infinity  # counted, since the compiler makes vectors of that
    return finite == values.size


# What is known from one update to the next: places in `known`.
CLEAN, FINITE, SKIPPED = 0, 1, 2


@external(lambda f: (f[:, ::1], f[::1], int32[:, ::1], int64[::1]), returns=boolean)
def lists_zeros(X, weights, lists, known):
    """Whether to skip zeros: most of X (m, n) is zero, and all weights are finite, as far as that is not known.

    If so, lists (m or more, n + 1) gets for each row how many of its numbers are not zero, and where they are.
    """
    m, n = X.shape
    others = 0
    looked_at = min(m, _LOOKED_AT)
    for s in range(m):
        _places(X[s], lists[s])
        if s < looked_at:
            others += lists[s, 0]
            if s == looked_at - 1 and others > _SHARE * looked_at * n:
                return False
    return known[FINITE] or are_finite(weights)


@external(lambda f: (f[:, ::1], int32[:, ::1], matrix(f), f[::1], f[:, ::1]))
def skipping_sums(X, lists, P, start, Z):
    """Z := start + X P by rows; as many flops as 2 k times the numbers of X that are not zero."""
    for s in range(len(X)):
        z = Z[s]
        for i in range(z.size):
            z[i] = start[i]
        _add_listed(X[s], lists[s], P, z)


@external(lambda f: (f[:, ::1], int32[:, ::1], f[:, ::1], matrix(f)))
def skipping_gradient(X, lists, deltas, G):
    """G += X^T deltas by rows, as many flops as the same forward; deltas are finite."""
    for s in range(len(X)):
        _spread_listed(X[s], lists[s], G, deltas[s])


@external(lambda f: (f[::1], f[::1], int64, int64, int32[:, ::1], int32[::1], float64), returns=boolean)
def skipping_step(P, G, n, row, lists, union, alpha):
    """P -= alpha G, then G := 0, in those of n rows that the lists name; the others have no gradient.

    row: the length of one, whole registers. union: twice as long as there are rows, and two more: which have been seen,
    all 0 before and after; how many are named, and which. Returns whether what was written is finite.
    """
    seen, named = union[:n], union[n:]
    count = 0
    for s in range(len(lists)):
        listed = lists[s]
        for c in range(1, listed[0] + 1):
            j = listed[c]
            named[count + 1] = j
            count += 1 - seen[j]  # without a branch, which would often be guessed wrong
            seen[j] = 1
    named[0] = count
    for c in range(1, count + 1):
        seen[named[c]] = 0
    nothing = np.empty(REGISTER // P.itemsize, P.dtype)
    _step_named(P, G, row, named, P.dtype.type(-alpha), nothing)
    return are_finite(nothing)
