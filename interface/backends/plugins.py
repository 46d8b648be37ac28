"""Backends of other packages, which register them by an entry point of the group `samenet.backends`.

    [project.entry-points."samenet.backends"]
    mine = "my_package.my_backend"

The module must have `feed_forward(model, x)`. Other functions of the contract that it lacks come from
`samenet.backends.generic`, and `adopt` gives it a `Network`. A plug-in cannot replace a built-in backend.
"""

import difflib
import importlib
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

GROUP = "samenet.backends"


@cache
def plugins() -> dict[str, EntryPoint]:
    """The entry points of installed packages, by name, in alphabetical order."""
    found = {point.name: point for point in entry_points(group=GROUP)}
    return dict(sorted(found.items()))


def load(name: str) -> Any:
    """The module with this name, ready for use. Raises whatever importing it raises."""
    return adopt(plugins()[name].load())


def adopt(module: Any) -> Any:
    """Give a module with some or all of the contract's functions a `Network` class; returns the module.

    Raises TypeError for anything without a callable `feed_forward`.
    """
    if not callable(getattr(module, "feed_forward", None)):
        name = getattr(module, "__name__", None) or type(module).__name__
        text = f"backend: expected a module with a function feed_forward(model, x), got {name}, without one"
        raise TypeError(f"{text}{_instead(module)}")
    if getattr(vars(module).get("Network"), "backend", None) is not module:  # none, or one imported from elsewhere
        module.Network = network_on(module)
    return module


def _instead(module: Any) -> str:
    """A hint for a module without `feed_forward`: a function with a similar name, or a class that has it."""
    others = {name: of for name, of in dict(getattr(module, "__dict__", {})).items() if callable(of)}
    if inside := next((name for name, of in others.items() if "feed_forward" in getattr(of, "__dict__", {})), None):
        return f"; its class {inside} has one, which has to be a function of the module itself"
    plain = {name.lower().replace("_", ""): name for name in others}
    near = difflib.get_close_matches("feedforward", plain, 1, 0.75) or [name for name in ("forward",) if name in plain]
    return f"; did you mean its {plain[near[0]]!r}?" if near else ""


def network_on(module: ModuleType) -> Any:
    """A class `Network` that uses a module's functions."""
    base = importlib.import_module("samenet.network").Network
    contents = {
        "backend": module,
        "__module__": module.__name__,
        "__doc__": f"The network on {module.__name__}; documented in `samenet.network.Network`.",
    }
    return type("Network", (base,), contents)
