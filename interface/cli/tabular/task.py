"""Whether a target is a class or a number: detected from its values, or given."""

from typing import NamedTuple

import numpy as np

from samenet.cli.tabular.columns import Number
from samenet.cli.tabular.errors import TableError, short
from samenet.cli.tabular.preparation import Classes
from samenet.cli.tabular.table import Table
from samenet.output.formats import counted

TASKS = ("classification", "regression")
_EXACT = 2.0**53  # from here on, different whole numbers may be the same float64
MOST_CLASSES = 20  # of a target of whole numbers, unless the task is given as classification


class Task(NamedTuple):
    """A target, and the reason why it is treated as classes or as numbers."""

    target: Classes | Number
    why: str

    @property
    def name(self) -> str:
        """The name of the task."""
        return TASKS[isinstance(self.target, Number)]


def task_of(table: Table, told: str | None = None) -> Task:
    """Classification for texts, and for whole numbers with few distinct values; regression for other numbers.

    told: "classification" or "regression", which overrides this. Raises TableError for a target with only one value,
    and for texts where numbers are needed.
    """
    name, cells = table.target, table.part.columns[table.target]
    where = f"{table.part.source}, column {short(name)}"
    if not isinstance(cells, np.ndarray):
        if told == "regression":
            raise TableError(f"{where}: expected numbers for regression, got texts such as {short(cells[0])}")
        return Task(
            Classes(name, _several(where, sorted(set(cells)))), f"{counted(len(set(cells)), 'text')} in the target"
        )
    values = np.unique(cells)
    is_whole = bool((values == np.trunc(values)).all())
    few = is_whole and len(values) <= min(MOST_CLASSES, table.rows // 2)
    if told == "classification" or (told is None and few):
        if (largest := float(np.abs(values).max())) >= _EXACT:
            raise TableError(
                f"{where}: expected classes that are numbers below 2^53, which differ as float64, got {largest:.17g}; "
                "--categorical takes them for texts, --task regression for numbers"
            )
        why = "as given" if told else f"whole numbers with {counted(len(values), 'distinct value')} in the target"
        return Task(Classes(name, _several(where, values.tolist())), why)
    _several(where, values.tolist())
    kinds = f"{len(values)} distinct" if is_whole else "fractional"
    return Task(Number(name), "as given" if told else f"{kinds} numbers in the target")


def _several(where: str, values: list[str] | list[float]) -> tuple[str, ...] | tuple[float, ...]:
    if len(values) < 2:
        raise TableError(
            f"{where}: expected a target with at least 2 distinct values, got {short(values[0])} in every row"
        )
    return tuple(values)  # type: ignore[return-value]
