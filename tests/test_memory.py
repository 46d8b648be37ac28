"""Memory that a kernel takes from the heap: where it begins, what it holds, that it is given back, and no room."""

import sys
from types import ModuleType

import numpy as np
import pytest
from children import printed
from compiled_once import kernels

TEXT = """
import numpy as np

from samenet.fast.kernels.codegen.memory import close_heap, empty, open_heap, room, zeroed

@compiling.kernel()
def taken(a, n, filled):
    heap = open_heap()
    first = empty(heap, n, a.dtype)
    for i in range(n):
        first[i] = i
    flags, cube = zeroed(heap, 3, np.int64), zeroed(heap, (2, n, 3), np.int32)
    total = first.sum() + flags.sum() + cube.sum() + cube.size
    for place in (first.ctypes.data, flags.ctypes.data, cube.ctypes.data):
        if place % 64:
            total = -1.0
    large = zeroed(heap, filled, a.dtype)
    total += large.size
    close_heap(heap)
    return total


@compiling.kernel()
def found(a, n):
    heap = open_heap()
    first = room(heap, n, a.dtype)
    for i in range(first.size):
        first[i] = i
    total = first.sum() + (first.ctypes.data % 64 if first.size else 0)
    close_heap(heap)
    return first.size, total
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


@pytest.mark.compiled
def test_all_is_given_back(module: ModuleType) -> None:
    """Also of a call for which there is no room, which is an error, and nothing else."""
    resource = pytest.importorskip("resource")
    a, filled = np.zeros(1), 1 << 17
    module.taken(a, 10, filled)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(300):  # of a MiB
        module.taken(a, 10, filled)
    for _ in range(300):
        with pytest.raises(MemoryError, match="no room"):
            module.taken(a, 1 << 14, 1 << 58)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown / (1 if sys.platform != "darwin" else 1024) < 50 * 1024


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_where_there_is_no_room_for_an_external_kernel_there_is_no_number(module: ModuleType, dtype: str) -> None:
    a = np.zeros(1, dtype)
    for _ in range(3):
        assert module.found(a, 1000) == (1000, 499500)
        assert module.found(a, 1 << 58) == (0, 0)


WITHOUT_MEMORY = """
import numpy as np
from samenet.fast.kernels import gemm

gemm.room = lambda heap, length, dtype: np.empty(0, dtype)
C = np.zeros((3, 4))
gemm.packed_product(np.ones((3, 2)), np.ones((2, 4)), np.zeros((1, 4)), C, 1.0)
print(np.isnan(C).all())
"""


@pytest.mark.compiled
def test_a_product_without_memory_is_nan() -> None:
    """And not what C has held before. Without the JIT, where another function can take the place of `room`."""
    assert printed(WITHOUT_MEMORY, NUMBA_DISABLE_JIT="1").strip() == "True"
