"""Products of matrices of registers, for many networks at once: one network in each lane.

A matrix is given as four arguments: a vector, the index where the matrix begins, and the strides of its rows and
columns. Each of A, B, S, C is such a matrix of registers; A may have numbers in their place, the same for all networks.
"""

from copy import copy
from typing import Any, NamedTuple

from llvmlite import ir
from numba.core import cgutils
from numpy.lib.stride_tricks import as_strided

from samenet.fast.kernels.codegen.compiling import written_once
from samenet.fast.kernels.codegen.generated import generated
from samenet.fast.kernels.codegen.vector import LONG, VectorBuilder


def _registers(lanes, a, start, row, column, m, n):
    """The matrix (m, n) as an array (m, n, lanes); (m, n, 1) if it has numbers."""
    return as_strided(a[start:], (m, n, lanes), (row * a.itemsize, column * a.itemsize, a.itemsize * (lanes > 1)))


def _plain(of_numbers):
    """C := S + A B, for A (m, t), B (t, k)."""

    def product(width, a, a_0, a_1, a_2, b, b_0, b_1, b_2, s, s_0, s_1, s_2, c, c_0, c_1, c_2, m, t, k):
        lanes = len(width)
        A = _registers(1 if of_numbers else lanes, a, a_0, a_1, a_2, m, t)
        B, S = _registers(lanes, b, b_0, b_1, b_2, t, k), _registers(lanes, s, s_0, s_1, s_2, m, k)
        _registers(lanes, c, c_0, c_1, c_2, m, k)[:] = S + (A[:, :, None] * B).sum(1)

    return product


class _Matrix(NamedTuple):
    """One of the matrices, while code is generated: the address where it begins, and its strides in bytes."""

    vb: VectorBuilder
    start: Any
    steps: tuple[Any, Any]

    def at(self, row=None, column=None):
        """The address of a register."""
        address = self.start
        for index, step in zip((row, column), self.steps, strict=True):
            address = address if index is None else self.vb.at(address, self.vb.times(index, step))
        return address


def _function(name, write, number=4):
    """Generate a call of a function written once in each module: its loops have all of the processor's registers.

    write(vb, matrices, *numbers), for this number of matrices.
    """

    def write_call(vb, width, *given):
        values = []
        for array, start, *strides in (given[i : i + 4] for i in range(0, 4 * number, 4)):
            values.append(vb.at(vb.start(array), vb.times(start, vb.size)))
            values += [vb.times(stride, vb.size) for stride in strides]

        def write_body(builder, *values):
            own = copy(vb)
            own.builder = builder
            matrices = [_Matrix(own, values[i], values[i + 1 : i + 3]) for i in range(0, 3 * number, 3)]
            write(own, matrices, *values[3 * number :])
            builder.ret_void()

        values += given[4 * number :]
        kinds, symbol = [value.type for value in values], f"samenet_{name}_{vb.scalar}_{vb.lanes}"
        vb.builder.call(written_once(vb.builder.module, symbol, ir.VoidType(), kinds, write_body), values)

    return write_call


def halved(builder, values):
    """The sum of some registers: the halves of the list are added until one is left."""
    while len(values) > 1:
        half = len(values) // 2
        values = [builder.fadd(a, b) for a, b in zip(values[:half], values[half:], strict=True)]
    return values[0]


def _product(of_numbers):
    """Every sum in the order of t; in tiles of up to 4 x 2, 8 x 1 or 1 x 8 sums, none of which is computed twice."""

    def write(vb, matrices, m, t, k):
        builder, (A, B, S, C) = vb.builder, matrices
        load_a = vb.broadcast_load if of_numbers else vb.load

        def tile(r, i, rows, columns):
            r, i = ([builder.add(x, vb.long(n)) for n in range(count)] for x, count in ((r, rows), (i, columns)))
            sums = {(x, y): vb.variable(vb.load(S.at(x, y))) for x in r for y in i}
            left, right = [A.at(x) for x in r], [B.at(None, y) for y in i]
            with vb.for_range(t) as (term, _):
                after, below = vb.times(term, A.steps[1]), vb.times(term, B.steps[0])
                numbers = [vb.load(vb.at(b, below)) for b in right]
                for x, a in zip(r, left, strict=True):
                    number = load_a(vb.at(a, after))
                    for y, other in zip(i, numbers, strict=True):
                        sums[x, y].value = vb.multiply_add(number, other, sums[x, y].value)
            for place, total in sums.items():
                vb.store(total.value, C.at(*place))

        def cover(length, size, write):
            """Call write(begin, size) for pieces of this size, then of half of it, and so on."""
            begin = vb.long(0)
            while size:
                end = builder.add(begin, vb.times(builder.sdiv(builder.sub(length, begin), vb.long(size)), size))
                with cgutils.for_range_slice(builder, begin, end, vb.long(size), LONG) as (place, _):
                    write(place, size)
                begin, size = end, size // 2

        def columns(i, count):
            cover(m, 8 // count, lambda r, height: tile(r, i, height, count))

        with builder.if_else(builder.icmp_signed("==", m, vb.long(1))) as (row, rows):
            with row:
                cover(k, 8, lambda i, count: tile(vb.long(0), i, 1, count))
            with rows:
                cover(k, 2, columns)

    return _function(f"product_{of_numbers}", write)


def _narrow_product(of_numbers):
    """Sums as in `microkernels.dots`, which has a partial sum for each lane, with S added at the end.

    Of 4 rows, 4 partial sums at a time: those that are added to each other first.
    """

    def write(vb, matrices, m, t, k):
        builder, lanes, (A, B, S, C) = vb.builder, vb.lanes, matrices
        blocks, rest = builder.sdiv(t, vb.long(lanes)), builder.srem(t, vb.long(lanes))
        load_a = vb.broadcast_load if of_numbers else vb.load

        def add(sums, left, right, term):
            number = vb.load(vb.at(right, vb.times(term, B.steps[0])))
            for total, a in zip(sums, left, strict=True):
                total.value = vb.multiply_add(number, load_a(vb.at(a, vb.times(term, A.steps[1]))), total.value)

        def partial_sums(left, right, lane):
            sums = {v: [vb.variable(vb.zero) for _ in left] for v in range(lane, lanes, max(1, lanes // 4))}
            with vb.for_range(blocks) as (block, _):
                for v, of_lane in sums.items():
                    add(of_lane, left, right, builder.add(vb.times(block, lanes), vb.long(v)))
            for v, of_lane in sums.items():
                with vb.when(vb.long(v), "<", rest):
                    add(of_lane, left, right, builder.add(vb.times(blocks, lanes), vb.long(v)))
            return [halved(builder, [of_lane[r].value for of_lane in sums.values()]) for r in range(len(left))]

        with vb.for_range(k) as (i, _), vb.for_range(m, 4) as (first, _):
            rows = [vb.minimum(builder.add(first, vb.long(r)), builder.sub(m, vb.long(1))) for r in range(4)]
            parts = [partial_sums([*map(A.at, rows)], B.at(None, i), lane) for lane in range(max(1, lanes // 4))]
            for r, row in enumerate(rows):
                total = halved(builder, [part[r] for part in parts])
                vb.store(builder.fadd(total, vb.load(S.at(row, i))), C.at(row, i))

    return _function(f"narrow_product_{of_numbers}", write)


def _plain_tree(width, d, d_0, d_1, d_2, w, w_0, w_1, w_2, c, c_0, c_1, c_2, m, t, k, across):
    """C := D W, for D (m, t), W (t, k)."""
    lanes = len(width)
    D, W = _registers(lanes, d, d_0, d_1, d_2, m, t), _registers(lanes, w, w_0, w_1, w_2, t, k)
    _registers(lanes, c, c_0, c_1, c_2, m, k)[:] = (D[:, :, None] * W).sum(1)


def _write_tree(vb, matrices, m, t, k, across):
    """Sums as in `registers.products`: the halves of the terms of a register of `across` numbers, of which those past
    the last term are 0, are added until one is left; then the next register's sum is added.
    """
    builder, (D, W, C) = vb.builder, matrices

    def add(begin, count, r, i, total):
        for size in (2**n for n in range(vb.lanes.bit_length())):  # the least that has so many terms
            fits = builder.icmp_signed("<=", count, vb.long(size))
            with builder.if_then(builder.and_(fits, builder.icmp_signed(">", count, vb.long(size // 2)))):
                terms = []
                for v in range(size):
                    is_used = builder.icmp_signed("<", vb.long(v), count)
                    term = builder.select(is_used, builder.add(begin, vb.long(v)), begin)
                    product = builder.fmul(vb.load(W.at(term, i)), vb.load(D.at(r, term)))
                    terms.append(builder.select(is_used, product, vb.zero))
                total.value = builder.fadd(total.value, halved(builder, terms))

    with vb.for_range(m) as (r, _), vb.for_range(k) as (i, _):
        total = vb.variable(vb.zero)
        with cgutils.for_range_slice(builder, vb.long(0), t, across, LONG) as (begin, _):
            add(begin, vb.minimum(across, builder.sub(t, begin)), r, i, total)
        vb.store(total.value, C.at(r, i))


tree_product = generated(_plain_tree, _function("tree_product", _write_tree, 3))
product, product_of_numbers = (generated(_plain(of_numbers), _product(of_numbers)) for of_numbers in (False, True))
narrow_product, narrow_product_of_numbers = (
    generated(_plain(of_numbers), _narrow_product(of_numbers)) for of_numbers in (False, True)
)
