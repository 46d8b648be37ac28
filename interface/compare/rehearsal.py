"""A rehearsal of a plugged-in backend: everything it will do here, once, in a separate process that it may crash."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from samenet.backends import backend
from samenet.compare import cases
from samenet.testing import processes

LIMIT = 120.0  # seconds for all its calls
_DONE = 75  # the exit status of a completed rehearsal, unlike any other


def failure(name: str, sizes: Sequence[Sequence[int]] | None, batches: Sequence[int]) -> str:
    """The reason why a backend cannot take part: it ended its process, or did not return; empty if it can.

    Exceptions and wrong answers are handled later, in the comparison itself.
    """
    process = processes.start("samenet.compare.rehearsal", {"name": name, "sizes": sizes, "batches": batches})
    try:
        status = process.wait(LIMIT)
    except subprocess.TimeoutExpired:
        return f"it did not return within {LIMIT:.0f} s"
    finally:
        processes.end(process)
    return "" if status == _DONE else f"it {processes.ending(status)}"


def main(given: dict[str, Any]) -> None:
    """The rehearsal, in the process that `failure` starts."""
    name = given["name"]
    try:
        backend(name)
    except (Exception, SystemExit):
        return  # the comparison leaves it out, with this reason
    try:
        wanted = cases.chosen(given["sizes"], given["batches"], [name])
    except (MemoryError, OverflowError, ValueError):
        return  # the comparison reports it
    if given["sizes"] is None:
        with contextlib.suppress(ImportError):  # this case is left out without the data set
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
    os._exit(_DONE)  # regardless of threads that are still running
