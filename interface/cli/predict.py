"""`samenet predict`."""

import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from samenet.cli import replacing, tables, values
from samenet.cli.backend import NumPy

if TYPE_CHECKING:
    from samenet.cli.tabular.source import Source


def predict(
    model: tables.Model,
    data: tables.Data,
    output: Annotated[
        str, typer.Option(metavar="FILE", help="CSV in UTF-8, with a header; - for standard output.  [default: -]")
    ] = "-",
    keep: Annotated[
        bool,
        typer.Option(
            "--keep",
            help="Write the columns of DATA first; a prediction with the same name becomes predicted:NAME.",
        ),
    ] = False,
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Write the probability of each class, too, as class:NAME.")
    ] = False,
    backend: NumPy = "numpy",
    delimiter: tables.Delimiter = None,
    header: tables.Header = None,
    force: replacing.Force = False,
) -> int:
    """Print a row of CSV for each row of a table of any length.

    Columns are found by name, in any order; other columns are ignored. The column that is written has the name of the
    target, and contains its classes or numbers. A network that was not saved by `samenet train` takes the columns
    unscaled, in their order, and its outputs are written as output1, output2, ...
    """
    path = None if output == "-" else values.writable(output)
    if path is None and force:
        raise values.refusal("--force needs --output")
    if path is not None:
        replacing.check_new("--output", path, force, data, model)
    from samenet.cli.tabular import predicting
    from samenet.cli.tabular.files import load
    from samenet.output import files

    predictor = predicting.Predictor(*load(model, backend))
    if probabilities and not predictor.has_classes:
        raise values.refusal(f"--probabilities: {values.shown(str(model))} predicts no classes")
    with tables.opened(data, delimiter, header) as source:
        predictor.check(source)
        rows = _rows(predictor, source, keep, probabilities)
        if path is None:
            if isinstance(sys.stdout, io.TextIOWrapper):
                sys.stdout.reconfigure(encoding="utf-8")  # like files, which are read as UTF-8
            _write(rows, sys.stdout)
        else:
            files.write(path, lambda temporary: _written(rows, temporary))
    return 0


def _rows(predictor: Any, source: "Source", keep: bool, probabilities: bool) -> Iterator[list[list[Any]]]:
    """Rows of text, in parts; the names first."""
    names = predictor.names(probabilities)
    if keep:  # all names differ, so that the file can be read again
        names = [f"predicted:{name}" if name in source.names else name for name in names]
    yield [[*source.names, *names] if keep else names]
    for part in source.parts():
        columns = predictor.columns(part, source.has_header, probabilities)
        kept = [cells if not hasattr(cells, "tolist") else cells.tolist() for cells in part.columns.values()]
        yield [list(row) for row in zip(*(kept if keep else ()), *columns, strict=True)]


def _write(rows: Iterator[list[list[Any]]], file: TextIO) -> None:
    writer = csv.writer(file, lineterminator="\n")
    for some in rows:
        writer.writerows(some)


def _written(rows: Iterator[list[list[Any]]], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        _write(rows, file)
