"""Machinery: memory from the heap for as long as a kernel runs.

Numba counts who uses an array that it made, wherever that is handed on, which takes long to compile and to do. Here a
kernel opens a heap, takes from it what it needs, and closes it before it returns; views must not outlive that. Each
piece begins with the address of the piece before, so that closing finds them all; its numbers begin with a cache line.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.np.arrayobj import populate_array

from samenet.fast.kernels.codegen.compiling import intrinsic_of
from samenet.fast.kernels.codegen.vector import BYTE, LONG

_ADDRESS = BYTE.as_pointer()
_LINE, _HEAD = 64, 8  # bytes of a cache line, and of an address


def _open_heap() -> None:
    """What the functions below are given; nothing is taken yet."""


def _typed_open_heap(typing_context):
    def codegen(context, builder, signature, values):
        last = cgutils.alloca_once(builder, _ADDRESS)
        builder.store(ir.Constant(_ADDRESS, None), last)
        return builder.bitcast(last, _ADDRESS)

    return types.voidptr(), codegen


def _empty(heap: None, shape: Any, dtype: Any) -> Any:
    """An array of this shape, a number or a tuple; raises MemoryError if there is no room."""
    return np.empty(shape, dtype)


def _zeroed(heap: None, shape: Any, dtype: Any) -> Any:
    """The same, filled with zeros."""
    return np.zeros(shape, dtype)


def _room(heap: None, length: int, dtype: Any) -> Any:
    """An array of so many numbers, or of none where there is no room: for external kernels, which cannot raise."""
    return np.empty(length, dtype)


def _close_heap(heap: None) -> None:
    """Give all of it back."""


def _function(builder, name, result, argument):
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(result, [argument]), name)


def _write_close(builder, last):
    """Piece after piece; none is left."""
    free = _function(builder, "NRT_Free", ir.VoidType(), _ADDRESS)
    begin, body, end = (builder.append_basic_block(name) for name in ("close", "close.body", "close.end"))
    builder.branch(begin)
    builder.position_at_end(begin)
    piece = builder.load(last)
    builder.cbranch(cgutils.is_null(builder, piece), end, body)
    builder.position_at_end(body)
    builder.store(builder.load(builder.bitcast(piece, last.type)), last)
    builder.call(free, [piece])
    builder.branch(begin)
    builder.position_at_end(end)


def _typed_close_heap(typing_context, heap):
    def codegen(context, builder, signature, values):
        _write_close(builder, builder.bitcast(values[0], _ADDRESS.as_pointer()))
        return context.get_dummy_value()

    return types.void(heap), codegen


def _keep(builder, piece, last):
    """Put a piece before those that were taken; the address of its first number."""
    builder.store(builder.load(last), builder.bitcast(piece, last.type))
    builder.store(piece, last)
    start = builder.add(builder.ptrtoint(piece, LONG), ir.Constant(LONG, _HEAD + _LINE - 1))
    return builder.inttoptr(builder.and_(start, ir.Constant(LONG, -_LINE)), _ADDRESS)


def _taken(builder, size):
    """A piece for so many bytes, or null."""
    allocate = _function(builder, "NRT_Allocate", _ADDRESS, LONG)
    return builder.call(allocate, [builder.add(size, ir.Constant(LONG, _HEAD + _LINE))])


def _array(context, builder, kind, data, lengths, strides):
    view = context.make_array(kind)(context, builder)
    data = builder.bitcast(data, context.get_data_type(kind.dtype).as_pointer())
    populate_array(view, data, lengths, strides, strides[-1], meminfo=None)
    return view._getvalue()


def _typed_room(typing_context, heap, length, dtype):
    kind = types.Array(dtype.dtype, 1, "C")

    def codegen(context, builder, signature, values):
        n = context.cast(builder, values[1], length, types.intp)
        size = ir.Constant(LONG, context.get_abi_sizeof(context.get_data_type(kind.dtype)))
        last = builder.bitcast(values[0], _ADDRESS.as_pointer())
        piece = _taken(builder, builder.mul(size, n))
        count, data = (cgutils.alloca_once_value(builder, ir.Constant(t, z)) for t, z in ((LONG, 0), (_ADDRESS, None)))
        with builder.if_then(cgutils.is_not_null(builder, piece)):
            builder.store(n, count)
            builder.store(_keep(builder, piece, last), data)
        return _array(context, builder, kind, builder.load(data), [builder.load(count)], [size])

    return kind(heap, length, dtype), codegen


def _typed_empty(typing_context, heap, shape, dtype, fill=False):
    kind = types.Array(dtype.dtype, 1 if isinstance(shape, types.Integer) else len(shape), "C")

    def codegen(context, builder, signature, values):
        lengths = [values[1]] if isinstance(shape, types.Integer) else cgutils.unpack_tuple(builder, values[1])
        of_lengths = [shape] if isinstance(shape, types.Integer) else list(shape)
        lengths = [context.cast(builder, n, t, types.intp) for n, t in zip(lengths, of_lengths, strict=True)]
        size = ir.Constant(LONG, context.get_abi_sizeof(context.get_data_type(kind.dtype)))
        strides: list[Any] = []
        for n in reversed(lengths):
            strides.insert(0, size)
            size = builder.mul(size, n)
        last = builder.bitcast(values[0], _ADDRESS.as_pointer())
        piece = _taken(builder, size)
        with builder.if_then(cgutils.is_null(builder, piece), likely=False):
            _write_close(builder, last)
            context.call_conv.return_user_exc(builder, MemoryError, ("no room for the work of a kernel",))
        data = _keep(builder, piece, last)
        if fill:
            cgutils.memset(builder, data, size, 0)
        return _array(context, builder, kind, data, lengths, strides)

    return kind(heap, shape, dtype), codegen


def _typed_zeroed(typing_context, heap, shape, dtype):
    return _typed_empty(typing_context, heap, shape, dtype, fill=True)


open_heap, close_heap = intrinsic_of(_open_heap, _typed_open_heap), intrinsic_of(_close_heap, _typed_close_heap)
empty, zeroed = intrinsic_of(_empty, _typed_empty), intrinsic_of(_zeroed, _typed_zeroed)
room = intrinsic_of(_room, _typed_room)
