"""The settings of an example, and the report that it returns: rows that compare the tutorial's numbers with ours."""

import html
import math
import sys
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

import samenet
from samenet.compare import environment

if TYPE_CHECKING:
    from samenet.network import Network

# A number, text, None, or nested lists of these: what JSON can represent.
Value = Any


@dataclass(frozen=True)
class Settings:
    """How to run an example.

    backend  "reference", "numpy" or "numba"
    quick    whether to run it briefly: fewer steps, with other results
    seed     the seed of the random stream; by default, the tutorial's own
    moved    whether each initial weight of each network's last layer is perturbed by one unit in the last place (ulp):
             a result that then differs depends on how sums are rounded
    """

    backend: str = "numba"
    quick: bool = False
    seed: int = 0
    moved: bool = False

    def network(self, sizes: list[int], **named: Any) -> "Network":
        """A network on the chosen backend; the arguments are those of `Network`."""
        network: Network = samenet.backend(self.backend).Network(sizes, **named)
        if self.moved:
            W = network.weights[-1]
            W[:] = np.nextafter(W, np.inf)  # all of them, because the input of a single one may always be 0
        return network

    def with_seed(self, seed: int) -> "Settings":
        """The same settings with another seed."""
        return replace(self, seed=seed)

    def stream(self) -> np.random.RandomState:
        """A new legacy stream, as after `numpy.random.seed(seed)` in a tutorial."""
        return np.random.RandomState(self.seed)


def machine() -> str:
    """The processor and the versions that a time depends on."""
    on = environment.describe()
    cores = f"{on['cores']} cores" if on["cores"] != 1 else "1 core"
    return f"{on['processor']}, {cores}, {on['python']}, NumPy {on['numpy']}, Numba {on['numba']}"


def plain(name: str, value: Any) -> Value:
    """A value as in JSON: arrays and tuples become lists, NumPy numbers become Python numbers.

    Raises ValueError for NaN and infinity, which JSON cannot represent.
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
    """A value for people to read; a matrix has a line per row.

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


_CLOSE, _NOTHING = 1e-6, 1e-12  # relative and absolute: smaller differences are rounding errors that did not grow


def differs(a: Value, b: Value) -> bool:
    """Whether two numbers differ by more than a millionth, or other values differ at all."""
    if isinstance(a, list) and isinstance(b, list):
        return len(a) != len(b) or any(map(differs, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return not math.isclose(a, b, rel_tol=_CLOSE, abs_tol=_NOTHING)
    return bool(a != b)


@dataclass(frozen=True)
class Row:
    """A measurement: its name, the tutorial's number or claim (None if there is none), and the number found here.

    timed  whether it is a time, or derived from times, and so different in every run
    moved  the number found when the last layer's initial weights are perturbed by one ulp, if it differs; else None
    """

    what: str
    tutorial: Value
    here: Value
    digits: int | None
    timed: bool = False
    moved: Value = None

    def cells(self) -> tuple[str, str, str]:
        """The row as printed."""
        mark = " *" if self.depends_on_rounding else ""
        return f"{self.what}{mark}", shown(self.tutorial, self.digits), shown(self.here, self.digits)

    @property
    def depends_on_rounding(self) -> bool:
        """Whether one ulp in the weights changes the number."""
        return self.moved is not None


class Report:
    """The results of an example: rows, remarks, and curves for its figure.

    rows    the rows, each a `Row`, added by `row`; `report[what]` is the number found here; `beside` marks those that
            depend on rounding
    notes   the remarks, each a line of text, added by `note`: a tutorial's mistake, and the number that shows it
    curves  the data for `draw`; not printed
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.notes: list[str] = []
        self.curves: dict[str, Any] = {}
        self.compared = False  # whether it was compared with a run from perturbed weights

    def row(self, what: str, here: Any, tutorial: Any = None, digits: int | None = 6, *, timed: bool = False) -> None:
        """Add a row. digits: the number of significant digits printed; None prints all. JSON always has all."""
        if any(row.what == what for row in self.rows):
            raise ValueError(f"what: expected a name that no row has yet, got {what!r}")
        if timed and not any(row.timed for row in self.rows):
            self.note(f"Times were measured on {date.today()} on this machine: {machine()}.")
        self.rows.append(Row(what, plain(f"tutorial, {what}", tutorial), plain(f"here, {what}", here), digits, timed))

    def note(self, text: str) -> None:
        """Add a remark."""
        self.notes.append(text)

    def beside(self, moved: "Report") -> None:
        """Mark the rows that depend on rounding: those whose number is different in a run from perturbed weights."""
        self.compared = True
        others = {row.what: row.here for row in moved.rows}
        self.rows = [
            row if row.timed or not differs(row.here, others[row.what]) else replace(row, moved=others[row.what])
            for row in self.rows
        ]
        if self.depends_on_rounding:
            self.note(
                "Numbers marked * change if every initial weight of the last layer is perturbed by one ulp; the last "
                "column shows what they become. They depend on how sums are rounded, and so on the backend, the "
                "processor and the version."
            )

    @property
    def depends_on_rounding(self) -> bool:
        """Whether any row depends on rounding."""
        return any(row.depends_on_rounding for row in self.rows)

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Headings and cells, with a column for the results from perturbed weights if any differ."""
        headings, cells = ["", "tutorial", "here"], [list(row.cells()) for row in self.rows]
        if self.depends_on_rounding:
            headings.append("weights perturbed by one ulp")
            for row, line in zip(self.rows, cells, strict=True):
                line.append(shown(row.moved, row.digits))
        return headings, cells

    def text(self, *beginnings: str) -> str:
        """The rows as lines, or those whose names begin like this, without the tutorial's column if it is empty."""
        rows = [row for row in self.rows if not beginnings or row.what.startswith(beginnings)]
        if not rows:
            raise KeyError(
                f"no row begins with {beginnings!r}; the rows are {', '.join(row.what for row in self.rows)}"
            )
        cells = [tuple(cell.replace("\n", "; ") for cell in row.cells()) for row in rows]
        if any(tutorial for _, tutorial, _ in cells):
            cells.insert(0, ("", "tutorial", "here"))
        else:
            cells = [(what, here, "") for what, _, here in cells]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in cells)

    def _repr_html_(self) -> str:
        """For Jupyter: the table, then the remarks."""
        headings, lines = self.table()
        text = [[html.escape(cell).replace("\n", "<br>") for cell in line] for line in [headings, *lines]]
        rows = ["".join(f"<td>{cell}</td>" for cell in line) for line in text]
        table = "".join(f"<tr>{row}</tr>" for row in rows)
        return f"<table>{table}</table>" + "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)

    def __getitem__(self, what: str) -> Value:
        """The number found here in a row."""
        for row in self.rows:
            if row.what == what:
                return row.here
        raise KeyError(f"no row is named {what!r}; the rows are {', '.join(row.what for row in self.rows)}")

    def as_json(self) -> dict[str, Any]:
        """The rows and remarks for `json.dumps`; which rows depend on rounding, where that was tested."""
        rows = [{"what": row.what, "tutorial": row.tutorial, "here": row.here} for row in self.rows]
        if self.compared:
            for row, plain_row in zip(self.rows, rows, strict=True):
                plain_row |= {"depends_on_rounding": row.depends_on_rounding, "moved": row.moved}
        return {"rows": rows, "notes": self.notes}

    def print(self, console: Console) -> None:
        """The rows as a table, then the remarks."""
        headings, lines = self.table()
        table = Table(*headings, box=box.SIMPLE_HEAD, pad_edge=False)
        for line in lines:
            table.add_row(*(Text(cell, overflow="fold") for cell in line))
        console.print(table)
        for note in self.notes:
            console.print(note, markup=False, highlight=False)


def run_as_script(file: str) -> None:
    """Run an example's file as a script: like `samenet examples NAME`, with the same options."""
    from samenet.__main__ import main
    from samenet.examples import examples

    names = {example.module.__name__.rpartition(".")[2]: name for name, example in examples().items()}
    name = names.get(Path(file).stem)  # without one, the examples are listed
    sys.exit(main(["examples", *([name] if name else []), *sys.argv[1:]]))


if __name__ == "__main__":
    run_as_script(__file__)
