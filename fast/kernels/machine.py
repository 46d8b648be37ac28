"""Machinery: the operations that kernels are made of, written as instructions.

Numba's own loops reach half of a processor's arithmetic, since the compiler makes registers of 32 bytes where there are
64, and may order a sum by where arrays happen to lie. What is generated here has the widest registers, and one order
of every sum: `panel` and `panel_of` for products, `dots` for one sample, `transpose`, and `elementwise` for functions
of numbers; and `rows_at`, since a reshape takes as long as a small layer.

Each stands as a plain Python function, which says what it does and runs where the compiler is off; tests compare the
two.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.np.arrayobj import populate_array

from samenet.fast.kernels.compiling import intrinsic_of
from samenet.fast.kernels.instructions import LONG, REGISTER, REGISTERS, Emit, Lanes

# Of a tile, in numbers of A and registers of columns: its sums, one row of the columns and a number of A fit registers.
ROWS, COLUMNS = (6, 4) if REGISTERS == 32 else (4, 3)


def generated(plain: Callable[..., Any], write: Callable[..., Any], returns: Any = types.void) -> Any:
    """What kernels call: code that `write(emit, *values)` writes, or the plain function when the compiler is off.

    Arrays come to the writer as Numba's structures of them; the first argument is an array, and tells the dtype.
    """

    def typed(typing_context, *kinds):
        def codegen(context, builder, signature, values):
            values = [
                context.make_array(kind)(context, builder, value) if isinstance(kind, types.Array) else value
                for kind, value in zip(kinds, values, strict=True)
            ]
            result = write(Emit(context, builder, kinds[0].dtype), *values)
            return context.get_dummy_value() if returns is types.void else result

        return returns(*kinds), codegen

    return intrinsic_of(plain, typed)


# --- panel ----------------------------------------------------------------------------------------------------------


def _panel(A, B, S, C, i, registers, lanes):
    """C[:, i:] := S[:, i:] + A B[:, i:], for so many registers of columns from i on, the last one with `lanes` numbers.

    A (m, t) has any strides; rows of B (t, k) and C (m, k) are contiguous; S is like C, or one row (1, k) that stands
    for all. Every sum is made in the order of t.
    """
    end = i + (registers - 1) * (REGISTER // C.itemsize) + lanes
    C[:, i:end] = S[:, i:end] + A @ B[:, i:end]


def _panel_of(A, B, S, C, i, registers, lanes, used):
    """The same with those terms alone that `used` lists: how many there are, and after it their places, in order."""
    terms = used[1 : used[0] + 1]
    _panel(A[:, terms], B[terms], S, C, i, registers, lanes)


def _write_panel(emit, A, B, S, C, i, registers, lanes, used=None):
    last, column = emit.first(lanes), emit.times(i, emit.size)
    (m, t), (a_row, a_step) = emit.pair(A.shape), emit.pair(A.strides)
    if used is not None:
        t = emit.listed(used, emit.long(0))
    b_step, c_row = emit.pair(B.strides)[0], emit.pair(C.strides)[0]
    one = emit.builder.icmp_signed("==", emit.pair(S.shape)[0], emit.long(1))
    s_row = emit.builder.select(one, emit.long(0), emit.pair(S.strides)[0])
    a = emit.start(A)
    b, s, c = (emit.at(emit.start(array), column) for array in (B, S, C))
    for count in range(1, COLUMNS + 1):
        masks = [None] * (count - 1) + [last]
        with emit.when(registers, "==", emit.long(count)):

            def tile(rows, r, masks=masks):
                a_r, s_r, c_r = (emit.at(x, emit.times(row, r)) for x, row in ((a, a_row), (s, s_row), (c, c_row)))
                _write_tile(emit, rows, masks, a_r, s_r, c_r, b, t, used, a_row, a_step, b_step, s_row, c_row)

            whole = emit.times(emit.builder.sdiv(m, emit.long(ROWS)), ROWS)
            with emit.steps(whole, ROWS) as (r, _):
                tile(ROWS, r)
            r, rest = whole, emit.builder.sub(m, whole)
            for rows in (4, 2, 1):
                left = emit.builder.and_(rest, emit.long(rows))
                if rows < ROWS:
                    with emit.when(left, "!=", emit.long(0)):
                        tile(rows, r)
                    r = emit.builder.add(r, left)


def _write_tile(emit, rows, masks, a, s, c, b, t, used, a_row, a_step, b_step, s_row, c_row):
    """So many rows of a panel, a register of columns for each mask: all of its sums stay in registers.

    A step of t reads `rows` numbers of A and `len(masks)` registers of B, and multiplies and adds as many registers as
    the product of the two.
    """

    def place(start, row, x, v):
        return emit.at(emit.at(start, emit.times(row, x)), emit.long(v * REGISTER))

    sums = {
        (x, v): emit.variable(emit.load(place(s, s_row, x, v), mask))
        for x in range(rows)
        for v, mask in enumerate(masks)
    }
    with emit.steps(t) as (c_t, _):
        term = c_t if used is None else emit.listed(used, emit.builder.add(c_t, emit.long(1)))
        a_t, b_t = emit.at(a, emit.times(term, a_step)), emit.at(b, emit.times(term, b_step))
        columns = [emit.load(emit.at(b_t, emit.long(v * REGISTER)), mask) for v, mask in enumerate(masks)]
        for x in range(rows):
            number = emit.number_at(emit.at(a_t, emit.times(a_row, x)))
            for v, column in enumerate(columns):
                sums[x, v].value = emit.multiply_add(number, column, sums[x, v].value)
    for (x, v), total in sums.items():
        emit.store(total.value, place(c, c_row, x, v), masks[v])


panel = generated(_panel, _write_panel)
panel_of = generated(_panel_of, _write_panel)

# --- dots -----------------------------------------------------------------------------------------------------------


def _dots(W, x, z):
    """z[:k] := W x for W (k, n). What z has beyond, at least as much as fills a register, is written over.

    Every dot product has as many sums of its own as a register has lanes, added at the end in a fixed order.
    """
    z[: len(W)] = W @ x[: W.shape[1]]


def _write_dots(emit, W, x, z):
    """As many rows together as a register has lanes; past the last row, it is taken again."""
    builder, (k, n) = emit.builder, emit.pair(W.shape)
    limit, step = builder.sub(k, emit.long(1)), emit.pair(W.strides)[0]
    with emit.steps(k, emit.lanes) as (i, _):
        places = [emit.least(builder.add(i, emit.long(r)), limit) for r in range(emit.lanes)]
        rows = [emit.at(emit.start(W), emit.times(place, step)) for place in places]
        sums = [emit.variable(emit.zero) for _ in rows]

        def add(offset, mask):
            part = emit.load(emit.at(emit.start(x), offset), mask)
            for row, total in zip(rows, sums, strict=True):
                total.value = emit.multiply_add(emit.load(emit.at(row, offset), mask), part, total.value)

        emit.pieces(n, add)
        emit.store(emit.sums([total.value for total in sums]), emit.at(emit.start(z), emit.times(i, emit.size)))


dots = generated(_dots, _write_dots)

# --- transpose ------------------------------------------------------------------------------------------------------


def _transpose(A, B):
    """B := A^T for A (m, n), B with n rows of m numbers at least; the numbers of a row are neighbours in both."""
    B[: A.shape[1], : A.shape[0]] = A.T


def _write_transpose(emit, A, B):
    """In squares that fit the registers: rows are loaded, and their halves exchanged, quarters, down to numbers."""
    builder, (m, n) = emit.builder, emit.pair(A.shape)
    limit = builder.sub(m, emit.long(1))
    a, b, a_row, b_row = emit.start(A), emit.start(B), emit.pair(A.strides)[0], emit.pair(B.strides)[0]
    with emit.steps(m, emit.lanes) as (top, _):
        below = emit.first(builder.sub(m, top))
        with emit.steps(n, emit.lanes) as (left, _):
            right = emit.first(builder.sub(n, left))
            square = []
            for r in range(emit.lanes):
                row = emit.least(builder.add(top, emit.long(r)), limit)
                place = builder.add(emit.times(row, a_row), emit.times(left, emit.size))
                square.append(emit.load(emit.at(a, place), right))
            size = emit.lanes
            while size > 1:
                apart = size // 2
                for r in range(emit.lanes):
                    if not r & apart:
                        square[r], square[r + apart] = emit.halves(square[r], square[r + apart], size)
                size = apart
            for r in range(emit.lanes):
                row = builder.add(left, emit.long(r))
                with emit.when(row, "<", n):
                    place = builder.add(emit.times(row, b_row), emit.times(top, emit.size))
                    emit.store(square[r], emit.at(b, place), below)


transpose = generated(_transpose, _write_transpose)

# --- rows_at --------------------------------------------------------------------------------------------------------


def _rows_at(a, place, m, n):
    """The numbers of the vector a from a place on as a matrix (m, n): a view."""
    return a[place : place + m * n].reshape(m, n)


def _typed_rows_at(typing_context, a, *places):
    """As a slice and a reshape would, without what these check; for kernels that do not count who uses an array."""
    kind = types.Array(a.dtype, 2, "C", readonly=not a.mutable)

    def codegen(context, builder, signature, values):
        assert not context.enable_nrt
        vector, view = context.make_array(a)(context, builder, values[0]), context.make_array(kind)(context, builder)
        place, m, n = (
            context.cast(builder, value, given, types.intp) for value, given in zip(values[1:], places, strict=True)
        )
        size = context.get_constant(types.intp, a.dtype.bitwidth // 8)
        data = builder.gep(vector.data, [place])
        populate_array(view, data, (m, n), (builder.mul(n, size), size), size, meminfo=None)
        return view._getvalue()

    return kind(a, *places), codegen


rows_at = intrinsic_of(_rows_at, _typed_rows_at)


def on_stack(m: int, n: int) -> Any:
    """What kernels call as g(a): room (m, n) for numbers of the dtype of a, until the kernel returns."""

    def plain(a):
        return np.empty((m, n), a.dtype)

    def typed(typing_context, a):
        kind = types.Array(a.dtype, 2, "C")

        def codegen(context, builder, signature, values):
            assert not context.enable_nrt
            size = a.dtype.bitwidth // 8
            with builder.goto_entry_block():  # once, also from a loop; Numba's own way would fill it with zeros
                room = builder.alloca(ir.ArrayType(context.get_data_type(a.dtype), m * n))
            room.align = REGISTER
            view, sizes = (
                context.make_array(kind)(context, builder),
                [ir.Constant(LONG, s) for s in (m, n, n * size, size)],
            )
            data = builder.bitcast(room, context.get_data_type(a.dtype).as_pointer())
            populate_array(view, data, sizes[:2], sizes[2:], sizes[3], meminfo=None)
            return view._getvalue()

        return kind(a), codegen

    return intrinsic_of(plain, typed)


# --- elementwise ----------------------------------------------------------------------------------------------------


def elementwise(f: Callable[[Any], Any]) -> Any:
    """What kernels call as g(out, a, shift): out := f(a - shift) for two vectors and a number of one dtype.

    f takes and returns a NumPy array, or `Lanes` when code is written of it.
    """

    def plain(out, a, shift):
        out[:] = f(a - out.dtype.type(shift))

    def write(emit, out, a, shift):
        count = cgutils.unpack_tuple(emit.builder, out.shape, 1)[0]
        shift = Lanes(emit, emit.splat(shift))

        def apply(offset, mask):
            number = Lanes(emit, emit.load(emit.at(emit.start(a), offset), mask))
            emit.store(f(number - shift).value, emit.at(emit.start(out), offset), mask)

        emit.pieces(count, apply)

    return generated(plain, write)
