"""The common parts of commands that read tables: their argument, their options, and their output."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samenet.cli import values

if TYPE_CHECKING:
    from samenet.cli.tabular.source import Source

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A table: .csv, .tsv, .txt, .parquet, .npz, - for CSV from standard input, or a data set that "
        "scikit-learn ships: breast-cancer, diabetes, digits, iris, wine.",
    ),
]
Model = Annotated[Path, typer.Argument(metavar="MODEL", help="The network, .npz or .safetensors.")]
Delimiter = Annotated[
    str | None,
    typer.Option(
        parser=values.delimiter,
        metavar="CHAR",
        help="The delimiter of CSV, or tab.  [default: detected in the first row]",
    ),
]
Header = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header",
        help="Whether the first row of CSV has names; else columns are 1, 2, ...  [default: detected]",
    ),
]
DropMissing = Annotated[bool, typer.Option("--drop-missing", help="Leave out rows with missing values.")]


def opened(data: str, delimiter: str | None, header: bool | None) -> "Source":
    """The table; refuses CSV options for other tables."""
    from samenet.cli.tabular.sources import is_csv, open_table

    if not is_csv(data):
        option = "--delimiter" if delimiter is not None else "--header" if header is not None else None
        if option is not None:
            raise values.refusal(f"{option} is only for CSV, and {values.shown(data)} is not CSV")
    return open_table(data, delimiter, header)


@contextmanager
def hints() -> Iterator[None]:
    """Name the option that helps if a value is missing."""
    from samenet.cli.tabular.errors import MissingValue, TableError

    try:
        yield
    except MissingValue as error:
        raise TableError(f"{error}; --drop-missing leaves out such rows") from None


def print_figures(console: Any, told: dict[str, Any]) -> None:
    """Print accuracy, the confusion matrix and figures for each class; or R2 and errors."""
    from rich.table import Table
    from rich.text import Text

    from samenet.output.console import print_table
    from samenet.output.formats import counted, digits, printable

    if told["task"] == "regression":
        errors = [told["root_mean_squared_error"], told["mean_absolute_error"]]
        root, mean = ("beyond the range of numbers" if error is None else digits(error) for error in errors)
        none = "all targets are the same" if None not in errors else root
        r2 = f"none: {none}" if told["r2"] is None else digits(told["r2"])
        console.print(f"R2: {r2}, of {counted(told['rows'], 'row')}")
        console.print(f"root mean squared error: {root}")
        console.print(f"mean absolute error: {mean}")
        return
    right = sum(row[i] for i, row in enumerate(told["confusion"]))
    console.print(f"accuracy: {100 * told['accuracy']:.1f} %, {right} of {counted(told['rows'], 'row')}\n")
    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column("class", no_wrap=True)
    for heading in ("rows", "precision", "recall", "f1"):
        table.add_column(heading, justify="right", no_wrap=True)
    names = [printable(one["class"]) for one in told["classes"]]
    for name, one in zip(names, told["classes"], strict=True):
        shares = ("" if one[key] is None else f"{one[key]:.3f}" for key in ("precision", "recall", "f1"))
        table.add_row(Text(name), str(one["rows"]), *shares)
    print_table(console, table)
    console.print("\nconfusion matrix: a row for each true class, a column for each predicted one")
    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    for name in names:
        table.add_column(Text(name), justify="right", no_wrap=True)
    for name, row in zip(names, told["confusion"], strict=True):
        table.add_row(Text(name), *map(str, row))
    print_table(console, table)
