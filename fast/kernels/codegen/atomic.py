"""Numbers in arrays that several threads change: each operation is atomic."""

from threading import Lock

import numpy as np
from numba import types
from numpy.typing import NDArray

from samenet.fast.kernels.codegen.compiling import intrinsic_of

lock = Lock()  # protects the numbers when the JIT is disabled


def _add(queue: NDArray[np.int64], place: int, number: int) -> int:
    """Atomically queue[place] += number; returns the previous value."""
    with lock:
        before = int(queue[place])
        queue[place] = before + number
        return before


def _exchange(queue: NDArray[np.int64], place: int, expected: int, number: int) -> bool:
    """Atomic compare-and-swap: if queue[place] is `expected`, store a number; returns whether it did."""
    with lock:
        if queue[place] != expected:
            return False
        queue[place] = number
        return True


def _read(queue: NDArray[np.int64], place: int) -> int:
    """Atomically read queue[place]."""
    return int(queue[place])


def place_of(context, builder, kind, queue, place):
    """The address of a number of an array."""
    array = context.make_array(kind)(context, builder, queue)
    return builder.gep(array.data, [place])


def _typed_add(typing_context, queue, place, number):
    def codegen(context, builder, signature, values):
        pointer = place_of(context, builder, queue, *values[:2])
        return builder.atomic_rmw("add", pointer, values[2], "seq_cst")

    return types.int64(queue, types.int64, types.int64), codegen


def _typed_exchange(typing_context, queue, place, expected, number):
    def codegen(context, builder, signature, values):
        pointer = place_of(context, builder, queue, *values[:2])
        result = builder.cmpxchg(pointer, values[2], values[3], "seq_cst", "seq_cst")
        return builder.extract_value(result, 1)

    return types.boolean(queue, types.int64, types.int64, types.int64), codegen


def _typed_read(typing_context, queue, place):
    def codegen(context, builder, signature, values):
        return builder.load_atomic(place_of(context, builder, queue, *values), "seq_cst", 8)

    return types.int64(queue, types.int64), codegen


add = intrinsic_of(_add, _typed_add)
exchange = intrinsic_of(_exchange, _typed_exchange)
read = intrinsic_of(_read, _typed_read)
