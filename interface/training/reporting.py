"""The display of running training: a line for each record, and a progress bar. It changes no bit of the result."""

import datetime
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from samenet.optimizers import MultiStart, Optimizer
from samenet.output.formats import counted, duration
from samenet.output.progress import bar
from samenet.stopping import StopTraining
from samenet.training.history import History

_SECONDS = 0.1  # between two drawings of the bar


def say(line: str) -> None:
    """Print a line for `verbose`; all of its output goes through here."""
    print(line, flush=True)


class Display:
    """A context manager that shows a progress bar and lines in one call of `train` or `train_many`.

    The bar is closed however the call ends. If the terminal is gone, the bar ends, but training continues.
    """

    def __init__(self, total: int, unit: str, verbose: bool, progress: bool | str) -> None:
        self.total, self.verbose = total, verbose
        self.bar = bar(total, unit, progress == "always") if progress else None
        self.began = self.drawn = time.perf_counter()
        self.first: tuple[float, int] | None = None  # when the bar was first drawn, and how much was done by then

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show, or nowhere to show it."""
        return self.bar is None and not self.verbose

    def __enter__(self) -> Self:
        self.began = time.perf_counter()
        self._on_bar("start")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            self._end(kind)
        finally:
            self._on_bar("close")

    def _end(self, kind: type[BaseException] | None) -> None:
        """Show the final state; `kind` is the type of the exception that ended training, or None."""

    @property
    def is_due(self) -> bool:
        """Whether the bar is to be drawn again."""
        return self.bar is not None and time.perf_counter() - self.drawn >= _SECONDS

    def draw(self, done: int, texts: list[str], is_last: bool = False) -> None:
        """Draw the bar with the amount done, the time left, and these texts."""
        now = self.drawn = time.perf_counter()
        self.first = self.first or (now, done)  # the first call may include compiling
        began, before = self.first
        if is_last:
            texts = [*texts, f"in {duration(now - self.began)}"]
        elif done > before:
            left = round((now - began) / (done - before) * (self.total - done))
            texts = [*texts, f"{datetime.timedelta(seconds=left)} left"]
        self._on_bar("show", done, "  ".join(texts))

    def _on_bar(self, method: str, *given: Any) -> None:
        if self.bar is not None:
            try:
                getattr(self.bar, method)(*given)
            except (OSError, ValueError):  # the terminal is gone, or its file was closed
                lost, self.bar = self.bar, None
                with suppress(OSError, ValueError):
                    lost.close()

    def seconds(self) -> str:
        """The time since the beginning, as text."""
        return duration(time.perf_counter() - self.began)


class Report(Display):
    """The display of `train`."""

    def __init__(self, epochs: int, optimizer: Optimizer, verbose: bool, progress: bool | str) -> None:
        self.epochs, self.starts = epochs, optimizer.starts if isinstance(optimizer, MultiStart) else 1
        super().__init__(self.starts * epochs, "epoch", verbose, progress)
        self.training: Any = None  # the `Training` under way
        self.begun = 0  # the number of starts so far
        self.said = 0  # the number of its records shown so far

    @classmethod
    def of(cls, settings: Any) -> Self | None:
        """The display that the settings of `train` ask for; None if there is nothing to show, or nowhere to show it."""
        report = cls(settings.epochs, settings.optimizer, settings.verbose, settings.progress)
        return None if report.is_empty else report

    def begin(self, training: Any) -> None:
        """A training run begins, the first or another start."""
        if self.training is not None:
            self._say_records()
        self.training, self.begun = training, self.begun + 1
        self.said = len(training.history.epochs)  # earlier records, if training is resumed

    def following(self, release: Callable[[], None]) -> Callable[[], None]:
        """A function that shows what is new, and then delivers a deferred Ctrl-C, like `release`."""

        def show_and_release() -> None:
            if self.verbose:
                self._say_records()
            if self.is_due:
                self._draw()
            release()

        return show_and_release

    def _start(self) -> list[str]:
        return [f"start {self.begun} of {self.starts}"] if self.starts > 1 else []

    def _draw(self, is_last: bool = False) -> None:
        history, alpha = self.training.history, self.training.alpha
        latest = history.latest()
        shown = {"cost": latest.get("cost"), "validation": latest.get("validation_cost"), "alpha": alpha}
        texts = [f"{name} {value:.4g}" for name, value in shown.items() if value is not None]
        done = (self.begun - 1) * self.epochs + int(history.epochs_done - self.training.began)
        self.draw(done, [*self._start(), *texts], is_last)

    def _say_records(self) -> None:
        history: History = self.training.history
        for epoch, values in history.records(self.said):
            self.said += 1
            texts = [f"epoch {epoch:>{len(str(self.epochs))}}", *(f"{name} {v:.6g}" for name, v in values.items())]
            say(", ".join([*self._start(), *texts]))

    def _end(self, kind: type[BaseException] | None) -> None:
        if self.training is None:
            return
        history: History = self.training.user.history
        if self.verbose:
            self._say_records()
            ended = f", stopped by {history.stopped_by}" if history.stopped_by is not None else ""
            if kind is not None and not issubclass(kind, StopTraining):
                ended = f", ended by {kind.__name__}"
            done = counted(self.training.history.epochs_done - self.training.began, "epoch")
            say(", ".join([*self._start(), f"{done} in {self.seconds()}{ended}"]))
        if self.bar is not None:
            self._draw(is_last=True)


class ReportOfMany(Display):
    """The display of `train_many`, which counts networks, not epochs. Several threads report to it."""

    def __init__(self, networks: int, verbose: bool, progress: bool | str) -> None:
        super().__init__(networks, "network", verbose, progress)
        self.done, self.lock = 0, threading.Lock()

    def end_of(self, number: int, history: History | None, error: Exception | None) -> None:
        """The training of a network has ended, or failed."""
        if self.is_empty:
            return
        with self.lock:
            self.done += 1
            if self.verbose:
                what = f"failed: {type(error).__name__}: {error}" if history is None or error else _summary(history)
                say(f"networks[{number}]: {what}")
            if self.is_due:
                self.draw(self.done, [])

    def _end(self, kind: type[BaseException] | None) -> None:
        if self.verbose:
            say(f"{counted(self.done, 'network')} of {self.total} in {self.seconds()}")
        if self.bar is not None:
            self.draw(self.done, [], is_last=True)


def _summary(history: History) -> str:
    values = [f"{name} {value:.6g}" for name, value in history.latest().items()]
    ended = [f"stopped by {history.stopped_by}"] if history.stopped_by is not None else []
    return ", ".join([counted(history.epochs_done, "epoch"), *values, *ended])
