"""The basic operations of kernels, generated as vector instructions.

Numba's own loops reach half of a processor's peak, since the compiler uses registers of 32 bytes even if there are 64,
and the order of their sums may depend on the arrays' addresses. The code generated here uses the widest registers and a
fixed order for every sum: `multiply_panel` and `multiply_panel_indexed` for products. `rows_at` is here because a
reshape takes as long as a small layer. Products of wide matrices are in `packed` and `dots`, elementwise loops in
`loops`.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from samenet.fast.kernels.codegen.compiling import intrinsic_of
from samenet.fast.kernels.codegen.generated import generated, halved
from samenet.fast.kernels.codegen.values import array_of
from samenet.fast.kernels.codegen.vector import LONG, REGISTER, REGISTERS

# A micro-kernel's rows, and registers of columns: its sums, a row of B and a number of A fit the registers.
MR, NR = (6, 4) if REGISTERS == 32 else (4, 3)
_LINE = 64  # bytes of a cache line

# --- panel ----------------------------------------------------------------------------------------------------------


def _multiply_panel(A, B, S, C, i, registers, lanes):
    """C[:, i:] := S[:, i:] + A B[:, i:], for this many registers of columns from i on, the last with `lanes` numbers.

    A (m, t) has any strides; rows of B (t, k) and C (m, k) are contiguous; S is like C, or one row (1, k) for all.
    Every sum is in the order of t.
    """
    end = i + (registers - 1) * (REGISTER // C.itemsize) + lanes
    C[:, i:end] = S[:, i:end] + A @ B[:, i:end]


def _multiply_panel_indexed(A, B, S, C, i, registers, lanes, used):
    """The same with only the terms listed in `used`: their number, followed by their indices in order."""
    terms = used[1 : used[0] + 1]
    _multiply_panel(A[:, terms], B[terms], S, C, i, registers, lanes)


def _write_multiply_panel(vb, A, B, S, C, i, registers, lanes, used=None):
    column = vb.times(i, vb.size)
    (m, t), (a_row, a_step) = vb.pair(A.shape), vb.pair(A.strides)
    if used is not None:
        t = vb.index_at(used, vb.long(0))
    b_step, c_row = vb.pair(B.strides)[0], vb.pair(C.strides)[0]
    one = vb.builder.icmp_signed("==", vb.pair(S.shape)[0], vb.long(1))
    s_row = vb.builder.select(one, vb.long(0), vb.pair(S.strides)[0])
    a = vb.start(A)
    b, s, c = (vb.at(vb.start(array), column) for array in (B, S, C))
    # Multiply-adds of the widest registers take twice as long, on some processors, as those of half of them.
    few = vb.builder.icmp_signed("<=", lanes, vb.long(vb.lanes // 2 if REGISTER == 64 else 0))
    few = vb.builder.and_(few, vb.builder.icmp_signed("==", registers, vb.long(1)))
    is_half = vb.builder.select(few, vb.long(1), vb.long(0))
    for count, width in [(1, halved(vb))] * (REGISTER == 64) + [(count, vb) for count in range(1, NR + 1)]:
        masks = [None] * (count - 1) + [width.first_n_mask(lanes)]
        with vb.when(vb.builder.sub(registers, is_half), "==", vb.long(count if width is vb else 0)):

            def microkernel(rows, r, masks=masks, width=width):
                a_r, s_r, c_r = (vb.at(x, vb.times(row, r)) for x, row in ((a, a_row), (s, s_row), (c, c_row)))
                _write_microkernel(width, rows, masks, a_r, s_r, c_r, b, t, used, a_row, a_step, b_step, s_row, c_row)

            height = min(8, MR * NR // count)  # so that enough sums are in flight; most batches are multiples of 8
            height = min(height, 8 if count == 1 else 4) if used is not None else height  # as `sparse_input` gives
            whole = vb.times(vb.builder.sdiv(m, vb.long(height)), height)
            with vb.for_range(whole, height) as (r, _):
                microkernel(height, r)
            rest = vb.builder.sub(m, whole)
            if height > 4:
                with vb.when(rest, ">=", vb.long(4)):
                    microkernel(4, whole)
            left = vb.builder.and_(rest, vb.long(3))
            for rows in (3, 2, 1):
                with vb.when(left, "==", vb.long(rows)):
                    microkernel(rows, vb.builder.sub(m, left))


def _write_microkernel(vb, rows, masks, a, s, c, b, t, used, a_row, a_step, b_step, s_row, c_row):
    """This many rows of a panel, and a register of columns for each mask: all sums stay in registers.

    A step of t loads `rows` numbers of A and `len(masks)` registers of B, and makes rows x len(masks) multiply-adds of
    registers.
    """

    def place(start, row, x, v):
        return vb.at(vb.at(start, vb.times(row, x)), vb.long(v * REGISTER))

    sums = {
        (x, v): vb.variable(vb.load(place(s, s_row, x, v), mask)) for x in range(rows) for v, mask in enumerate(masks)
    }
    # Meanwhile, the next rows of A, if contiguous, are prefetched into the L2 cache, one or two lines at a time.
    below, pace = vb.at(a, vb.times(a_row, rows)), vb.long(rows * vb.size)
    if used is not None:
        pace = vb.builder.sdiv(vb.times(a_row, rows), vb.maximum(t, vb.long(1)))
    else:
        far = vb.builder.icmp_signed("==", a_step, vb.long(vb.size))
        below, pace = vb.builder.select(far, below, a), vb.builder.select(far, pace, vb.long(0))
    with vb.for_range(t) as (c_t, _):
        for line in range(0, rows * vb.size, _LINE) if used is not None or rows > 4 else ():  # not worth it for few
            vb.prefetch(vb.at(below, vb.builder.add(vb.times(c_t, pace), vb.long(line))), cache=2)
        term = c_t if used is None else vb.index_at(used, vb.builder.add(c_t, vb.long(1)))
        a_t, b_t = vb.at(a, vb.times(term, a_step)), vb.at(b, vb.times(term, b_step))
        columns = [vb.load(vb.at(b_t, vb.long(v * REGISTER)), mask) for v, mask in enumerate(masks)]
        for x in range(rows):
            number = vb.broadcast_load(vb.at(a_t, vb.times(a_row, x)))
            for v, column in enumerate(columns):
                sums[x, v].value = vb.multiply_add(number, column, sums[x, v].value)
    for (x, v), total in sums.items():
        vb.store(total.value, place(c, c_row, x, v), masks[v])


multiply_panel = generated(_multiply_panel, _write_multiply_panel)
multiply_panel_indexed = generated(_multiply_panel_indexed, _write_multiply_panel)

# --- rows_at --------------------------------------------------------------------------------------------------------


def _rows_at(a, place, m, n):
    """A view of the vector a, from an index on, as a matrix (m, n)."""
    return a[place : place + m * n].reshape(m, n)


def _flat(a):
    """A view of a contiguous matrix as a vector."""
    return a.reshape(a.size)


def _typed_view(typing_context, a, *places):
    """The same as a slice and a reshape, without checks and reference counts."""
    kind = types.Array(a.dtype, 2 if places else 1, "C", readonly=not a.mutable)

    def codegen(context, builder, signature, values):
        array = context.make_array(a)(context, builder, values[0])
        data, lengths = array.data, [array.nitems]
        if places:
            given = zip(values[1:], places, strict=True)
            place, *lengths = (context.cast(builder, value, kind, types.intp) for value, kind in given)
            data = builder.gep(data, [place])
        return array_of(context, builder, kind, data, lengths)

    return kind(a, *places), codegen


rows_at, flat = intrinsic_of(_rows_at, _typed_view), intrinsic_of(_flat, _typed_view)


def on_stack(m: int, n: int) -> Any:
    """A function g(a) for kernels: an uninitialised array (m, n) of the dtype of a, on the stack."""

    def plain(a):
        return np.empty((m, n), a.dtype)

    def typed(typing_context, a):
        kind = types.Array(a.dtype, 2, "C")

        def codegen(context, builder, signature, values):
            with builder.goto_entry_block():  # once, even in a loop, and not filled with zeros
                workspace = builder.alloca(ir.ArrayType(context.get_data_type(a.dtype), m * n))
            workspace.align = REGISTER
            return array_of(context, builder, kind, workspace, [ir.Constant(LONG, m), ir.Constant(LONG, n)])

        return kind(a), codegen

    return intrinsic_of(plain, typed)
