"""The training loop: epochs, batches and their order, what is recorded, and how it ends before its time."""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from samenet.history import History

if TYPE_CHECKING:
    from samenet.network import Network

Callback = Callable[["Network", History], object]

_SECONDS_A_CALL = 0.05  # a backend's `descend` runs about this long, so that Ctrl-C is answered soon
_ORDER_LIMIT = 1 << 20  # row numbers drawn ahead for one call


def all_finite(values: NDArray[Any]) -> bool:
    """Whether there is no NaN or infinity; the sum of squares answers at once unless it overflowed by itself."""
    return math.isfinite(np.vdot(values, values)) or bool(np.isfinite(values).all())


@contextmanager
def _deferred_interrupt() -> Iterator[Callable[[], None]]:
    """Hold Ctrl-C back until the function that this yields is called; a second Ctrl-C is not held back.

    Only the main thread receives signals and may set a handler; elsewhere there is nothing to hold back.
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


class Training:
    """One call of `Network.train`, with its input already checked."""

    def __init__(
        self,
        network: "Network",
        X: NDArray[Any],
        Y: NDArray[Any],
        *,
        alpha: float,
        batch_size: int,
        random: np.random.Generator | np.random.RandomState | None,
        reduction: str,
        history: History,
        monitors: tuple[str, ...],
        record_every: int,
        callback: Callback | None,
    ) -> None:
        self.network, self.X, self.Y = network, X, Y
        self.settings = {"alpha": alpha, "batch_size": batch_size, "reduction": reduction}
        self.batch_size, self.reduction = batch_size, reduction
        self.full_batch = batch_size == len(X)
        self.random = None if self.full_batch else random  # the gradient of all samples does not depend on their order
        self.history, self.record_every, self.callback = history, record_every, callback
        # The cost of a full batch comes with its update; anything else that is recorded takes a forward pass.
        self.looks = record_every > 0 and (bool(monitors) or not self.full_batch)
        self.updates = 1  # in the next call of the backend

    def run(self, epochs: int) -> None:
        """Train until `epochs` epochs are done, the callback returns a true value, or Ctrl-C is pressed."""
        history = self.history
        with _deferred_interrupt() as release:
            while history.epochs_done < epochs:
                if self.looks and history.epochs_done % self.record_every == 0:
                    self._look()
                for _ in self._advance(self._next_stop(epochs)):
                    release()
                if self.callback is not None and self.callback(self.network, history):
                    return

    def _next_stop(self, epochs: int) -> int:
        done = self.history.epochs_done
        if self.callback is not None:
            return done + 1
        if self.looks:
            return min(epochs, done + self.record_every - done % self.record_every)
        return epochs

    def _look(self) -> None:
        cost, output = self.network.backend.evaluate(self.network, self.X, self.Y, self.reduction)
        self.history.record(self.history.epochs_done, float(cost), np.asarray(output), self.Y)

    def _advance(self, stop: int) -> Iterator[None]:
        """Epochs up to `stop`, a backend call at a time."""
        m, history = len(self.X), self.history
        a_pass = -(-m // self.batch_size)
        while history.epochs_done < stop:
            if self.updates < a_pass:
                yield from self._one_epoch_in_parts()
                continue
            passes = min(stop - history.epochs_done, self.updates // a_pass, max(1, _ORDER_LIMIT // m))
            self._call(self.X, self.Y, passes, self._orders(passes))
            yield

    def _one_epoch_in_parts(self) -> Iterator[None]:
        m, done = len(self.X), 0
        order = self._orders(1)
        theta = self.network.theta.flat
        before = theta.copy()
        while done < m:
            rows = slice(done, min(m, done + self.updates * self.batch_size))
            done = rows.stop
            try:
                if order is None:
                    self._call(self.X[rows], self.Y[rows], 1, None, ends_epoch=done == m)
                else:
                    self._call(self.X, self.Y, 1, order[:, rows], ends_epoch=done == m)
            except FloatingPointError:
                theta[:] = before  # undone as a whole, however the epoch was cut into calls
                raise
            yield

    def _orders(self, passes: int) -> NDArray[np.int64] | None:
        if self.random is None:
            return None
        return np.array([self.random.permutation(len(self.X)) for _ in range(passes)], np.int64)

    def _call(
        self,
        X: NDArray[Any],
        Y: NDArray[Any],
        passes: int,
        order: NDArray[np.int64] | None,
        ends_epoch: bool = True,
    ) -> None:
        """One call of the backend, then: finite weights or an error, the record, the length of the next call."""
        network, history = self.network, self.history
        theta = network.theta.flat
        before = theta.copy()
        begin = time.perf_counter()
        with np.errstate(all="ignore"):  # weights that overflow are reported below, in the same way by every backend
            costs = network.backend.descend(network, X, Y, order=order, passes=passes, **self.settings)
        seconds = time.perf_counter() - begin
        if not all_finite(theta):
            theta[:] = before
            if passes > 1:  # again, epoch by epoch, to find the one that failed
                for visit in range(passes):
                    self._call(X, Y, 1, None if order is None else order[visit : visit + 1])
            raise FloatingPointError(
                f"the weights did not stay finite in epoch {history.epochs_done} (alpha = {self.settings['alpha']:g}); "
                "they are left as they were before it. Try a smaller alpha"
            )
        if self.record_every > 0 and not self.looks:
            for epoch, cost in enumerate(costs, start=history.epochs_done):
                if epoch % self.record_every == 0:
                    history.record(epoch, float(cost), None, self.Y)
        history.epochs_done += passes if ends_epoch else 0
        if seconds < _SECONDS_A_CALL / 2:
            self.updates *= 2
        elif seconds > 2 * _SECONDS_A_CALL:
            self.updates = max(1, self.updates // 2)
