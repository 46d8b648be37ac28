"""A whole table in memory, as needed for training: the kind of each column, and its cells."""

import sys
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.cli.tabular.columns import MOST_CATEGORIES, has_decimal_commas, is_numeric
from samenet.cli.tabular.errors import TableError, listed, short
from samenet.cli.tabular.part import Part
from samenet.cli.tabular.source import Source


class Table(NamedTuple):
    """All rows: each column as numbers (m,), or as a list of m texts.

    inputs    the names of the columns that are inputs
    target    the name of the column to be predicted
    left_out  the number of rows left out because of a missing value in one of these
    """

    part: Part
    inputs: list[str]
    target: str
    has_header: bool
    left_out: int

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.part.places)

    def only(self, rows: NDArray[np.int64]) -> Part:
        """Some of the rows."""
        columns = {
            name: cells[rows] if isinstance(cells, np.ndarray) else [cells[row] for row in rows]
            for name, cells in self.part.columns.items()
        }
        return self.part._replace(columns=columns, places=[self.part.places[row] for row in rows])


def read_table(
    source: Source,
    target: str,
    ignore: Collection[str] = (),
    categorical: Collection[str] = (),
    drop_missing: bool = False,
) -> Table:
    """All rows of a source.

    target        the column to be predicted
    ignore        columns that are not inputs
    categorical   columns of texts, even if their cells look like numbers
    drop_missing  leave out rows without a value in some input or in the target

    Raises TableError, naming the line and the column, for a cell that is not what most cells of its column are.
    """
    for option, names in (("the target", [target]), ("--ignore", ignore), ("--categorical", categorical)):
        for name in names:
            if name not in source.names:
                raise TableError(
                    f"{source.name}: expected {option} among the columns {listed(source.names)}, got {short(name)}"
                )
    inputs = [name for name in source.names if name != target and name not in ignore]
    if target in ignore:
        raise TableError(f"{source.name}: expected another column for --ignore than the target, got {short(target)}")
    if not inputs:
        raise TableError(f"{source.name}: expected a column beside the target, got none")
    wanted = [*inputs, target]
    collected: dict[str, list[Any]] = {name: [] for name in wanted}
    texts: dict[str, set[str]] = {name: set() for name in inputs}
    numeric: dict[str, bool] = {}
    are_numbers: list[str] = []
    are_texts: list[str] = []
    places: list[int] = []
    left_out = 0
    part = Part(source.name, "row", {}, [])
    for part in source.parts():
        rows = len(part.places)
        if not numeric:
            numeric = {name: name not in categorical and is_numeric(part.columns[name]) for name in wanted}
            _check_kinds(part, [name for name in wanted if not numeric[name] and name not in categorical])
            are_numbers, are_texts = ([name for name in wanted if numeric[name] is is_one] for is_one in (True, False))
        part = part.without_missing(are_numbers, are_texts) if drop_missing else part
        left_out += rows - len(part.places)
        places += part.places
        for name in wanted:
            if numeric[name]:
                collected[name].append(part.numbers(name))
            else:
                collected[name] += map(sys.intern, part.texts(name))
                if name != target:
                    texts[name] |= set(part.texts(name))
                    _check_categories(part, name, texts[name])
    if not places:
        raise TableError(f"{source.name}: expected rows to learn from, got none")
    columns: dict[str, Sequence[str] | NDArray[np.float64]] = {
        name: np.concatenate(cells) if numeric[name] else cells for name, cells in collected.items()
    }
    return Table(Part(source.name, part.unit, columns, places), inputs, target, source.has_header, left_out)


def _check_kinds(part: Part, names: Sequence[str]) -> None:
    """Refuse text columns that are empty, or that are numbers with a decimal comma."""
    for name in names:
        where = f"{part.source}, column {short(name)}"
        if part.has_no_value(name):
            raise TableError(f"{where}: expected values, got none in all its rows; --ignore leaves it out")
        if has_decimal_commas(part.columns[name]):
            got = short(next(cell for cell in part.columns[name] if "," in cell))
            raise TableError(
                f"{where}: expected numbers with a decimal point, got {got} with a comma; --categorical takes it for a "
                "text"
            )


def _check_categories(part: Part, name: str, texts: set[str]) -> None:
    if len(texts) > MOST_CATEGORIES:
        raise TableError(
            f"{part.source}, column {short(name)}: expected numbers, or at most {MOST_CATEGORIES} distinct "
            f"texts, got {len(texts)} such as {short(min(texts))}; --ignore leaves it out"
        )
