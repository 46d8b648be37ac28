"""Loading Numba's implementations in half the time, before the first kernel is compiled."""

import importlib.util
import sys


def load_array_functions() -> None:
    """Load Numba's array functions without SciPy, which they would import to look for BLAS.

    SciPy is then imported only if a function that needs BLAS is called.
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
