"""The backend of a command that names none."""

import sys

from samenet.backends import missing


def chosen(name: str | None) -> str:
    """The chosen backend, or the fastest that can be imported."""
    if name is not None:
        return name
    left_out = missing(["numba"])
    backend = "numpy" if left_out else "numba"
    for reason in left_out.values():
        print(f"samenet: note: {reason}; this is {backend}", file=sys.stderr)
    return backend
