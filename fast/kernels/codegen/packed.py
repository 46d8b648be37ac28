"""The micro-kernel for packed operands, which also packs or prefetches the next panel."""

from numba import types
from numba.core import cgutils

from samenet.fast.kernels.codegen.generated import generated
from samenet.fast.kernels.codegen.loops import tiles
from samenet.fast.kernels.codegen.vector import LONG, REGISTER, REGISTERS, VectorBuilder

# Rows of A, and registers of columns; 8 rows with AVX-512, since most batches are multiples of 8.
PACKED_MR, PACKED_NR = (8, 3) if REGISTERS == 32 else (4, 3)
_LOWER = 3 * PACKED_MR // 4  # rows of some tiles, if the rows are not a multiple: 17 rows are three tiles of 6
_FAR = 8  # rows are prefetched this many rows before they are copied, to hide memory latency


def _multiply_packed(A, B, S, C, ahead, target, registers, alpha):
    """C := S + alpha A B for a panel of at most `registers` of columns: `PACKED_NR`, or one less.

    Rows of A (m, t), B (t, k) and C (m, k) are contiguous; S is like C, or one row (1, k) for all. Every sum is in the
    order of t. Rows of B have `registers` whole registers, whatever k. ahead: a matrix that is prefetched meanwhile,
    or, unless target is empty, copied into it: then ahead has at most t rows of at least one and at most `PACKED_NR`
    registers.
    """
    C[:] = S[: len(C)] + C.dtype.type(alpha) * (A @ B[:, : C.shape[1]])
    if len(target):
        target[: len(ahead), : ahead.shape[1]] = ahead


def _write_multiply_packed(vb, A, B, S, C, ahead, target, registers, alpha):
    """Tile by tile; rows past the last one repeat it, and store the same result after everything has been read."""
    builder = vb.builder
    (m, k), (t, _) = vb.pair(C.shape), vb.pair(B.shape)
    a_row, b_row, c_row = (vb.pair(array.strides)[0] for array in (A, B, C))
    one = builder.icmp_signed("==", vb.pair(S.shape)[0], vb.long(1))
    limit = builder.sub(m, vb.long(1))
    same = vb.long(0)
    s_row = builder.select(one, same, vb.pair(S.strides)[0])
    tiles_in_all, heights = tiles(vb, m, PACKED_MR, _LOWER)
    pace, advance = _write_way(vb, ahead, target, vb.times(tiles_in_all, t))

    def microkernel(height, r, masks):
        def registers_of(row):
            return [(vb.at(row, vb.long(v * REGISTER)), mask) for v, mask in enumerate(masks)]

        rows = [vb.minimum(builder.add(r, vb.long(x)), limit) for x in range(height)]
        numbers = [vb.at(vb.start(A), vb.times(a_row, row)) for row in rows]
        sums = [[vb.variable(vb.zero) for _ in masks] for _ in rows]
        with cgutils.for_range_slice(builder, vb.long(0), t, pace, LONG) as (first, _):
            end = vb.minimum(builder.add(first, pace), t)
            with cgutils.for_range_slice(builder, first, end, vb.long(1), LONG) as (term, _):
                columns = [vb.load(place) for place, _ in registers_of(vb.at(vb.start(B), vb.times(term, b_row)))]
                for start, row in zip(numbers, sums, strict=True):
                    number = vb.broadcast_load(vb.at(start, vb.times(term, vb.size)))
                    for total, column in zip(row, columns, strict=True):
                        total.value = vb.multiply_add(number, column, total.value)
            advance()
        starts = [registers_of(vb.at(vb.start(S), vb.times(s_row, row))) for row in rows]
        for begin, row in zip(starts, sums, strict=True):
            for place, total in zip(begin, row, strict=True):
                total.value = vb.multiply_add(alpha, total.value, vb.load(*place))
        for r_c, row in zip(rows, sums, strict=True):
            for place, total in zip(registers_of(vb.at(vb.start(C), vb.times(c_row, r_c))), row, strict=True):
                vb.store(total.value, *place)

    for count in (PACKED_NR, PACKED_NR - 1):
        left = [builder.sub(k, vb.long(v * vb.lanes)) for v in range(count - 2, count)]
        masks = [None] * (count - 2) + [vb.first_n_mask(n) for n in left]
        with vb.when(registers, "==", vb.long(count)):
            for height, begin, end in heights:
                with vb.for_range(end, height, begin) as (r, _):
                    microkernel(height, r, masks)


def _write_way(vb, matrix, target, steps):
    """A function that prefetches a matrix's next lines or copies them to the target; and the steps between its calls.

    It advances by `PACKED_NR` lines at once: a row of a panel.
    """
    builder, (m, n), step = vb.builder, vb.pair(matrix.shape), vb.pair(matrix.strides)[0]
    width, length = vb.times(n, vb.size), PACKED_NR * REGISTER
    times = vb.times(m, builder.sdiv(builder.add(width, vb.long(length - 1)), vb.long(length)))
    pace = vb.maximum(builder.sdiv(steps, vb.maximum(times, vb.long(1))), vb.long(1))
    copies, onward = vb.pair(target.shape)[0], vb.pair(target.strides)[0]
    far = builder.select(builder.icmp_signed(">", copies, vb.long(0)), vb.times(step, _FAR), vb.long(0))
    start = vb.start(matrix)
    row, column, place = vb.variable(start), vb.variable(vb.long(0)), vb.variable(vb.start(target))
    last_row = vb.at(start, vb.times(step, builder.sub(m, vb.long(1))))
    last_column = builder.sub(width, vb.long(REGISTER))

    def advance():
        lines = [builder.add(column.value, vb.long(v * REGISTER)) for v in range(PACKED_NR)]
        lines = [vb.minimum(line, last_column) for line in lines]
        with vb.when(copies, ">", vb.long(0)):
            for line in lines:
                vb.store(vb.load(vb.at(row.value, line)), vb.at(place.value, line))
        for line in lines:  # its last number, since that of the first may be on the line of the panel before
            vb.prefetch(vb.at(vb.at(row.value, builder.add(line, vb.long(REGISTER - 1))), far))
        moved = builder.add(column.value, vb.long(length))
        over = builder.icmp_signed(">=", moved, width)
        goes_on = builder.and_(over, builder.icmp_unsigned("!=", row.value, last_row))
        column.value = builder.select(over, vb.long(0), moved)
        row.value = builder.select(goes_on, vb.at(row.value, step), row.value)
        place.value = builder.select(goes_on, vb.at(place.value, onward), place.value)

    return pace, advance


multiply_packed = generated(_multiply_packed, _write_multiply_packed)


def _past_boundary(C):
    """How many numbers rows of C begin after addresses that are multiples of a register; 0 if they differ in this."""
    return 0 if C.strides[0] % REGISTER else C.ctypes.data % REGISTER // C.itemsize


past_boundary = generated(_past_boundary, VectorBuilder.past_boundary, types.int64)
