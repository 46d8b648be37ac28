"""What a backend prints, kept from the terminal of whoever checks it."""

import contextlib
import sys
import threading
from collections.abc import Iterator
from typing import Any

THREAD = "samenet-check"  # how the names of the threads begin in which backends run
_MOST = 200  # characters that are kept


class _Routed:
    """A stream that keeps what is written in the threads of a check, and passes on everything else."""

    def __init__(self, stream: Any, kept: list[str]) -> None:
        self._stream, self._kept = stream, kept

    def write(self, text: str) -> int:
        """As the stream's."""
        if not threading.current_thread().name.startswith(THREAD):
            return int(self._stream.write(text))
        if sum(map(len, self._kept)) < _MOST:
            self._kept.append(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def kept() -> Iterator[list[str]]:
    """While it lasts, what the threads of a check print is in this list, as far as anyone will read it."""
    streams, found = (sys.stdout, sys.stderr), list[str]()
    sys.stdout, sys.stderr = (_Routed(stream, found) for stream in streams)
    try:
        yield found
    finally:
        sys.stdout, sys.stderr = streams
