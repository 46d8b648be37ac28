"""`samenet train`."""

import json as as_json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samenet.cli import replacing, tables, values
from samenet.cli.backend import Fastest, chosen

if TYPE_CHECKING:
    from samenet.cli.tabular.fitting import Fitted, Settings
    from samenet.cli.tabular.table import Table
    from samenet.cli.tabular.task import Task

_ACTIVATIONS = ("relu", "tanh", "sigmoid", "identity")


def train(
    data: tables.Data,
    target: Annotated[
        str | None, typer.Option(metavar="NAME", help="The column to predict; not needed for a data set.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            parser=values.network,
            metavar="FILE",
            help="The network, .npz or .safetensors; the report is written beside it as .report.json.  "
            "[default: ./ and DATA's name with .net.npz]",
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            parser=partial(values.one_of, known=("classification", "regression")),
            metavar="classification|regression",
            help="[default: detected from the target]",
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A column that is not an input; may be repeated.")
    ] = None,
    categorical: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A column of texts, even if they look like numbers; may be repeated."),
    ] = None,
    drop_missing: tables.DropMissing = False,
    backend: Fastest = None,
    layers: Annotated[
        Any,  # a list of sizes
        typer.Option(
            parser=values.hidden, metavar="N-N", help="Hidden layers, such as 64-32; 0 for none.  [default: 32]"
        ),
    ] = None,
    activation: Annotated[
        str | None,
        typer.Option(
            parser=partial(values.one_of, known=_ACTIVATIONS),
            metavar="NAME",
            help=f"The hidden layers' activation: {', '.join(_ACTIVATIONS)}.  [default: relu]",
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(parser=values.positive, metavar="N", help="The maximum number of epochs.  [default: 200]"),
    ] = None,
    batch: Annotated[
        int | None, typer.Option(parser=values.positive, metavar="M", help="The batch size.  [default: 32]")
    ] = None,
    alpha: Annotated[
        float | None,
        typer.Option(parser=values.above_0, metavar="X", help="The learning rate of Adam.  [default: 0.01]"),
    ] = None,
    l2: Annotated[
        float | None,
        typer.Option(parser=values.at_least_0, metavar="X", help="The penalty l2/2 sum W^2.  [default: 0]"),
    ] = None,
    validation: Annotated[
        float | None,
        typer.Option(
            parser=values.share, metavar="SHARE", help="The share of rows held out; 0 for none.  [default: 0.2]"
        ),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            parser=values.positive,
            metavar="N",
            help="Stop after this many epochs without a lower cost on the held-out rows, and restore the best.  "
            "[default: 20]",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            parser=values.seed, metavar="N", help="The seed for weights, orders and held-out rows.  [default: 0]"
        ),
    ] = None,
    dtype: Annotated[
        str | None,
        typer.Option(
            parser=partial(values.one_of, known=("float64", "float32")),
            metavar="float64|float32",
            help="[default: float64]",
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            parser=values.positive,
            metavar="N",
            help="Threads of the numba backend; they do not change the results.  [default: 1]",
        ),
    ] = None,
    delimiter: tables.Delimiter = None,
    header: tables.Header = None,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON and nothing else.")] = False,
    force: replacing.Force = False,
) -> int:
    """Train a network on a table, and save it with a report.

    Numeric columns are scaled; text columns become one input for each distinct text. A target of texts, or of whole
    numbers with few distinct values, has classes; other numbers mean regression. Ctrl-C saves nothing.
    """
    if patience is not None and validation == 0:
        raise values.refusal("--patience needs held-out rows, and --validation is 0")
    if activation is not None and layers == []:
        raise values.refusal("--activation is for hidden layers, and --layers 0 has none")
    if threads is not None and backend not in (None, "numba"):
        raise values.refusal(f"--threads is for numba, and --backend is {backend}")
    chosen_settings: dict[str, Any] = {
        "layers": None if layers is None else tuple(layers),
        **{"activation": activation, "epochs": epochs, "batch": batch, "alpha": alpha, "l2": l2},
        **{"validation": validation, "patience": patience, "seed": seed, "dtype": dtype, "threads": threads},
    }
    name = "stdin" if data == "-" else Path(data).stem or "table"
    path = output or values.network(f"{name}.net.npz")
    report_path = path.with_suffix(".report.json")
    for option, file in (("--output", path), ("--output, for the report", report_path)):
        replacing.check_new(option, file, force, data)
    values.writable(str(report_path))

    from samenet.cli.tabular import files, fitting
    from samenet.cli.tabular.errors import TableError
    from samenet.cli.tabular.sources import DATA_SETS
    from samenet.cli.tabular.table import read_table
    from samenet.cli.tabular.task import task_of

    with tables.hints(), tables.opened(data, delimiter, header) as source:
        target = _target(source, target, data in DATA_SETS)
        table = read_table(source, target, ignore or (), categorical or (), drop_missing)
    found = task_of(table, task)
    chosen_settings["backend"] = chosen(backend)
    settings = fitting.Settings(**{name: value for name, value in chosen_settings.items() if value is not None})
    if not json:
        print(_said(table, found))
        sys.stdout.flush()
    try:
        fitted = _fit(table, found, settings)
    except FloatingPointError as error:
        reason = str(error).partition(";")[0]  # the rest is about restored weights and Python's arguments
        raise TableError(f"training diverged: {reason}; try a smaller --alpha") from None
    except TableError:
        raise
    except ValueError as error:  # layers that do not fit in memory, numbers whose sums overflow
        raise TableError(error) from None
    report = _report(table, found, settings, fitted)
    files.save(fitted.network, fitted.preparation, path)
    from samenet.output.files import write_text

    write_text(report_path, as_json.dumps(report, indent=1, allow_nan=False) + "\n")
    if json:
        print(as_json.dumps(report | {"files": [str(path), str(report_path)]}, indent=1, allow_nan=False))
    else:
        _print(report, path, report_path)
    return 0


def _target(source: Any, target: str | None, is_data_set: bool) -> str:
    from samenet.cli.tabular.errors import listed
    from samenet.cli.tabular.sources import TARGET

    if is_data_set:
        if target not in (None, TARGET):
            raise values.refusal(f"--target: a data set has one target, {TARGET!r}, got {values.shown(str(target))}")
        return TARGET
    if target is None:
        raise values.refusal(f"--target: expected one of the columns {listed(source.names)}, got none")
    if target not in source.names:
        got = values.shown(target)
        raise values.refusal(f"--target: expected one of the columns {listed(source.names)}, got {got}")
    return target


def _said(table: "Table", task: "Task") -> str:
    """A description of how the table is interpreted."""
    from samenet.cli.tabular.columns import Number
    from samenet.cli.tabular.errors import listed
    from samenet.output.formats import counted, printable

    left_out = f" ({table.left_out} left out because of missing values)" if table.left_out else ""
    rows = f"{counted(table.rows, 'row')}{left_out}"
    lines = [f"{printable(table.part.source)}: {rows}, {counted(len(table.inputs), 'column')} as inputs"]
    texts = [name for name in table.inputs if not hasattr(table.part.columns[name], "dtype")]
    if texts:
        lines.append(f"categorical, one input for each value: {listed(texts)}")
    kind = task.name if isinstance(task.target, Number) else f"{task.name}, {len(task.target.values)} classes"
    lines.append(f"target {table.target!r}: {kind} ({task.why})")
    return "\n".join(lines)


def _fit(table: "Table", task: "Task", settings: "Settings") -> "Fitted":
    """Train, with a progress bar if standard error is a terminal."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from samenet.cli.tabular.fitting import fit
    from samenet.output.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        return fit(table, task, settings)
    columns = (
        *(TextColumn("{task.description}"), BarColumn()),
        *(TextColumn("epoch {task.completed:.0f} of {task.total:.0f}"), TimeRemainingColumn()),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(f"training on {settings.backend}", total=settings.epochs)
        return fit(table, task, settings, lambda epoch: progress.update(bar, completed=epoch))


def _report(table: "Table", task: "Task", settings: "Settings", fitted: "Fitted") -> dict[str, Any]:
    from samenet import __version__
    from samenet.cli.tabular.figures import finite_or_none

    history = fitted.history
    return {
        "samenet": __version__,
        "data": table.part.source,
        "rows": fitted.rows,
        "columns": [column._asdict() for column in fitted.preparation.inputs],
        "target": fitted.preparation.target._asdict(),
        "task": task.name,
        "because": task.why,
        "sizes": list(fitted.network.sizes),
        "settings": settings._asdict() | {"layers": list(settings.layers)},
        "epochs_done": history.epochs_done,
        "best_epoch": history.best_epoch,
        "stopped_by": history.stopped_by,
        "seconds": fitted.seconds,
        "measured_on": "validation" if fitted.rows["validation"] else "training",
        "figures": fitted.figures.as_json(),
        "cost": {"epochs": history.epochs.tolist(), "cost": [*map(finite_or_none, history.cost.tolist())]},
    }


def _print(report: dict[str, Any], path: Path, report_path: Path) -> None:
    from samenet.output.console import console as standard_output
    from samenet.output.formats import counted, digits, printable

    epochs, best = report["epochs_done"], report["best_epoch"]
    best_is_kept = "" if best is None or best == epochs else f", the best after {best} is kept"
    sizes = "-".join(map(str, report["sizes"]))
    backend = report["settings"]["backend"]
    lines = [f"{sizes} on {backend}: {counted(epochs, 'epoch')} in {digits(report['seconds'])} s{best_is_kept}"]
    held_out = report["rows"]["validation"]
    lines.append(f"on {counted(held_out, 'held-out row')}:" if held_out else "on the rows it was trained on:")
    print("\n".join(lines))
    tables.print_figures(standard_output(), report["figures"])
    print(printable(f"saved: {path}, {report_path}"))
