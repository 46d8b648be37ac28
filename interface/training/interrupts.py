"""Ctrl-C, deferred until the current update is done."""

import signal
import threading
from collections.abc import Callable
from typing import Any

try:  # `signal` without its enums, whose conversion takes longer than short training
    from _signal import getsignal as _get  # type: ignore[import-not-found]
    from _signal import signal as _set
except ImportError:
    _get, _set = signal.getsignal, signal.signal

_SIGINT = int(signal.SIGINT)


class deferred_interrupt:
    """In `with deferred_interrupt() as release:` Ctrl-C is deferred until release(); a second one takes effect at once.

    Only the main thread receives signals and may set a handler; in other threads there is nothing to defer.
    """

    pending: tuple[Any, ...] | None = None  # what the handler is to be called with
    previous: Any = None  # the handler to call, or None if nothing is deferred

    def __enter__(self) -> Callable[[], None]:
        if threading.current_thread() is threading.main_thread() and callable(previous := _get(_SIGINT)):
            self.previous = previous
            _set(_SIGINT, self._hold)
        return self.release

    def _hold(self, signum: int, frame: Any) -> None:
        self.pending = signum, frame
        _set(_SIGINT, self.previous)

    def release(self) -> None:
        """Deliver a Ctrl-C that was deferred."""
        if self.pending is not None:
            given, self.pending = self.pending, None
            self.previous(*given)

    def __exit__(self, kind: type[BaseException] | None, *_: Any) -> None:
        if self.previous is not None:
            _set(_SIGINT, self.previous)
        if kind is None:
            self.release()
