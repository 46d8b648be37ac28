"""The memory that kernels allocate for themselves between guard pages, too: no read or write is out of bounds.

    python tests/hardening/guarded_heap.py --sizes 1 40 --rows 1 24

The networks, checks and options are those of `guard_pages.py`, but each array on the heap and on the stack of a kernel
lies directly before a guard page, and then directly after one, instead of beside other arrays. Its bytes are those of
NaN at first, or 0 for the expected answers, so that other bits show that uninitialised memory was read. Kernels are
compiled for this, which takes a minute or two. With SAMENET_NARROW=1 in the environment, each such array lacks its last
bytes: must fail.
"""

import ctypes
import mmap
import os
import sys
import tempfile
from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba.core import cgutils, types

from samenet.fast.kernels.codegen import memory, microkernels
from samenet.fast.kernels.codegen.compiling import intrinsic_of
from samenet.fast.kernels.codegen.values import array_of
from samenet.fast.kernels.codegen.vector import LONG

PAGE, LESS = mmap.PAGESIZE, 4 * ("SAMENET_NARROW" in os.environ)
_protect = ctypes.CDLL(None).mprotect
_protect.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int


class Guarded:
    """The blocks of all heaps, each block with one array."""

    def __init__(self) -> None:
        self.blocks: dict[int, list[tuple[Any, int, int]]] = {}  # by the address of their heap
        self.at_end, self.fill = True, 255

    def take(self, heap: int, size: int) -> int:
        """The address of an array of this many bytes."""
        size = max(0, size - LESS)
        room = max(1, -(-size // PAGE)) * PAGE
        block = (ctypes.c_ubyte * (room + 2 * PAGE)).from_buffer(mmap.mmap(-1, room + 2 * PAGE))
        first = ctypes.addressof(block)
        ctypes.memset(first + PAGE, self.fill, room)
        for guard in (first, first + PAGE + room):
            if _protect(guard, PAGE, 0):  # PROT_NONE
                os.abort()
        start = PAGE + (room - size if self.at_end else 0)
        self.blocks.setdefault(heap, []).append((block, start, size))
        return first + start

    def close(self, heap: int) -> None:
        """Free the arrays of a heap; the process ends if anything was written beside one."""
        for block, start, size in self.blocks.pop(heap, ()):
            beside = bytes(block[PAGE:start]) + bytes(block[start + size : len(block) - PAGE])
            if beside.strip(beside[:1]):
                os.abort()


GUARDED = Guarded()
_take = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_long)(GUARDED.take)
_close = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(GUARDED.close)


def _write(builder: Any, name: str, result: Any, heap: Any, *more: Any) -> Any:
    kind = ir.FunctionType(result, [memory._ADDRESS, *(value.type for value in more)])
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    return builder.call(function, [builder.bitcast(heap, memory._ADDRESS), *more])


def write_take(builder: Any, heap: Any, size: Any) -> Any:
    """Replaces `memory._taken`."""
    return _write(builder, "guarded_take", memory._ADDRESS, heap, size)


def write_close(builder: Any, heap: Any) -> None:
    """Replaces `memory._close`."""
    _write(builder, "guarded_close", ir.VoidType(), heap)


def on_stack(m: int, n: int) -> Any:
    """Replaces `microkernels.on_stack`: the array has a heap of its own."""

    def plain(a: Any) -> Any:
        raise NotImplementedError("memory between guard pages is for compiled kernels")

    def typed(typing_context: Any, a: Any) -> Any:
        kind = types.Array(a.dtype, 2, "C")

        def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            heap = cgutils.alloca_once(builder, memory._ADDRESS)
            with builder.goto_entry_block():
                data = write_take(builder, heap, LONG(m * n * a.dtype.bitwidth // 8))
            memory.at_return(builder.function, lambda returning: write_close(returning, heap))
            return array_of(context, builder, kind, data, [LONG(m), LONG(n)])

        return kind(a), codegen

    return intrinsic_of(plain, typed)


def main() -> int:
    """Run `guard_pages` with these kernels, in child processes that share a cache of their own."""
    for name, function in (("guarded_take", _take), ("guarded_close", _close)):
        llvmlite.binding.add_symbol(name, ctypes.cast(function, ctypes.c_void_p).value)
    assert "samenet.fast.kernels.narrow" not in sys.modules, "it has taken the usual function"
    memory._taken, memory._close, microkernels.on_stack = write_take, write_close, on_stack
    import guard_pages

    answers = guard_pages.answers

    def filled(where: Any, *given: Any) -> Any:
        is_usual = isinstance(where, guard_pages.Usual)
        GUARDED.at_end, GUARDED.fill = is_usual or where.at_end, 0 if is_usual else 255
        return answers(where, *given)

    guard_pages.answers, guard_pages.__file__, guard_pages.__doc__ = filled, __file__, __doc__
    if "--child" in sys.argv:
        return guard_pages.main()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NUMBA_CACHE_DIR"] = folder
        return guard_pages.main()


if __name__ == "__main__":
    sys.exit(main())
