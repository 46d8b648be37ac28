"""Heap memory for the duration of a kernel.

Numba counts references to the arrays that it allocates wherever they are passed on, which is slow to compile and to
execute. Here, a kernel opens a heap and allocates from it; when the kernel returns, even with an exception, its heap is
closed, and no view may outlive it. Small arrays share a block to save the time of allocating each.
A block begins with the address of the previous one, so that closing finds them all; arrays are aligned to a cache line.
"""

import ctypes
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from samenet.fast.kernels.codegen.compiling import intrinsic_of, written_once
from samenet.fast.kernels.codegen.lowering import at_return
from samenet.fast.kernels.codegen.values import array_of
from samenet.fast.kernels.codegen.vector import BYTE, LONG

_ADDRESS = BYTE.as_pointer()
_LINE, _HEAD, _SHARED = 64, 8, 1 << 14  # bytes of a cache line, of an address, and of a block for small arrays


def _open_heap() -> None:
    """A heap for the functions below, empty at first. All of its memory is freed when the kernel returns."""


def _typed_open_heap(typing_context):
    def codegen(context, builder, signature, values):
        # The last block, and the addresses of the shared block's free memory and of its end; 0 at the function's entry.
        heap = cgutils.alloca_once(builder, ir.ArrayType(_ADDRESS, 3), zfill=True)
        at_return(builder.function, lambda returning: _close(returning, heap))
        return builder.bitcast(heap, _ADDRESS)

    return types.voidptr(), codegen


def _empty(heap: None, shape: Any, dtype: Any) -> Any:
    """An uninitialised array of this shape, a number or a tuple. Raises MemoryError."""
    return np.empty(shape, dtype)


def _zeroed(heap: None, shape: Any, dtype: Any) -> Any:
    """The same, filled with zeros."""
    return np.zeros(shape, dtype)


def _function(builder, name, result, argument):
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(result, [argument]), name)


def _write_close(builder, last):
    """Free all blocks."""
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
    builder.ret_void()


def _close(builder, heap):
    kind = _ADDRESS.as_pointer()
    close = written_once(builder.module, "samenet_close_heap", ir.VoidType(), [kind], _write_close)
    builder.call(close, [builder.bitcast(heap, kind)])


def _write_take(builder, last, size):
    """The address of this many bytes of the shared block, or of a new block, which is linked; null without memory."""
    allocate = _function(builder, "NRT_Allocate", _ADDRESS, LONG)
    line, shared = ir.Constant(LONG, -_LINE), LONG(_SHARED)
    free, end = (builder.bitcast(builder.gep(last, [LONG(i)]), LONG.as_pointer()) for i in (1, 2))
    size = builder.and_(builder.add(size, LONG(_LINE)), line)  # not 0
    start = builder.load(free)
    after = builder.add(start, size)
    with builder.if_then(builder.icmp_unsigned("<=", after, builder.load(end))):
        builder.store(after, free)
        builder.ret(builder.inttoptr(start, _ADDRESS))
    is_small = builder.icmp_unsigned("<", size, shared)
    length = builder.select(is_small, shared, size)
    piece = builder.call(allocate, [builder.add(length, LONG(_HEAD + _LINE))])
    with builder.if_then(cgutils.is_null(builder, piece), likely=False):
        builder.ret(piece)
    builder.store(builder.load(last), builder.bitcast(piece, last.type))
    builder.store(piece, last)
    start = builder.and_(builder.add(builder.ptrtoint(piece, LONG), LONG(_HEAD + _LINE - 1)), line)
    with builder.if_then(is_small):
        builder.store(builder.add(start, size), free)
        builder.store(builder.add(start, length), end)
    builder.ret(builder.inttoptr(start, _ADDRESS))


def _taken(builder, heap, size):
    kind = _ADDRESS.as_pointer()
    take = written_once(builder.module, "samenet_take", _ADDRESS, [kind, LONG], _write_take)
    return builder.call(take, [builder.bitcast(heap, kind), size])


def _typed_empty(typing_context, heap, shape, dtype, fill=False):
    kind = types.Array(dtype.dtype, 1 if isinstance(shape, types.Integer) else len(shape), "C")

    def codegen(context, builder, signature, values):
        lengths = [values[1]] if isinstance(shape, types.Integer) else cgutils.unpack_tuple(builder, values[1])
        of_lengths = [shape] if isinstance(shape, types.Integer) else list(shape)
        lengths = [context.cast(builder, n, t, types.intp) for n, t in zip(lengths, of_lengths, strict=True)]
        size = ir.Constant(LONG, np.dtype(str(kind.dtype)).itemsize)
        for n in reversed(lengths):
            size = builder.mul(size, n)
        data = _taken(builder, values[0], size)
        with builder.if_then(cgutils.is_null(builder, data), likely=False):
            context.call_conv.return_user_exc(builder, MemoryError, ("no memory for the workspace of a kernel",))
        if fill:
            cgutils.memset(builder, data, size, 0)
        return array_of(context, builder, kind, data, lengths)

    return kind(heap, shape, dtype), codegen


def _typed_zeroed(typing_context, heap, shape, dtype):
    return _typed_empty(typing_context, heap, shape, dtype, fill=True)


def _at(address: int, size: int, dtype: Any) -> Any:
    """The array of so many numbers that begins at an address."""
    memory: Any = (ctypes.c_byte * int(size * np.dtype(dtype).itemsize)).from_address(int(address))
    return np.frombuffer(memory, dtype)


def _typed_at(typing_context, address, size, dtype):
    kind = types.Array(dtype.dtype, 1, "C")

    def codegen(context, builder, signature, values):
        return array_of(context, builder, kind, builder.inttoptr(values[0], _ADDRESS), [values[1]])

    return kind(types.int64, types.int64, dtype), codegen


open_heap = intrinsic_of(_open_heap, _typed_open_heap)
empty, zeroed = intrinsic_of(_empty, _typed_empty), intrinsic_of(_zeroed, _typed_zeroed)
array_at = intrinsic_of(_at, _typed_at)
