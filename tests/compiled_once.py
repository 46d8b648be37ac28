"""Kernels defined by a test and compiled in the test process, as often as the test needs."""

import sys
from types import ModuleType
from typing import Any

import generated
import numba
import pytest

from samenet.fast.kernels.codegen import uninterrupted

TEXT = """
from numba import float64, int64

@compiling.external(lambda f: (f[::1],), "reassoc", returns=float64)
def total(a):
    result = 0.0
    for i in range(a.size):
        result += a[i]
    return result

@compiling.external(lambda f: (f[::1], float64), returns=float64)
def times(a, factor):
    return factor * total(a)

@compiling.kernel()
def inner(a):
    return times(a, 2.0)

@compiling.kernel()
def twice(a):
    return inner(a)
"""


def kernels(
    monkeypatch: pytest.MonkeyPatch, folder: Any, text: str = TEXT, stamp: bytes | None = b"stamp"
) -> ModuleType:
    """A module of these kernels, as in a new process that has compiled nothing yet, with its cache in a folder."""
    monkeypatch.setattr(numba.config, "DISABLE_JIT", False)
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(folder))
    # Numba reads its settings again when the environment has changed, which another test may have done.
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(folder))
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "0")
    monkeypatch.setattr(uninterrupted, "prepare", lambda: None)  # once in a process is enough
    compiling = generated.again("codegen.compiling")
    compiling._STAMP = stamp
    module = ModuleType("kernels_of_a_test")
    file = folder.parent / f"{module.__name__}.py"
    file.write_text(text)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    vars(module).update(compiling=compiling, others=ModuleType("others"), __file__=str(file))
    exec(compile(text, str(file), "exec"), vars(module))
    return module
