"""The backends by name, imported when first used."""

import importlib
from collections.abc import Iterable
from types import ModuleType

# To add a backend, write a module with the contract's functions, and add a line here. Other packages register theirs by
# an entry point, see `samenet.backends.plugins`.
MODULES: dict[str, str] = {
    "reference": "samenet.reference",
    "numpy": "samenet.fast.numpy",
    "numba": "samenet.fast.numba",
}
# Backends that need a library, an extra of the same name; they are used only when selected by name.
EXTRAS = {"torch": "samenet.fast.torch", "jax": "samenet.fast.jax"}


def backends() -> tuple[str, ...]:
    """The names of the built-in backends, the reference first, and then those of other installed packages.

    `backend` knows two more, which are extras: "torch" and "jax".
    """
    from samenet.backends.plugins import plugins

    return (*MODULES, *(name for name in plugins() if name not in MODULES | EXTRAS))


def known_backends() -> tuple[str, ...]:
    """All names that `backend` knows, including those of extras, whether or not they are installed."""
    return (*backends(), *EXTRAS)


def backend(name: str) -> ModuleType:
    """The module of a backend: `backend("numba").Network` is what `from samenet.fast.numba import Network` gives.

    Raises ValueError for an unknown name, listing the known ones, and ImportError, with the reason, for a backend that
    cannot be imported. The other backends work without it.
    """
    modules = MODULES | EXTRAS
    if type(name) is not str or name not in modules:
        from samenet.validation.checks import choice  # which needs NumPy

        name = choice("backend", name, known_backends())
    try:
        if name not in modules:
            from samenet.backends.plugins import load

            return load(name)  # type: ignore[no-any-return]
        return importlib.import_module(modules[name])
    except (Exception, SystemExit) as error:  # a Numba that does not match its NumPy fails in many ways
        reason = f"{type(error).__name__}: {error}"
        extra = f"; try pip install 'samenet[{name}]'" if name in EXTRAS else ""
        text = f"the backend {name!r} cannot be imported here ({reason}){extra}"
        raise ImportError(text, name=modules.get(name)) from error


def missing(names: Iterable[str]) -> dict[str, str]:
    """Those of the named backends that cannot be imported, with the reason."""
    found: dict[str, str] = {}
    for name in names:
        try:
            backend(name)
        except ImportError as error:
            found[name] = str(error)
    return found
