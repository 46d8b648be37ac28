"""The backend of a command: its option, and its default."""

import sys
from typing import Annotated

import typer

from samenet.backends import known_backends, missing
from samenet.cli import values

_NAMES = ", ".join(known_backends())
Fastest = Annotated[
    str | None,
    typer.Option(parser=values.backend, metavar="NAME", help=f"One of {_NAMES}.  [default: numba, if available]"),
]
NumPy = Annotated[  # for commands too short for compiling to pay off
    str, typer.Option(parser=values.backend, metavar="NAME", help=f"One of {_NAMES}.  [default: numpy]")
]


def chosen(name: str | None) -> str:
    """The chosen backend, or the fastest that can be imported."""
    if name is not None:
        return name
    left_out = missing(["numba"])
    backend = "numpy" if left_out else "numba"
    for reason in left_out.values():
        print(f"samenet: note: {reason}; using {backend}", file=sys.stderr)
    return backend
