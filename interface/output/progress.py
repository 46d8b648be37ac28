"""Progress bars: in a terminal, in a notebook, or, if requested, as lines in a file or a pipe.

They are written to standard error, because standard output may have a program's result. Only terminals get control
characters, whatever FORCE_COLOR says.
"""

import os
import sys
import uuid
from typing import Any, Protocol

_PARTS = 10  # lines, if there is no bar


class Bar(Protocol):
    """A bar for a number of steps, shown from `start` until it is closed."""

    def start(self) -> None:
        """Show it."""

    def show(self, done: int, text: str) -> None:
        """Show that so much is done, and a text beside it."""

    def close(self) -> None:
        """Leave the bar as it is."""


def bar(total: int, unit: str, always: bool) -> Bar | None:
    """A bar that is not shown yet; None if it cannot be shown. always: use lines where a bar cannot be shown."""
    if _is_terminal(sys.stderr):
        return TerminalBar(total)
    if _is_notebook():
        return NotebookBar(total)
    return LinesBar(total, unit) if always and sys.stderr is not None else None


def _is_terminal(stream: Any) -> bool:
    """Whether a stream is a terminal, whose output can be overwritten."""
    try:
        return bool(stream.isatty()) and os.environ.get("TERM", "").lower() not in ("dumb", "unknown")
    except (AttributeError, ValueError):  # there is no stream, or it is closed
        return False


def _is_notebook() -> bool:
    """Whether IPython can display output and replace it later."""
    if "IPython" not in sys.modules:
        return False
    from rich.console import Console

    return Console(stderr=True).is_jupyter


def _progress(total: int, **settings: Any) -> Any:
    """rich's progress display with one bar; the caller refreshes it."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = BarColumn(bar_width=None), MofNCompleteColumn(), TextColumn("{task.description}", markup=False)
    progress = Progress(*columns, auto_refresh=False, expand=True, **settings)
    progress.add_task("", total=total)
    return progress


class TerminalBar:
    """A bar that overwrites itself; other printed output appears above it."""

    def __init__(self, total: int) -> None:
        from samenet.output.console import Console

        console = Console(stderr=True, force_terminal=True, force_jupyter=False)
        # Do not redirect to the terminal what is written to a file.
        self.progress = _progress(total, console=console, redirect_stdout=_is_terminal(sys.stdout))

    def start(self) -> None:
        """Show it."""
        self.progress.start()

    def show(self, done: int, text: str) -> None:
        """Show that so much is done, and a text beside it."""
        self.progress.update(self.progress.task_ids[0], completed=done, description=text, refresh=True)

    def close(self) -> None:
        """Leave the bar as it is, show the cursor, and restore standard output and standard error."""
        self.progress.stop()


class NotebookBar:
    """A bar in the output of a cell, as text that is replaced; it needs only IPython."""

    def __init__(self, total: int) -> None:
        import io

        from rich.console import Console

        self.console = Console(file=io.StringIO(), width=100, force_terminal=False, force_jupyter=False)
        self.progress = _progress(total, console=self.console)
        self.name = uuid.uuid4().hex

    def start(self) -> None:
        """Show it."""
        self._display("", update=False)

    def show(self, done: int, text: str) -> None:
        """Show that so much is done, and a text beside it."""
        self.progress.update(self.progress.task_ids[0], completed=done)
        self._display(text, update=True)

    def _display(self, text: str, update: bool) -> None:
        from IPython.display import display  # type: ignore[import-not-found,unused-ignore]

        self.progress.update(self.progress.task_ids[0], description=text)
        with self.console.capture() as shown:
            self.console.print(self.progress.get_renderable())
        display({"text/plain": shown.get().rstrip()}, raw=True, display_id=self.name, update=update)

    def close(self) -> None:
        """Leave the bar as it is."""


class LinesBar:
    """Lines without control characters, one for each tenth."""

    def __init__(self, total: int, unit: str) -> None:
        self.total, self.unit, self.part = total, unit, 0

    def start(self) -> None:
        """Print nothing: the first line is printed with the first tenth."""

    def show(self, done: int, text: str) -> None:
        """Print a line if another tenth is done."""
        part = done * _PARTS // max(1, self.total)
        if part > self.part:
            self.part = part
            print(f"{self.unit} {done} of {self.total}: {text}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Do nothing: all lines have been printed."""
