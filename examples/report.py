"""What an example is given, and what it hands back: rows that set the tutorial's number beside the one found here."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

import samenet

if TYPE_CHECKING:
    from samenet.network import Network

# A number, text, None, or lists of these, however deep: what JSON can hold.
Value = Any


@dataclass(frozen=True)
class Settings:
    """How to run an example.

    backend  "reference", "numpy" or "numba"
    quick    whether to run it short: the same story in fewer steps, which ends elsewhere
    seed     of the random stream; each example has the tutorial's own as its default
    """

    backend: str = "numba"
    quick: bool = False
    seed: int = 0

    def network(self, sizes: list[int], **named: Any) -> "Network":
        """A network on the backend that was asked for; the arguments are those of `Network`."""
        network: Network = samenet.backend(self.backend).Network(sizes, **named)
        return network

    def stream(self) -> np.random.RandomState:
        """A new legacy stream: what follows `numpy.random.seed(seed)` in a tutorial."""
        return np.random.RandomState(self.seed)


def plain(name: str, value: Any) -> Value:
    """A value as JSON holds it: arrays and tuples become lists, NumPy's numbers Python's.

    Raises ValueError for NaN and infinity, which JSON has no word for.
    """
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(name, item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name}: expected finite numbers, got {value}")
    if value is not None and not isinstance(value, bool | int | float | str):
        raise TypeError(f"{name}: expected numbers, text or lists of them, got {type(value).__name__}")
    return value


def shown(value: Value, digits: int | None) -> str:
    """A value as a person reads it; a matrix has a line a row.

    >>> shown([0.123456789, 2], 3), shown(0.1 + 0.2, None), shown([[1, 2], [3, 4]], 3)
    ('0.123, 2', '0.30000000000000004', '1, 2\\n3, 4')
    """
    if isinstance(value, list):
        nested = any(isinstance(item, list) for item in value)
        return ("\n" if nested else ", ").join(shown(item, digits) for item in value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.{digits}g}" if isinstance(value, float) and digits is not None else str(value)


@dataclass(frozen=True)
class Row:
    """What is measured, the tutorial's number or claim (None where it has none), the number found here."""

    what: str
    tutorial: Value
    here: Value
    digits: int | None

    def cells(self) -> tuple[str, str, str]:
        """The row as it is printed."""
        return self.what, shown(self.tutorial, self.digits), shown(self.here, self.digits)


class Report:
    """What an example found: rows, remarks, and curves for its figure.

    rows    a `Row` each, added by `row`; `report[what]` is the number found here
    notes   a line of text each, added by `note`: what a tutorial gets wrong, and the number that shows it
    curves  whatever `draw` needs; not printed
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.notes: list[str] = []
        self.curves: dict[str, Any] = {}

    def row(self, what: str, here: Any, tutorial: Any = None, digits: int | None = 6) -> None:
        """Add a row. digits: how many significant ones are printed; None prints all. JSON always has all."""
        if any(row.what == what for row in self.rows):
            raise ValueError(f"what: expected a name that no row has yet, got {what!r}")
        self.rows.append(Row(what, plain(f"tutorial, {what}", tutorial), plain(f"here, {what}", here), digits))

    def note(self, text: str) -> None:
        """Add a remark."""
        self.notes.append(text)

    def __getitem__(self, what: str) -> Value:
        """The number found here in a row."""
        for row in self.rows:
            if row.what == what:
                return row.here
        raise KeyError(f"{what!r} is no row; the rows are {', '.join(row.what for row in self.rows)}")

    def as_json(self) -> dict[str, Any]:
        """The rows and remarks for `json.dumps`."""
        rows = [{"what": row.what, "tutorial": row.tutorial, "here": row.here} for row in self.rows]
        return {"rows": rows, "notes": self.notes}

    def print(self, console: Console) -> None:
        """The rows as a table, then the remarks."""
        table = Table("", "tutorial", "here", box=box.SIMPLE_HEAD, pad_edge=False)
        for row in self.rows:
            table.add_row(*(Text(cell, overflow="fold") for cell in row.cells()))
        console.print(table)
        for note in self.notes:
            console.print(note, markup=False, highlight=False)
