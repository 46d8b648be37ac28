"""However a kernel refers to another, that one is compiled before it is called, even from the cache, or Python raises.

LLVM aborts the process when compiled code calls an undefined symbol, and with it these tests.
"""

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from compiled_once import kernels
from numba.core.errors import NumbaError

A = np.arange(4.0)
TOTAL = """
import numpy as np
from numba import float64, int64

@compiling.external(lambda f: (f[::1],), returns=float64)
def total(a):
    result = 0.0
    for i in range(a.size):
        result += a[i]
    return result
"""
# The code after `total`; `others` is another module, which also contains `total`.
WAYS = {
    "a global name": """
@compiling.kernel()
def twice(a):
    return 2 * total(a)
""",
    "another name": """
same = total

@compiling.kernel()
def twice(a):
    return 2 * same(a)
""",
    "a name of a function": """
@compiling.kernel()
def twice(a):
    f = total
    return 2 * f(a)
""",
    "an attribute of a module": """
others.total = total

@compiling.kernel()
def twice(a):
    return 2 * others.total(a)
""",
    "an attribute of a module in a module": """
others.inner = ModuleType("inner")
others.inner.total = total

@compiling.kernel()
def twice(a):
    return 2 * others.inner.total(a)
""",
    "a renamed import": """
others.total = total
from others import total as sum_of

@compiling.kernel()
def twice(a):
    return 2 * sum_of(a)
""",
    "an import in the kernel's maker": """
others.total = total

def made():
    from others import total as inner

    @compiling.kernel()
    def twice(a):
        return 2 * inner(a)

    return twice

twice = made()
""",
    "a closure": """
def made(f):
    @compiling.kernel()
    def twice(a):
        return 2 * f(a)

    return twice

twice = made(total)
""",
    "a nested function": """
@compiling.kernel()
def twice(a):
    def inner(b):
        return total(b)

    return 2 * inner(a)
""",
    "a lambda": """
@compiling.kernel()
def twice(a):
    return (lambda b: 2 * total(b))(a)
""",
    "a name that is defined later": """
@compiling.kernel()
def twice(a):
    return 2 * later(a)

@compiling.external(lambda f: (f[::1],), returns=float64)
def later(a):
    return total(a)
""",
    "a kernel of another module": """
namespace = {"compiling": compiling, "total": total, "__name__": "others", "__file__": __file__}
exec("@compiling.kernel()\\ndef helper(a):\\n    return total(a)", namespace)
others.helper = namespace["helper"]

@compiling.kernel()
def twice(a):
    return 2 * others.helper(a)
""",
    "an external kernel's closure": """
def made(f):
    @compiling.external(lambda d: (d[::1],), returns=float64)
    def inner(a):
        return f(a)

    return inner

inner = made(total)

@compiling.kernel()
def twice(a):
    return 2 * inner(a)
""",
    "itself": """
@compiling.external(lambda f: (f[::1],), returns=float64)
def inner(a):
    return inner(a[1:]) + a[0] if a.size else 0.0 * total(a)

@compiling.kernel()
def twice(a):
    return 2 * inner(a)
""",
    "each other": """
@compiling.external(lambda f: (f[::1],), returns=float64)
def inner(a):
    return others.inner(a[1:]) + a[0] if a.size else 0.0 * total(a)

@compiling.external(lambda f: (f[::1],), returns=float64)
def outer(a):
    return inner(a[1:]) + a[0] if a.size else 0.0

others.inner = outer

@compiling.kernel()
def twice(a):
    return 2 * inner(a)
""",
    "plain functions that numba compiles": """
import numba
from numba.extending import register_jitable

@register_jitable
def first(a):
    return total(a)

@numba.njit
def second(a):
    return first(a)

@compiling.kernel()
def twice(a):
    return 2 * second(a)
""",
    "a default argument": """
@compiling.kernel()
def twice(a, f=total):
    return 2 * f(a)
""",
    "a loop over functions": """
from numba import literal_unroll

@compiling.kernel()
def twice(a):
    result = 0.0
    for f in literal_unroll((total, total)):
        result += f(a)
    return result
""",
}


def module_of(patch: pytest.MonkeyPatch, folder: Path, text: str) -> ModuleType:
    """A module as a new process sees it, with `others` beside it that can be imported."""
    others = ModuleType("others")
    patch.setitem(sys.modules, "others", others)
    return kernels(patch, folder, "import others\nfrom types import ModuleType\n" + TOTAL + text)


@pytest.mark.compiled
@pytest.mark.parametrize("way", WAYS)
def test_what_is_called_is_compiled_before(way: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for _ in ("compiled", "from the cache"):
        module = module_of(monkeypatch, tmp_path / "cache", WAYS[way])
        assert module.twice(A) == 12
        assert module.twice(A.astype(np.float32)) == 12
        assert [str(dtype) for dtype in module.total.external.compiled] == ["float64", "float32"]


# A kernel `twice` that cannot be compiled, and what its error must name.
UNRESOLVABLE = {
    "no such name": ("def twice(a):\n    return 2 * missing(a)\n", "missing"),
    "no such attribute": ("def twice(a):\n    return 2 * others.missing(a)\n", "missing"),
    "no array that tells the dtype": ("def twice(a):\n    return total(np.int64(3))\n", "kernels_of_a_test.total"),
    "an array of another dtype": ("def twice(a):\n    return pair(a, a)\n", "kernels_of_a_test.pair"),
    "an array of another shape": ("def twice(a):\n    return total(a.reshape(2, 2))\n", "kernels_of_a_test.total"),
    "an array of another order": ("def twice(a):\n    return total(a[::2])\n", "kernels_of_a_test.total"),
    "a number for an array": ("def twice(a):\n    return pair(a, 3)\n", "kernels_of_a_test.pair"),
    "an array for a number": ("def twice(a):\n    return scaled(a, a)\n", "kernels_of_a_test.scaled"),
    "too few": ("def twice(a):\n    return pair(a)\n", "pair"),
    "no such name in what it calls": ("def twice(a):\n    return fails(a)\n", "missing"),
    "no such name in what that calls": ("def twice(a):\n    return calls(a)\n", "missing"),
}
MORE = """
@compiling.external(lambda f: (f[::1], int64[::1]), returns=float64)
def pair(a, b):
    return a[0]

@compiling.external(lambda f: (f[::1], float64), returns=float64)
def scaled(a, b):
    return a[0] * b

@compiling.external(lambda f: (f[::1],), returns=float64)
def fails(a):
    return missing(a)

@compiling.external(lambda f: (f[::1],), returns=float64)
def calls(a):
    result = 0.0
    for _ in range(3):
        result += fails(a)
    return result

@compiling.kernel()
"""


@pytest.mark.compiled
@pytest.mark.parametrize("kind", UNRESOLVABLE)
def test_what_cannot_be_called_is_an_error_that_names_it(
    kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text, named = UNRESOLVABLE[kind]
    module = module_of(monkeypatch, tmp_path / "cache", MORE + text)
    for _ in range(2):  # the second time as well: nothing half registered is left
        with pytest.raises((NumbaError, TypeError, NameError, AttributeError), match=named):
            module.twice(A)
    failed = "fails" if "calls" in kind else "twice"
    assert not list((tmp_path / "cache").rglob(f"*{failed}*.nbc"))


SAME_NAME = """
def made(n):
    @compiling.external(lambda f: (f[::1],), returns=float64)
    def f(a):
        return n

    return f

made(1.0), made(2.0)
"""


def test_two_kernels_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The second would be called in place of the first."""
    with pytest.raises(ValueError, match=r"kernels_of_a_test\.made\.<locals>\.f already"):
        module_of(monkeypatch, tmp_path / "cache", SAME_NAME)
