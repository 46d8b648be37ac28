"""Memory that a kernel takes from the heap: alignment, contents, and that it is freed however the kernel ends."""

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from compiled_once import kernels
from llvmlite import ir

from samenet.fast.kernels.codegen import lowering, pipeline

TEXT = """
import numpy as np
from numba import float64, int64

from samenet.fast.kernels.codegen.memory import empty, open_heap, zeroed

@compiling.kernel()
def taken(a, n, filled):
    heap = open_heap()
    first = empty(heap, n, a.dtype)
    for i in range(n):
        first[i] = i
    flags, cube = zeroed(heap, 3, np.int64), zeroed(heap, (2, n, 3), np.int32)
    total = 0.0 + cube.size
    for i in range(n):
        total += first[i] + cube[0, i, 0] + cube[1, i, 2]
    for i in range(3):
        total += flags[i]
    for place in (first.ctypes.data, flags.ctypes.data, cube.ctypes.data):
        if place % 64:
            return -1.0
    large = zeroed(heap, filled, a.dtype)
    return total + large.size


@compiling.external(lambda f: (f[::1],))
def never_compiled(a):
    a[0] += 1


@compiling.external(lambda f: (f[::1], int64, int64), returns=float64)
def inner(a, filled, more):
    heap = open_heap()
    own = zeroed(heap, filled, a.dtype)
    if more < 0:
        never_compiled(own)
    return own[0] + empty(heap, max(more, 1), a.dtype).size


@compiling.kernel()
def between(a, filled, more):
    heap = open_heap()
    own = zeroed(heap, filled, a.dtype)
    for _ in range(2):
        own[0] += inner(own, filled, more)
    return own[0]


@compiling.kernel()
def outer(a, filled, more):
    heap = open_heap()
    own = zeroed(heap, filled, a.dtype)
    if filled == 1:
        return 0.0
    return between(own, filled, more)


@compiling.kernel()
def asks(a, filled):
    heap = open_heap()
    own = zeroed(heap, filled, a.dtype)
    never_compiled(own)
    return own[0]
"""


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        return kernels(patch, tmp_path_factory.mktemp("cache"), TEXT)


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_arrays_begin_with_a_cache_line_and_are_whole(module: ModuleType, dtype: str) -> None:
    for n in (0, 1, 7, 1000):
        assert module.taken(np.zeros(1, dtype), n, 0) == n * (n - 1) // 2 + 2 * n * 3


def grown(call: Callable[[], Any]) -> int:
    """The growth of the process in bytes over 300 calls that each take a MiB or more."""
    resource = pytest.importorskip("resource")
    call()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(300):
        call()
    found: int = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return found * (1024 if sys.platform != "darwin" else 1)


FILLED = 1 << 17  # numbers, which are a MiB
MOST = 50 << 20  # bytes that may have other causes


@pytest.mark.compiled
def test_all_is_given_back(module: ModuleType) -> None:
    """Also by a call that runs out of memory, which only raises an error."""
    a = np.zeros(1)

    def no_room() -> None:
        with pytest.raises(MemoryError, match="no memory"):
            module.taken(a, 1 << 14, 1 << 58)

    assert grown(lambda: module.taken(a, 10, FILLED)) < MOST
    assert grown(no_room) < MOST
    assert module.outer(a, FILLED, 5) == 10
    assert grown(lambda: module.outer(a, FILLED, 5)) < MOST
    assert module.outer(a, 1, 5) == 0, "an earlier return"


@pytest.mark.compiled
@pytest.mark.parametrize("kind", ["no memory", "not compiled", "not compiled for a kernel"])
def test_all_is_given_back_whoever_raises(module: ModuleType, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a called kernel raises, or Python while compiling one, the memory of all callers is freed."""
    a = np.zeros(1)

    def load(*given: Any) -> None:
        raise RuntimeError("no memory, as it were, to compile")

    monkeypatch.setattr(module.never_compiled.external.cache, "load_overload", load)

    def call() -> None:
        if kind == "not compiled for a kernel":
            module.asks(a, FILLED)
        else:
            module.outer(a, FILLED, 1 << 58 if kind == "no memory" else -1)

    def fails() -> None:
        with pytest.raises(MemoryError if kind == "no memory" else RuntimeError, match="no memory"):
            call()

    assert grown(fails) < MOST


def test_a_function_that_returns_in_several_places_is_closed_in_all() -> None:
    """Once before each return; functions without a heap are not changed."""
    module = ir.Module()
    function, other = (
        ir.Function(module, ir.FunctionType(ir.VoidType(), [ir.IntType(1)]), name) for name in ("one", "other")
    )
    for each in (function, other):
        builder = ir.IRBuilder(each.append_basic_block())
        with builder.if_then(each.args[0]):
            builder.ret_void()
        builder.ret_void()
    lowering.at_return(function, lambda builder: builder.comment("closed"))

    class Library(pipeline._Library):
        def __init__(self) -> None:
            self.added = list[str]()

        def _raise_if_finalized(self) -> None:
            pass

        def add_llvm_module(self, module: Any) -> None:
            self.added.append(module.name)

    library = Library()
    library.add_ir_module(module)
    assert len(library.added) == 1
    assert (str(function).count("closed"), str(other).count("closed")) == (2, 0)
