"""Capturing what a backend prints, to keep it off the user's terminal."""

import contextlib
import sys
import threading
from collections.abc import Iterator
from typing import Any

THREAD = "samenet-check"  # the prefix of the names of threads in which backends run
_MOST = 200  # characters that are kept


class _Routed:
    """A stream that captures output from the threads of a check, and passes on everything else."""

    def __init__(self, stream: Any, kept: list[str]) -> None:
        self._stream, self._kept = stream, kept

    def write(self, text: str) -> int:
        """Capture or pass on a text."""
        if not threading.current_thread().name.startswith(THREAD):
            return int(self._stream.write(text))
        if sum(map(len, self._kept)) < _MOST:
            self._kept.append(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def kept() -> Iterator[list[str]]:
    """A context in which the first part of what the threads of a check print is captured in the returned list."""
    streams, found = (sys.stdout, sys.stderr), list[str]()
    sys.stdout, sys.stderr = (_Routed(stream, found) for stream in streams)
    try:
        yield found
    finally:
        sys.stdout, sys.stderr = streams
