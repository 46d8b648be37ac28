"""Who is set beside samenet: a file of this folder each, which is found by being here. Read `ours.py` and `lean.py`.

A file has a `PEER`: its name, its ways to do a task with the colour and the marker of each in the figure, what pip has
to install for it, and whether it can take part. A way is a function of a task of `problem.py` that gives a `Call`;
where it cannot compute the same thing, it gives the reason instead, or the reason stands in its place. What a task
needs beyond sigmoids, squared error and plain descent, a way has to list: the first that it lacks is the reason.
"""

import os
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from benchmarks.problem import Call, Forward, Many, features

ACTIVATIONS = frozenset({"tanh", "relu", "identity", "softmax"})  # besides the sigmoid
EVERYTHING = ACTIVATIONS | {
    *("binary_cross_entropy", "cross_entropy", "momentum", "nesterov", "rmsprop", "adam"),
    *("l1", "l2", "dropout", "shuffle"),
}


@dataclass(frozen=True)
class Way:
    """One way of a library: forward, descent, and its mark in the figure; none for what is never another's rival.

    many    the training of many networks at once
    takes   which `features` of a task it can do
    model   whether it stands there to be read: it is never the fastest, and is left out of the kinds of settings
    """

    forward: Callable[[Any], Call | str] | str
    descent: Callable[[Any], Call | str] | str
    colour: str = "#000000"
    marker: str = "p"
    many: Callable[[Any], Call | str] | str = "many"
    takes: frozenset[str] = frozenset()
    model: bool = False

    def make(self, task: Any) -> Call | str:
        """What it makes of a task."""
        way = self.forward if isinstance(task, Forward) else self.many if isinstance(task, Many) else self.descent
        if isinstance(way, str):
            return way
        lacking = [feature for feature in features(task) if feature not in self.takes]
        return lacking[0] if lacking else way(task)


@dataclass(frozen=True)
class Peer:
    """A library.

    name          how a table names it
    ways          its contenders, by the names that they have in tables and in the figure
    module        what it is imported by; how long that takes is measured
    requires      what pip installs for it, with any options that pip needs
    distributions whose versions are recorded
    threaded      whether it can put more than one thread to work
    variables     of the environment, set before it loads; {threads} stands for the number of threads
    absent        why it cannot take part, "" if it can; unless given, what importing the modules that it needs says
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
    """Every peer that has a file here, samenet first; none of their libraries is loaded by this."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    found: list[Peer] = [import_module(f"{__name__}.{name}").PEER for name in names]
    return sorted(found, key=lambda peer: peer.name != "samenet")


def ways(peers: Iterable[Peer]) -> dict[str, Way]:
    """All of their contenders, by name."""
    return {name: way for peer in peers for name, way in peer.ways.items()}


def set_variables(threads: int) -> None:
    """Set what the libraries read from the environment when they load."""
    for peer in registered():
        os.environ.update({name: value.format(threads=threads) for name, value in peer.variables.items()})
