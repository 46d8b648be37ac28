"""Machinery: what Numba loads before it compiles, or takes a kernel from the disk, in half of the time."""

import importlib.util
import sys


def load_array_functions() -> None:
    """Have Numba's functions of arrays loaded without SciPy, which they import to see if there is a BLAS.

    Whoever calls a function that needs one has SciPy imported then.
    """
    if "numba.np.arraymath" in sys.modules:
        return
    from numba.np import linalg

    ensure_blas = linalg.ensure_blas
    if importlib.util.find_spec("scipy") is None:
        return
    linalg.ensure_blas = lambda: None
    try:
        from numba.np import arraymath

        vars(arraymath)["ensure_blas"] = ensure_blas
    finally:
        linalg.ensure_blas = ensure_blas
