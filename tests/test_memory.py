"""Memory that a kernel takes from the heap: where it begins, what it holds, that it is given back, and no room."""

import sys
from types import ModuleType

import numpy as np
import pytest
from compiled_once import kernels

TEXT = """
import numpy as np

from samenet.fast.kernels.codegen.memory import close_heap, empty, open_heap, zeroed

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
