"""The libraries that samenet is compared with: one file each, found automatically. Read `ours.py` and `lean.py` first.

A file has a `PEER`: its name, its ways to run a task, with their colours and markers in the figure, what pip has to
install for it, and whether it can take part. A way is a function from a task of `problem.py` to a `Call`; where it
cannot compute the same thing, it returns the reason as text, or the reason takes the function's place. A way lists what
it supports beyond sigmoids, squared error and plain descent: the first feature of a task that it lacks is the reason.
"""

import os
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from benchmarks.problem import Call, Forward, Gradient, Many, features

ACTIVATIONS = frozenset({"tanh", "relu", "identity", "softmax"})  # besides the sigmoid
EVERYTHING = ACTIVATIONS | {
    *("binary_cross_entropy", "cross_entropy", "momentum", "nesterov", "rmsprop", "adam"),
    *("l1", "l2", "dropout", "shuffle"),
    *("batch_normalization", "drop_connect", "clip_value", "clip_norm", "decay", "weights"),
}


@dataclass(frozen=True)
class Way:
    """One way to use a library: forward pass, descent, and its colour and marker (defaults if it is never plotted).

    many    the training of many networks at once
    gradient  one gradient
    takes   the `features` of a task that it supports
    model   whether it is code to read: it is never the fastest, and is left out of the kinds of settings
    """

    forward: Callable[[Any], Call | str] | str
    descent: Callable[[Any], Call | str] | str
    colour: str = "#000000"
    marker: str = "p"
    many: Callable[[Any], Call | str] | str = "many"
    gradient: Callable[[Any], Call | str] | str = "gradient"
    takes: frozenset[str] = frozenset()
    model: bool = False

    def make(self, task: Any) -> Call | str:
        """The call for a task, or the reason why there is none."""
        ways = {Forward: self.forward, Gradient: self.gradient, Many: self.many}
        way = ways.get(type(task), self.descent)
        if isinstance(way, str):
            return way
        lacking = [feature for feature in features(task) if feature not in self.takes]
        return lacking[0] if lacking else way(task)


@dataclass(frozen=True)
class Peer:
    """A library.

    name          its name in tables
    ways          its contenders, by their names in tables and in the figure
    module        the module to import; its import time is measured
    requires      arguments for pip to install it: requirements and any options
    distributions whose versions are recorded
    threaded      whether it can use more than one thread
    variables     environment variables, set before it loads; {threads} is replaced by the number of threads
    absent        why it cannot take part, "" if it can; by default, the error message from importing its module
    """

    name: str
    ways: Mapping[str, Way]
    module: str = ""
    requires: tuple[str, ...] = ()
    distributions: tuple[str, ...] = ()
    threaded: bool = True
    variables: Mapping[str, str] = field(default_factory=dict)
    absent: Callable[[], str] | None = None

    def missing(self) -> str:
        """Why it cannot take part here, "" if it can."""
        if self.absent is not None:
            return self.absent()
        return needs(self.module) if self.module else ""


def needs(*modules: str) -> str:
    """Why these cannot be imported, "" if they can."""
    try:
        for module in modules:
            import_module(module)
    except (ImportError, OSError) as error:
        return str(error)
    return ""


def registered() -> list[Peer]:
    """Every peer with a file here, samenet first; this loads none of their libraries."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    found: list[Peer] = [import_module(f"{__name__}.{name}").PEER for name in names]
    return sorted(found, key=lambda peer: peer.name != "samenet")


def ways(peers: Iterable[Peer]) -> dict[str, Way]:
    """All of their contenders, by name."""
    return {name: way for peer in peers for name, way in peer.ways.items()}


def set_variables(threads: int) -> None:
    """Set the environment variables that the libraries read when they load."""
    for peer in registered():
        os.environ.update({name: value.format(threads=threads) for name, value in peer.variables.items()})
