"""Printing with rich, without breaking lines or tables."""

import os
import shutil
import sys

from rich import console as rich_console
from rich.measure import Measurement
from rich.table import Table

_UNBOUNDED = 100_000  # columns if output is not a terminal; rich would wrap at 80


class Console(rich_console.Console):
    """A console that raises if the reader has closed the pipe: rich's own would end the process with a failure."""

    def on_broken_pipe(self) -> None:
        """Raise again; called while a BrokenPipeError is handled."""
        raise  # noqa: PLE0704


def console() -> Console:
    """Standard output. In a pipe or a file, lines are not wrapped unless COLUMNS is set to a number above 0."""
    columns = os.environ.get("COLUMNS", "")
    width = None  # then rich takes it from COLUMNS or from the terminal
    if not (columns.isdigit() and int(columns) > 0):
        if not sys.stdout.isatty():
            width = _UNBOUNDED
        elif columns:
            width = shutil.get_terminal_size().columns
    return Console(highlight=False, width=width)


def print_table(console: rich_console.Console, table: Table) -> None:
    """Print a table at its full width: a narrower terminal wraps its lines, and no cell is truncated."""
    needed = Measurement.get(console, console.options.update(width=_UNBOUNDED), table).maximum
    Console(file=console.file, highlight=False, width=max(needed, console.width)).print(table)
