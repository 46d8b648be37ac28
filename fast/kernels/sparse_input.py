"""The first layer if much of the input is zero, as in images: inputs that are zero in a group of rows are skipped.

The result is bit-identical: a sum keeps its order, and adding 0 w does not change it if w is finite. If a weight or a
delta is not finite, zeros matter, and the caller uses `product`.
"""

import numpy as np
from llvmlite import ir
from numba import boolean, float64, int32, int64, types
from numba.core import cgutils
from numba.extending import register_jitable

from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.codegen.generated import generated
from samenet.fast.kernels.codegen.microkernels import MR, NR
from samenet.fast.kernels.codegen.vector import INT, LONG, REGISTER
from samenet.fast.kernels.gemm import matrix, product_indexed

LEAST = 128  # inputs from which searching for zeros pays
GROUP_ROWS = 32  # rows of an update up to which its step is computed from a list of the inputs in use
_LIST_ROWS = 8, 4  # sharing a list, for one register of nodes and for more: few, but enough sums in flight
_LOOKED_AT, _GROUP = 4, 16  # examined together: rows, and adjacent inputs
_SHARE = 0.75  # of inputs in use up to which skipping the others pays


@register_jitable
def list_length(n):
    """The length of a list for n inputs: the count, the indices, and padding that may be overwritten."""
    return 1 + n + _GROUP


@register_jitable
def rows_of_list(k, itemsize):
    """The number of rows that share a list: with more rows, a list is longer; with fewer, there are more lists."""
    return _LIST_ROWS[0] if k * itemsize <= REGISTER else _LIST_ROWS[1]


def _list_nonzero_columns(X, used):
    """used[0] := the number of nonzero columns of X, followed by their indices, of which the last is repeated."""
    places = np.flatnonzero(X.any(axis=0))
    used[0] = len(places)
    used[1 : len(places) + 1] = places
    used[len(places) + 1 : len(places) + MR] = used[len(places)]


def _write_places(vb, mask, pointer, first):
    """Store the indices of a mask's set lanes at an address, as int32, plus `first`; returns their number.

    With AVX-512 they are compressed in a register, which is stored as a whole: a compressing store is also one
    instruction, but takes 15 times as long on some processors.
    """
    builder, count = vb.builder, mask.type.count
    counted = ir.Constant(ir.VectorType(INT, count), list(range(count)))
    places = builder.add(counted, vb.broadcast(builder.trunc(first, INT), count))
    if REGISTER == 64:
        places = vb.call(f"llvm.x86.avx512.mask.compress.v{count}i32", counted.type, [places, places, mask])
        builder.store(places, builder.bitcast(pointer, counted.type.as_pointer())).align = 4
    else:
        vb.call(f"llvm.masked.compressstore.v{count}i32", ir.VoidType(), [places, pointer, mask])
    return vb.call("llvm.ctpop.i64", LONG, [builder.zext(builder.bitcast(mask, ir.IntType(count)), LONG)])


def _write_list_nonzero_columns(vb, X, used):
    """A group of adjacent inputs at a time, in all rows."""
    builder, (m, n), step = vb.builder, vb.pair(X.shape), vb.pair(X.strides)[0]
    bits, starts = ir.VectorType(ir.IntType(8 * vb.size), vb.lanes), range(0, _GROUP, vb.lanes)
    limit = builder.sub(m, vb.long(1))
    first = [vb.at(vb.start(X), vb.times(step, vb.minimum(vb.long(r), limit))) for r in range(_LOOKED_AT)]
    count = vb.variable(vb.long(0))

    def look(j, masks):
        either = [vb.variable(ir.Constant(bits, [0] * vb.lanes)) for _ in masks]

        def at_row(row):
            for start, mask, found in zip(starts, masks, either, strict=True):
                place = vb.at(row, vb.times(builder.add(j, vb.long(start)), vb.size))
                numbers = builder.bitcast(vb.load(place, mask), bits)
                found.value = builder.or_(found.value, numbers)

        for row in first:
            at_row(row)
        with vb.for_range(vb.maximum(builder.sub(m, vb.long(_LOOKED_AT)), vb.long(0))) as (s, _):
            at_row(vb.at(vb.start(X), vb.times(step, builder.add(s, vb.long(_LOOKED_AT)))))
        nonzero = vb.nonzero_mask([builder.bitcast(found.value, vb.vector) for found in either])
        to = builder.gep(used.data, [builder.add(count.value, vb.long(1))])
        count.value = builder.add(count.value, _write_places(vb, nonzero, to, j))

    whole = vb.times(builder.sdiv(n, vb.long(_GROUP)), _GROUP)
    with vb.for_range(whole, _GROUP) as (j, _):
        look(j, [None for _ in starts])
    with vb.when(whole, "<", n):
        look(whole, [vb.first_n_mask(builder.sub(n, builder.add(whole, vb.long(start)))) for start in starts])
    last = builder.load(builder.gep(used.data, [count.value]))
    for more in range(1, MR):
        builder.store(last, builder.gep(used.data, [builder.add(count.value, vb.long(more))]))
    builder.store(builder.trunc(count.value, INT), used.data)


_list_nonzero_columns = generated(_list_nonzero_columns, _write_list_nonzero_columns)


def _step_columns(X, used, deltas, P, step):
    """P[j] += step (X^T deltas)[j] for the inputs j in `used`; returns whether the results are finite."""
    places = used[1 : used[0] + 1]
    P[places] += step * (X[:, places].T @ deltas)
    return bool(np.isfinite(P[places]).all())


def _write_step_columns(vb, X, used, deltas, P, step):
    """With micro-kernels of `MR` listed inputs and some registers of columns.

    Repeated inputs fill up the last one: as everything is read before it is written, they store the same result again.
    """
    builder, (m, k), x_row = vb.builder, vb.pair(deltas.shape), vb.pair(X.strides)[0]
    d_row, p_row = vb.pair(deltas.strides)[0], vb.pair(P.strides)[0]
    total, count = vb.variable(vb.zero), vb.index_at(used, vb.long(0))
    with vb.for_range(k, NR * vb.lanes) as (i, _):
        left, column = builder.sub(k, i), vb.times(i, vb.size)
        for across in range(1, NR + 1):
            last = builder.sub(left, vb.long((across - 1) * vb.lanes))
            masks = [None] * (across - 1) + [vb.first_n_mask(last)]
            here = builder.icmp_signed(">", last, vb.long(0))
            if across < NR:
                here = builder.and_(here, builder.icmp_signed("<=", last, vb.long(vb.lanes)))
            with builder.if_then(here), vb.for_range(count, MR) as (c, _):
                js = [vb.index_at(used, builder.add(c, vb.long(1 + r))) for r in range(MR)]
                numbers = [vb.at(vb.start(X), vb.times(j, vb.size)) for j in js]
                rows = [vb.at(vb.at(vb.start(P), column), vb.times(j, p_row)) for j in js]
                sums = [[vb.variable(vb.zero) for _ in masks] for _ in rows]
                with vb.for_range(m) as (s, _):
                    delta = vb.at(vb.at(vb.start(deltas), column), vb.times(s, d_row))
                    parts = [vb.load(vb.at(delta, vb.long(v * REGISTER)), mask) for v, mask in enumerate(masks)]
                    for number, row in zip(numbers, sums, strict=True):
                        factor = vb.broadcast_load(vb.at(number, vb.times(s, x_row)))
                        for part, found in zip(parts, row, strict=True):
                            found.value = vb.multiply_add(factor, part, found.value)
                places = [[vb.at(row, vb.long(v * REGISTER)) for v in range(across)] for row in rows]
                for row, found_row in zip(places, sums, strict=True):
                    nothing_here = vb.zero
                    for place, mask, found in zip(row, masks, found_row, strict=True):
                        found.value = vb.multiply_add(step, found.value, vb.load(place, mask))
                        nothing_here = vb.multiply_add(found.value, vb.zero, nothing_here)
                    total.value = builder.fadd(total.value, nothing_here)
                for row, found_row in zip(places, sums, strict=True):
                    for place, mask, found in zip(row, masks, found_row, strict=True):
                        vb.store(found.value, place, mask)
    return vb.are_zero(total.value)  # 0 times infinity or NaN is NaN


_step_columns = generated(_step_columns, _write_step_columns, types.boolean)


def _all_finite(values):
    """Whether no number of a vector is NaN or infinite."""
    return bool(np.isfinite(values).all())


def _write_all_finite(vb, values):
    masks = ir.VectorType(ir.IntType(1), vb.lanes)
    found = vb.variable(ir.Constant(masks, [0] * vb.lanes))

    def apply(offset, mask):
        nothing = vb.builder.fmul(vb.load(vb.at(vb.start(values), offset), mask), vb.zero)  # NaN if not finite
        found.value = vb.builder.or_(found.value, vb.builder.fcmp_unordered("!=", nothing, vb.zero))

    vb.for_each_vector(cgutils.unpack_tuple(vb.builder, values.shape, 1)[0], apply)
    bits = vb.builder.bitcast(found.value, ir.IntType(vb.lanes))
    return vb.builder.icmp_signed("==", bits, ir.Constant(bits.type, 0))


all_finite = generated(_all_finite, _write_all_finite, types.boolean)


@kernel("reassoc")
def are_finite(values):
    """The same for any vector; inlined, which for few numbers is faster than a call."""
    finite, infinity = 0, values.dtype.type(np.inf)
    for i in range(values.size):
        finite += abs(values[i]) < infinity  # a count, because the compiler vectorizes it
    return finite == values.size


# Indices of `flags`, which hold for an update or from one to the next. STEPPED: how many parameters, from the first on,
# have taken their step.
FINITE, SKIPPED, STEPPED = 0, 1, 2


@external(lambda f: (matrix(f), int32[::1]))
def list_nonzero_columns(X, used):
    """See `_list_nonzero_columns`."""
    _list_nonzero_columns(X, used)


@external(lambda f: (matrix(f), f[:, ::1], f[::1], int32[::1], int64[::1]), returns=boolean)
def are_zeros_skipped(X, Z, weights, used, flags):
    """Whether skipping zeros pays (X (m, n) has enough) and is exact for Z (m, k) (weights are finite).

    If so, `used` lists the nonzero columns of the first group of rows.
    """
    for rows in (1, rows_of_list(Z.shape[1], Z.itemsize)):
        if rows > 1 or not flags[SKIPPED]:  # unless the last update's did, one row may show that X has hardly any zeros
            list_nonzero_columns(X[:rows], used)
            if used[0] > _SHARE * X.shape[1]:
                return False
    flags[FINITE] = flags[FINITE] or all_finite(weights)
    return flags[FINITE] > 0


@external(lambda f: (matrix(f), int32[::1], matrix(f), f[:, ::1], f[:, ::1]))
def sparse_forward(X, used, P, start, Z):
    """Z := start + X P; 2 k flops for each row and each input that is nonzero in its group of rows.

    used: as from `are_zeros_skipped`.
    """
    rows = rows_of_list(Z.shape[1], Z.itemsize)
    for s in range(0, len(X), rows):
        x = X[s : s + rows]
        if s:
            list_nonzero_columns(x, used)
        product_indexed(x, P, start, Z[s : s + rows], used)


@external(lambda f: (matrix(f), int32[::1], f[:, ::1], matrix(f), float64), returns=boolean, light=True)
def sparse_step(X, used, deltas, P, alpha):
    """P -= alpha X^T deltas for at most `GROUP_ROWS` rows; as many flops as `sparse_forward`. Deltas must be finite.

    Weights of inputs that are not in use have a gradient of 0 and do not change. Returns whether the results are
    finite.
    """
    return _step_columns(X, used, deltas, P, P.dtype.type(-alpha))
