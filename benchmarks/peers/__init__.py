"""samenet's Numba backend beside the alternatives: the same cases, in the same run, every answer checked first.

    python benchmarks/peers [--quick]

A peer is a module of this package that has

    NAME        how a table names it
    PACKAGES    the distributions whose versions are recorded
    THREADED    whether it can put more than one thread to work
    missing()   why it cannot take part here, "" if it can
    FORWARD     contenders by name: a function of a `problem.Forward` that gives a `problem.Call`
    DESCENT     the same for a `problem.Descent`

and where it cannot compute the same thing, such a function gives the reason, in words, instead of a call. Read
`problem.py` first, then `ours.py` and `lean.py`; `tasks.py` is the list of cases, `process.py` what one process
measures, `__main__.py` the run.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Protocol, cast

from peers.problem import Call, Descent, Forward

MODULES = ("ours", "tutorial", "lean", "scikit", "pytorch", "jaxed", "onnx_runtime", "fann", "genann")


class Peer(Protocol):
    """What a module of a peer has."""

    NAME: str
    PACKAGES: tuple[str, ...]
    THREADED: bool
    FORWARD: Mapping[str, Callable[[Forward], Call | str]]
    DESCENT: Mapping[str, Callable[[Descent], Call | str]]

    def missing(self) -> str:
        """Why it cannot take part."""


def registered() -> list[Peer]:
    """Every peer, samenet first; none of their libraries is loaded by this."""
    return [cast(Peer, import_module(f"peers.{name}")) for name in MODULES]
