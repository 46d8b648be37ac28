"""The columns of a table, and how they become inputs: numbers are scaled, texts are one-hot encoded."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.cli.tabular.errors import TableError, listed, short
from samenet.cli.tabular.part import Part, is_missing, numbers_or_nan

Floats = NDArray[np.float64]

MOST_CATEGORIES = 100


class Number(NamedTuple):
    """A column of numbers: (x - mean) / scale."""

    name: str
    mean: float = 0.0
    scale: float = 1.0

    @property
    def width(self) -> int:
        """The number of inputs."""
        return 1

    @classmethod
    def of(cls, name: str, values: Floats) -> "Number":
        """A column with the mean and the standard deviation of values; the scale is 1 if they are all equal."""
        largest = float(np.abs(values).max()) or 1.0
        mean = float((values / largest).mean() * largest)  # avoids overflow of the sum
        scale = float(np.std(values / largest) * largest)
        return cls(name, mean, scale if np.finfo(np.float64).tiny < scale and np.ptp(values / largest) > 0 else 1.0)

    def inputs(self, part: Part) -> Floats:
        """The scaled column (m, 1)."""
        values = part.numbers(self.name)
        with np.errstate(all="ignore"):
            found = np.asarray((values - self.mean) / self.scale)
        if not np.isfinite(found).all():
            row = int(np.flatnonzero(~np.isfinite(found))[0])
            raise TableError(
                f"{part.where(row, self.name)}: expected a number within range when scaled, got {values[row]:g}"
            )
        return found[:, None]


class Category(NamedTuple):
    """A column of texts, with one input for each distinct text: 1 for that of the row, 0 for the others."""

    name: str
    values: tuple[str, ...]

    @property
    def width(self) -> int:
        """The number of inputs."""
        return len(self.values)

    def inputs(self, part: Part) -> Floats:
        """One-hot rows (m, width)."""
        places = {value: i for i, value in enumerate(self.values)}
        cells = part.texts(self.name)
        return np.eye(self.width)[indices(part, self.name, cells, places)]


Column = Number | Category


def indices(part: Part, name: str, cells: Sequence[Any], places: dict[Any, int]) -> NDArray[np.int64]:
    """The index of each cell among the known values; TableError for an unknown one."""
    found = [places.get(cell, -1) for cell in cells]
    if -1 in found:
        row = found.index(-1)
        raise TableError(f"{part.where(row, name)}: expected one of {listed(places)}, got {short(cells[row])}")
    return np.array(found, np.int64)


def is_numeric(cells: Any) -> bool:
    """Whether a column is numeric: more than half of the cells with a value are numbers. The others are then errors."""
    if isinstance(cells, np.ndarray):
        return True
    given = [cell for cell in cells if not is_missing(cell)]
    found = numbers_or_nan(given) if given else np.empty(0)
    return bool(2 * (found == found).sum() > len(given))


def has_decimal_commas(cells: Any) -> bool:
    """Whether cells count as texts only because their numbers have a decimal comma."""
    return any("," in cell for cell in cells) and is_numeric([cell.replace(",", ".", 1) for cell in cells])
