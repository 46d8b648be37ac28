"""The tutorials' experiments, a short script each: `samenet examples` lists and runs them."""

import importlib
import pkgutil


def names() -> list[str]:
    """The names of the examples."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def run(name: str) -> None:
    """Run an example's `main()`, which prints what it finds."""
    importlib.import_module(f"{__name__}.{name}").main()
