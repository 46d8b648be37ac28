"""A part of a table: rows that are read together, and their cells as numbers or texts."""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.cli.tabular.errors import MissingValue, TableError, short

Floats = NDArray[np.float64]

# Cells that count as missing where a number is expected; where a text is expected, only an empty cell does.
_MISSING = frozenset(("", "na", "n/a", "nan", "null", "none", "?", "-"))
_EMPTY = frozenset(("",))


class Part(NamedTuple):
    """Rows of a table, column by column: texts, or numbers with NaN for missing values.

    source  the name of the table, for messages
    unit    what `places` count: "line" or "row"
    places  the number of each row, from 1
    """

    source: str
    unit: str
    columns: Mapping[str, Sequence[str] | Floats]
    places: Sequence[int]

    def where(self, row: int, name: str) -> str:
        """The place of a cell, for a message."""
        return f"{self.source}, {self.unit} {self.places[row]}, column {short(name)}"

    def numbers(self, name: str) -> Floats:
        """A column as finite numbers; TableError for any other cell."""
        cells = self.columns[name]
        found = numbers_or_nan(cells)
        if not np.isfinite(found).all():
            row = int(np.flatnonzero(~np.isfinite(found))[0])
            if is_missing(cells[row]):
                raise MissingValue(f"{self.where(row, name)}: expected a number, got none")
            got = short(cells[row]) if isinstance(cells[row], str) else cells[row]
            raise TableError(f"{self.where(row, name)}: expected a finite number, got {got}")
        return found

    def texts(self, name: str) -> Sequence[str]:
        """A column as texts; TableError for an empty cell."""
        cells = self.columns[name]
        found = cells if not isinstance(cells, np.ndarray) else [_text(value) for value in cells.tolist()]
        if "" in found:
            where = self.where(list(found).index(""), name)
            raise MissingValue(f"{where}: expected a text, got none")
        return found

    def without_missing(self, numbers: Collection[str], texts: Collection[str]) -> "Part":
        """The rows that have a value in each of these numeric and text columns."""
        without = [self._has_none(name, _MISSING) for name in numbers] + [
            self._has_none(name, _EMPTY) for name in texts
        ]
        keep = np.flatnonzero(~np.any(without, axis=0)).tolist() if without else [*range(len(self.places))]
        if len(keep) == len(self.places):
            return self
        columns = {
            name: cells[keep] if isinstance(cells, np.ndarray) else [cells[row] for row in keep]
            for name, cells in self.columns.items()
        }
        return self._replace(columns=columns, places=[self.places[row] for row in keep])

    def has_no_value(self, name: str) -> bool:
        """Whether a column has cells, but none with a value."""
        return bool(self.places) and bool(self._has_none(name, _EMPTY).all())

    def _has_none(self, name: str, missing: Collection[str]) -> NDArray[np.bool_]:
        """For each row, whether its cell in a column has no value."""
        cells = self.columns[name]
        return (
            np.isnan(cells) if isinstance(cells, np.ndarray) else np.array([c.lower() in missing for c in cells], bool)
        )


def is_missing(cell: Any) -> bool:
    """Whether a cell has no value."""
    return cell.lower() in _MISSING if isinstance(cell, str) else math.isnan(cell)


def numbers_or_nan(cells: Sequence[str] | Floats) -> Floats:
    """Cells as numbers, NaN for those that are not numbers."""
    if isinstance(cells, np.ndarray):
        return cells
    try:
        if not any("_" in cell for cell in cells):  # Python allows underscores between digits
            return np.array([float(cell) for cell in cells], np.float64)
    except ValueError:
        pass
    return np.array([_number(cell) for cell in cells], np.float64)


def _number(cell: str) -> float:
    try:
        return math.nan if "_" in cell else float(cell)
    except ValueError:
        return math.nan


def _text(value: float) -> str:
    return "" if math.isnan(value) else number_text(value)


def number_text(value: float) -> str:
    """A number as people write it: 3, not 3.0."""
    return str(int(value)) if value == int(value) and abs(value) < 1e16 else repr(value)
