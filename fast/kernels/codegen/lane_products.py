"""Products of matrices of registers, for many networks at once: one network in each lane.

A matrix is given as four arguments: a vector, the index where the matrix begins, and the strides of its rows and
columns. Each of A, B, S, C is such a matrix of registers; A may have numbers in their place, the same for all networks.
"""

from numba.core import cgutils
from numpy.lib.stride_tricks import as_strided

from samenet.fast.kernels.codegen.generated import generated
from samenet.fast.kernels.codegen.vector import LONG


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


class _Matrix:
    """One of the matrices, while code is generated."""

    def __init__(self, vb, array, start, row, column):
        self.vb, self.steps = vb, (vb.times(row, vb.size), vb.times(column, vb.size))
        self.start = vb.at(vb.start(array), vb.times(start, vb.size))

    def at(self, row=None, column=None):
        """The address of a register."""
        address = self.start
        for index, step in zip((row, column), self.steps, strict=True):
            address = address if index is None else self.vb.at(address, self.vb.times(index, step))
        return address


def halved(builder, values):
    """The sum of some registers: the halves of the list are added until one is left."""
    while len(values) > 1:
        half = len(values) // 2
        values = [builder.fadd(a, b) for a, b in zip(values[:half], values[half:], strict=True)]
    return values[0]


def _given(vb, given):
    """The matrices, and m, t, k."""
    return [_Matrix(vb, *given[i : i + 4]) for i in range(0, 16, 4)], given[16:]


def _product(of_numbers):
    """Every sum in the order of t; in tiles of up to 4 x 2 or 8 x 1 sums, none of which is computed twice."""

    def write(vb, width, *given):
        builder, ((A, B, S, C), (m, t, k)) = vb.builder, _given(vb, given)
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

        def columns(i, count, height):
            begin = vb.long(0)
            while height:
                end = builder.add(begin, vb.times(builder.sdiv(builder.sub(m, begin), vb.long(height)), height))
                with cgutils.for_range_slice(builder, begin, end, vb.long(height), LONG) as (r, _):
                    tile(r, i, height, count)
                begin, height = end, height // 2

        pairs = vb.times(builder.sdiv(k, vb.long(2)), 2)
        with vb.for_range(pairs, 2) as (i, _):
            columns(i, 2, 4)
        with vb.when(pairs, "<", k):
            columns(pairs, 1, 8)

    return write


def _narrow_product(of_numbers):
    """Sums as in `microkernels.dots`, which has a partial sum for each lane, with S added at the end.

    Of 4 rows, 4 partial sums at a time: those that are added to each other first.
    """

    def write(vb, width, *given):
        builder, lanes, ((A, B, S, C), (m, t, k)) = vb.builder, vb.lanes, _given(vb, given)
        blocks, rest = builder.sdiv(t, vb.long(lanes)), builder.srem(t, vb.long(lanes))
        load_a = vb.broadcast_load if of_numbers else vb.load

        def add(sums, left, right, term, is_used=None):
            numbers = [vb.load(vb.at(right, vb.times(term, B.steps[0])))]
            numbers += [load_a(vb.at(a, vb.times(term, A.steps[1]))) for a in left]
            if is_used is not None:
                numbers = [builder.select(is_used, number, vb.zero) for number in numbers]
            for total, number in zip(sums, numbers[1:], strict=True):
                total.value = vb.multiply_add(numbers[0], number, total.value)

        def partial_sums(left, right, lane):
            sums = {v: [vb.variable(vb.zero) for _ in left] for v in range(lane, lanes, max(1, lanes // 4))}
            with vb.for_range(blocks) as (block, _):
                for v, of_lane in sums.items():
                    add(of_lane, left, right, builder.add(vb.times(block, lanes), vb.long(v)))
            with vb.when(rest, ">", vb.long(0)):  # past the last term, zeros are added
                for v, of_lane in sums.items():
                    term, last = builder.add(vb.times(blocks, lanes), vb.long(v)), builder.sub(t, vb.long(1))
                    add(of_lane, left, right, vb.minimum(term, last), builder.icmp_signed("<", term, t))
            return [halved(builder, [of_lane[r].value for of_lane in sums.values()]) for r in range(len(left))]

        with vb.for_range(k) as (i, _), vb.for_range(m, 4) as (first, _):
            rows = [vb.minimum(builder.add(first, vb.long(r)), builder.sub(m, vb.long(1))) for r in range(4)]
            parts = [partial_sums([*map(A.at, rows)], B.at(None, i), lane) for lane in range(max(1, lanes // 4))]
            for r, row in enumerate(rows):
                total = halved(builder, [part[r] for part in parts])
                vb.store(builder.fadd(total, vb.load(S.at(row, i))), C.at(row, i))

    return write


product, product_of_numbers = (generated(_plain(of_numbers), _product(of_numbers)) for of_numbers in (False, True))
narrow_product, narrow_product_of_numbers = (
    generated(_plain(of_numbers), _narrow_product(of_numbers)) for of_numbers in (False, True)
)
