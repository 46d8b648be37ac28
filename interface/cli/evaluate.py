"""`samenet evaluate`."""

import json as as_json
import sys
from typing import Annotated

import typer

from samenet.cli import tables, values
from samenet.cli.backend import NumPy


def evaluate(
    model: tables.Model,
    data: tables.Data,
    at_least: Annotated[
        float | None,
        typer.Option(
            parser=values.number, metavar="X", help="Exit with 1 if the accuracy (from 0 to 1) or R2 is lower."
        ),
    ] = None,
    drop_missing: tables.DropMissing = False,
    backend: NumPy = "numpy",
    delimiter: tables.Delimiter = None,
    header: tables.Header = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON and nothing else.")] = False,
) -> int:
    """Measure a trained network on a table: accuracy or R2.

    The table must include the target. For classes, also prints the confusion matrix, and precision, recall and F1 of
    each class; for numbers, the errors.
    """
    from samenet.cli.tabular.errors import TableError
    from samenet.cli.tabular.evaluating import evaluate as measure
    from samenet.cli.tabular.files import load
    from samenet.output.console import console as standard_output

    network, preparation = load(model, backend)
    if preparation is None:
        why = f"expected a network that `samenet train` saved, got {values.shown(str(model))}"
        raise TableError(f"{why}, which has no columns' names")
    with tables.hints(), tables.opened(data, delimiter, header) as source:
        found, left_out = measure(network, preparation, source, drop_missing)
    told = found.as_json() | {"left_out": left_out}
    if json:
        print(as_json.dumps(told, indent=1, allow_nan=False))
    else:
        tables.print_figures(standard_output(), told)
        if left_out:
            print(f"rows left out because of missing values: {left_out}")
    if at_least is not None and not found.score >= at_least:
        print(f"samenet evaluate: failed: expected at least {at_least:g}, got {found.score:.6g}", file=sys.stderr)
        return 1
    return 0
