"""The backends by name, imported when first asked for."""

import importlib
from types import ModuleType

# A new backend is a module with the functions of the contract, and a line here.
MODULES = {
    "reference": "samenet.reference",
    "numpy": "samenet.fast.numpy",
    "numba": "samenet.fast.numba",
}


def backends() -> tuple[str, ...]:
    """The names of the backends, the reference first."""
    return tuple(MODULES)


def backend(name: str) -> ModuleType:
    """The module of a backend: `backend("numba").Network` is what `from samenet.fast.numba import Network` gives.

    Raises ValueError for an unknown name, with the known ones.
    """
    if not isinstance(name, str) or name not in MODULES:
        from samenet.checks import choice  # which needs NumPy

        choice("backend", name, MODULES)
    return importlib.import_module(MODULES[name])
