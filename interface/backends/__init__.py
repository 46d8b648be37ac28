"""The backends by name, imported when first asked for."""

import importlib
from collections.abc import Iterable
from types import ModuleType

# A new backend is a module with the contract's functions, and a line here.
MODULES: dict[str, str] = {
    "reference": "samenet.reference",
    "numpy": "samenet.fast.numpy",
    "numba": "samenet.fast.numba",
}
EXTRAS = {"torch": "samenet.fast.torch", "jax": "samenet.fast.jax"}  # which need a library that samenet does not


def backends() -> tuple[str, ...]:
    """The names of the backends, the reference first."""
    return tuple(MODULES)


def backend(name: str) -> ModuleType:
    """The module of a backend: `backend("numba").Network` is what `from samenet.fast.numba import Network` gives.

    Raises ValueError for an unknown name, listing the known ones, and ImportError, with the reason, for a backend that
    cannot be imported. The other backends work without it.
    """
    modules = MODULES | EXTRAS
    if type(name) is not str or name not in modules:
        from samenet.validation.checks import choice  # which needs NumPy

        choice("backend", name, modules)
    try:
        return importlib.import_module(modules[name])
    except Exception as error:  # a Numba that does not match its NumPy fails in many ways
        reason = f"{type(error).__name__}: {error}"
        raise ImportError(f"the backend {name!r} cannot be imported here ({reason})", name=modules[name]) from error


def missing(names: Iterable[str]) -> dict[str, str]:
    """Those of the named backends that cannot be imported, with the reason."""
    found: dict[str, str] = {}
    for name in names:
        try:
            backend(name)
        except ImportError as error:
            found[name] = str(error)
    return found
