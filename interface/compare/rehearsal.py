"""A rehearsal of a plugged-in backend: all that it will do here once, in a process of its own, which it may crash."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from samenet.backends import backend
from samenet.compare import cases
from samenet.testing import processes

LIMIT = 120.0  # seconds, of all its calls
_DONE = 75  # the status of a process that came to its end: no other is taken for it


def failure(name: str, sizes: Sequence[Sequence[int]] | None, batches: Sequence[int]) -> str:
    """Why a backend cannot take part: it ended its process, or did not come back; empty if it can.

    What it raises, and whether its answers are right, is seen where it takes part.
    """
    process = processes.start("samenet.compare.rehearsal", {"name": name, "sizes": sizes, "batches": batches})
    try:
        status = process.wait(LIMIT)
    except subprocess.TimeoutExpired:
        return f"it did not come back within {LIMIT:.0f} s"
    finally:
        processes.end(process)
    return "" if status == _DONE else f"it {processes.ending(status)}"


def main(given: dict[str, Any]) -> None:
    """The other end of `failure`."""
    name = given["name"]
    try:
        backend(name)
    except (Exception, SystemExit):
        return  # it is left out, with that reason
    try:
        wanted = cases.chosen(given["sizes"], given["batches"], [name])
    except (MemoryError, OverflowError, ValueError):
        return  # which is told to the user
    if given["sizes"] is None:
        with contextlib.suppress(ImportError):  # without the data set, this case is left out
            wanted.append(cases.full_batch_epoch([name]))
    for case in wanted:
        for contender in case.contenders:
            try:
                contender.answer()
                contender.call()
            except (Exception, SystemExit):
                continue


if __name__ == "__main__":
    main(processes.options_of(sys.argv[1]))
    os._exit(_DONE)  # whatever it has left running
