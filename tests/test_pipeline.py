"""The compiler of kernels types as Numba does, links what a kernel calls, and leaves Numba as it was."""

import gc
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np
import pytest
from children import printed
from compiled_once import kernels
from numba.core.compiler import run_frontend
from numba.core.dispatcher import Dispatcher

from samenet.fast.kernels.codegen import lowering, pipeline
from samenet.fast.numba import Network

A = np.arange(4.0)
# Of a number that is not known, of which Numba infers the type.
EXPRESSIONS = (
    "a + 1",
    "a - 0.5",
    "a * True",
    "a / 2",
    "7 // a",
    "2 % a",
    "-a",
    "a < 1",
    "a == a",
    "a & 1",
    "a + np.int32(1)",
)
NUMBERS = (1, 3.0, True, np.int32(3), np.float32(3), np.uint8(3))


@pytest.mark.compiled
def test_operators_return_what_numba_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In one kernel after another, for the same operators with other types, constants and variables."""
    module = kernels(monkeypatch, tmp_path / "cache", "import numpy as np")
    compared = 0
    for expression in EXPRESSIONS:
        namespace: dict[str, Any] = {"np": np, "__name__": "kernels_of_a_test"}
        file = tmp_path / "expression.py"
        file.write_text(f"def f(a):\n    return {expression}\n")
        exec(compile(file.read_text(), str(file), "exec"), namespace)
        ours, numbas = module.compiling.kernel()(namespace["f"]), numba.njit(error_model="numpy")(namespace["f"])
        for number in NUMBERS:
            try:
                expected = numbas(number)
            except numba.TypingError:
                with pytest.raises(numba.TypingError):
                    ours(number)
                continue
            assert ours(number) == expected
            (here,), (there,) = ours.nopython_signatures[-1:], numbas.nopython_signatures[-1:]
            assert here == there, expression
            compared += 1
    assert compared > 50


@pytest.mark.compiled
def test_ranges_are_pythons(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With one to three bounds, and steps that are constant, negative or variable; also of a shorter integer."""
    module = kernels(monkeypatch, tmp_path / "cache", RANGES)
    for start in (-3, 0, 2, 9):
        for end in (-4, 0, 1, 2, 7, 9, 10):
            for step in (1, 2, -1, -3):
                ranges = (
                    range(end),
                    range(start, end),
                    range(start, end, 3),
                    range(end, start, -2),
                    range(start, end, -1),
                )
                expected = [sum((i + 1) * n for i, n in enumerate(r)) for r in (*ranges, range(start, end, step))]
                for kind in (int, np.int32):
                    assert list(module.of_ranges(*map(kind, (start, end, step)))) == expected, (start, end, step)
    assert module.from_the_end(A, A.reshape(2, 2)) == (A[-1], A[-2], 2.0, 1.0, 3.0)


RANGES = """
@compiling.kernel()
def of_ranges(start, end, step):
    a = b = c = d = e = f = 0
    count = 0
    for i in range(end):
        a += (i + 1) * i
    for n in range(start, end):
        b += (n - start + 1) * n
    for n in range(start, end, 3):
        count += 1
        c += count * n
    count = 0
    for n in range(end, start, -2):
        count += 1
        d += count * n
    count = 0
    for n in range(start, end, -1):
        count += 1
        e += count * n
    count = 0
    for n in range(start, end, step):
        count += 1
        f += count * n
    return a, b, c, d, e, f

@compiling.kernel()
def from_the_end(a, m):
    return a[-1], a[-2], m[-1, 0], m[0, -1], m[-1][-1]
"""


@pytest.mark.compiled
def test_slices_are_pythons(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of bounds below, inside and above an array, and of matrices; one with a step is refused."""
    module = kernels(monkeypatch, tmp_path / "cache", SLICES)
    M = np.arange(20.0).reshape(4, 5)
    for start in range(-6, 8):
        for end in range(-6, 8):
            vector, matrix, rows = A[start:end], M[1:start, start:end], M[start:]
            expected = vector.size, vector.sum(), matrix.shape[0], matrix.shape[1], matrix.sum(), rows.sum()
            assert module.of_slices(A, M, start, end) == expected, (start, end)
    with pytest.raises(NotImplementedError, match="a slice with a step"):
        module.with_step(A, 2)


SLICES = """
@compiling.kernel()
def total(a):
    found = 0.0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            found += a[i, j]
    return found

@compiling.kernel()
def of_slices(a, m, start, end):
    part, block = a[start:end], m[1:start, start:end]
    found = 0.0
    for i in range(part.size):
        found += part[i]
    return part.size, found, block.shape[0], block.shape[1], total(block), total(m[start:])

@compiling.kernel()
def with_step(a, step):
    return a[::step].size
"""

FLOWS = """
@compiling.kernel()
def flows(a, n):
    total = last = 0.0
    for i in range(n):
        number = a[i]
        if number > 1.0:
            total += number
            half = number / 2
            while half > 0.5:
                half = half - 0.5
                seen = half
                total += seen
            continue
        for j in range(i):
            both = number + a[j]
            total += both
        if i == 0:
            begun = number + 10.0
        last = number
    if n > 2:
        more = total + last
    else:
        more = -last
    return more + begun
"""


@pytest.mark.compiled
def test_variables_are_what_they_are_in_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Assigned once or more, in a loop, in a branch, and read where another block begins."""
    module = kernels(monkeypatch, tmp_path / "cache", FLOWS)
    for a in (A, A[::-1].copy(), A / 3):
        for n in range(1, 5):
            if a[0] <= 1.0:
                assert module.flows(a, n) == module.flows.py_func(a, n)


@pytest.mark.compiled
def test_what_is_linked_is_no_function_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    module = kernels(monkeypatch, tmp_path / "cache")
    assert module.twice(A) == 12
    assert not module.inner.overloads
    assert not list((tmp_path / "cache").rglob("*inner*"))
    assert module.inner(A) == 12, "until Python calls it"
    assert len(module.inner.overloads) == 1


FAILS = """
@compiling.kernel()
def inner(a):
    return missing(a)

@compiling.kernel()
def twice(a):
    return inner(a)
"""


@pytest.mark.compiled
def test_numba_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Even if a kernel cannot be compiled; other packages' functions, and those they call, are compiled normally."""
    before = Dispatcher.get_call_template, Dispatcher.get_overload
    for text in ("", FAILS):
        module = kernels(monkeypatch, tmp_path / "cache", text or SMALLEST)
        for collects in (False, True):
            (gc.enable if collects else gc.disable)()
            try:
                if text:
                    with pytest.raises(numba.TypingError, match="missing"):
                        module.twice(A)
                else:
                    assert module.twice(A) == 3
                assert gc.isenabled() is collects
            finally:
                gc.enable()
        assert (Dispatcher.get_call_template, Dispatcher.get_overload) == before

    @numba.njit
    def inner(a):  # type: ignore[no-untyped-def]
        return min(a.size, 3) + np.zeros(2).sum()

    @numba.njit
    def of_others(a):  # type: ignore[no-untyped-def]
        return inner(a)

    assert of_others(A) == 3
    assert len(inner.overloads) == 1


SMALLEST = """
@compiling.kernel()
def twice(a):
    return min(a.size, 3) + a[:1].sum()
"""


LOADS = """
import sys
import numpy as np
from numba import njit
from samenet.fast.kernels.codegen import compiling
from samenet.fast.numba import Network

Network([2, 1], seed=0).predict([0.5, 0.5])  # loaded from the cache, or compiled
compiled = compiling.kernel()(lambda a: a.size)
assert compiled(np.ones(3)) == 3
assert "scipy.linalg" not in sys.modules
from numba.np import arraymath, linalg
assert linalg.ensure_blas is arraymath.ensure_blas and linalg.ensure_blas.__module__ == "numba.np.linalg"
assert njit(lambda a: np.dot(a, a))(np.ones(3)) == 3
assert "scipy.linalg" in sys.modules
"""


@pytest.mark.compiled
def test_scipy_is_loaded_by_who_needs_a_blas() -> None:
    pytest.importorskip("scipy")
    subprocess.run([sys.executable, "-c", LOADS], check=True, timeout=100)


def test_older_versions_of_numba_have_passes_without_a_builder() -> None:
    given = []
    passes = SimpleNamespace(run=lambda *arguments: given.append(arguments))
    library = object.__new__(pipeline.compiler_for(light=True, full=False).library)
    library._codegen = SimpleNamespace(_module_pass_manager=lambda **options: given.append(options) or passes)
    library._final_module = "module"
    library._optimize_final_module()
    assert given == [{"opt": 1, "loop_vectorize": False}, ("module",)]


def test_a_variable_is_a_value_only_if_it_is_assigned_before_all_uses() -> None:
    """On every path: without Numba's own phi nodes, here one skips the assignment."""

    def function(n):
        if n > 0:
            begun = n
        return begun

    lower = object.__new__(lowering.KernelLower)
    lower.blocks = run_frontend(function).blocks
    lower._find_singly_assigned_variable()
    assert "n" in lower._singly_assigned_vars
    assert "begun" not in lower._singly_assigned_vars


PREDICTS = """
import numpy as np
from samenet.fast.numba import Network
X = np.arange(120.0).reshape(40, 3) / 100
print(Network([3, 9, 2], seed=0).predict(X).tolist())
"""


@pytest.mark.without_jit
def test_what_is_compiled_answers_as_the_plain_kernels(tmp_path: Path) -> None:
    """In a process with the JIT, in which the lines of the compiler are counted, too."""
    X = np.arange(120.0).reshape(40, 3) / 100
    environment = {"NUMBA_DISABLE_JIT": "0", "NUMBA_CACHE_DIR": str(tmp_path)}
    compiled = np.array(json.loads(printed(PREDICTS, **environment)))
    assert list(tmp_path.rglob("*.nbc")), "nothing was compiled"
    np.testing.assert_allclose(compiled, Network([3, 9, 2], seed=0).predict(X), rtol=1e-13)
