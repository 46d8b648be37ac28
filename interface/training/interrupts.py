"""Ctrl-C, deferred until the current update is done."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def deferred_interrupt() -> Iterator[Callable[[], None]]:
    """Defer Ctrl-C until the yielded function is called; a second Ctrl-C takes effect at once.

    Only the main thread receives signals and may set a handler; in other threads there is nothing to defer.
    """
    pending: list[Any] = []
    previous = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(previous):
        yield lambda: None
        return

    def hold(signum: int, frame: Any) -> None:
        pending.append((signum, frame))
        signal.signal(signal.SIGINT, previous)

    def release() -> None:
        if pending:
            previous(*pending.pop())

    signal.signal(signal.SIGINT, hold)
    try:
        yield release
    finally:
        signal.signal(signal.SIGINT, previous)
    release()
