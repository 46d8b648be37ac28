"""`samenet compare`: check every backend against the reference first, then time them side by side."""

import json
import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from samenet.backends import EXTRAS, MODULES, backend, known_backends, missing
from samenet.compare import cases, environment, rehearsal, timing
from samenet.compare.cases import LOOPS_OVER_ARRAYS, LOOPS_OVER_LISTS
from samenet.compare.measurement import Result, Row, measure
from samenet.output import files
from samenet.output.console import Console, print_table
from samenet.output.console import console as standard_output
from samenet.output.formats import counted, digits, duration


def _show(console: Console, result: Result, left_out: Mapping[str, str], fatal: Mapping[str, str]) -> None:
    """Print a case's title, table and noise. As rich's title and caption, they would wrap at the table's width."""
    console.print(result.title, style="bold", markup=False)
    table = _table(result)
    for name in fatal:
        table.add_row(name, "[bold red]FAIL[/]")
    for name in left_out:
        table.add_row(name, "left out")
    print_table(console, table)
    for name, reason in fatal.items():
        console.print(f"{name}: {reason}", style="red", markup=False)
    for reason in left_out.values():
        console.print(f"left out: {reason}", style="red", markup=False)
    if result.noise is not None:
        console.print("noise: {} x ({} to {})".format(*map(digits, result.noise)), style="dim italic")


def _table(result: Result) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    tutorial = any(row.tutorial for row in result.rows)
    for heading in ("median", "spread", "speed-up", "error / allowed", "1st call", *(["tutorial"] if tutorial else [])):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in result.rows:
        if row.seconds is None or row.speed_up is None:
            cells = ["[bold red]FAIL[/]", "", ""]
        else:
            cells = [duration(row.median), f"{100 * row.spread:.0f} %", f"{digits(row.speed_up.estimate)} x"]
        cells += [str(row.comparison), duration(row.first_call)]
        table.add_row(row.name, *cells, *([duration(row.tutorial)] if tutorial else []))
    return table


def _notes(results: Sequence[Result]) -> list[str]:
    """Notes on backends that are slower than a simpler one, as shown by the interval of their ratio.

    NumPy loses to plain loops on the smallest networks, Numba to NumPy's BLAS on the widest: both are reported.
    """
    notes = []
    for result in results:
        timed = [row for row in result.rows if row.seconds is not None and row.name != LOOPS_OVER_ARRAYS]
        for simple, fast in combinations(timed, 2):
            assert simple.seconds is not None
            assert fast.seconds is not None
            ratio = timing.ratio(fast.seconds, simple.seconds)
            if ratio.low > 1:
                share = digits(ratio.estimate)
                notes.append(f"{result.title}: {_called(fast)} takes {share} times as long as {_called(simple)}.")
    return notes


def _called(row: Row) -> str:
    return {LOOPS_OVER_LISTS: "plain loops over lists", "numpy": "NumPy", "numba": "Numba"}.get(row.name, row.name)


def _in_order(results: Sequence[Result]) -> list[str]:
    """The backends that passed every check and were timed, by the geometric mean of their speed-ups, largest first.

    The order is by paired speed-ups, because medians may be in the wrong order on a machine of varying speed.
    """
    means = {}
    for name in known_backends():
        gains = [[result.gain(row.name) for row in result.rows if row.backend == name] for result in results]
        if all(group and None not in group for group in gains):
            means[name] = sum(math.log(max(gain for gain in group if gain is not None)) for group in gains)
    return sorted(means, key=lambda name: -means[name])


def _train_in_full(console: Console, name: str, epochs: int) -> dict[str, Any]:
    """The tutorial's whole training run on one backend, with a progress bar; returns its results."""
    initial, split, Y = cases.tutorial_digits()
    network = initial.on(name)
    before = network.cost(split.X_train, Y)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(f"training on {name}", total=epochs)

        def advance(_: Any, history: Any) -> None:
            if history.epochs_done % 20 == 0:
                progress.update(task, completed=history.epochs_done)

        seconds = timing.first_call(
            lambda: network.train(split.X_train, Y, alpha=0.25, epochs=epochs, callback=advance)
        )
    output = network.predict(split.X_train)
    return {
        "backend": name,
        "epochs": epochs,
        "seconds": seconds,
        "cost_before": before,
        "cost_after": network.cost(split.X_train, Y),
        "mean_norm_after": float(np.linalg.norm(Y - output, axis=1).mean()),
        "test_accuracy": float((network.classify(split.X_test) == split.y_test).mean()),
    }


def _digits(
    console: Console, names: Sequence[str], left_out: Mapping[str, str], fatal: Mapping[str, str], epochs: int
) -> tuple[Result, dict[str, Any] | None]:
    """Tutorial 000, section 5: an epoch on every backend, then the whole training run on the fastest."""
    with console.status("digits"):
        result = measure(cases.full_batch_epoch(names), seconds=12.0)
    _show(console, result, left_out, fatal)
    order = _in_order([result])
    if not order or epochs == 0:
        return result, None
    full = _train_in_full(console, order[0], epochs)
    console.print(
        f"{counted(epochs, 'epoch')} on {order[0]} took {digits(full['seconds'])} s.\n"
        f"Cost, the mean of 1/2 ||y - h||^2: {full['cost_before']:.4f} before, {full['cost_after']:.4f} after.\n"
        f"Mean of ||y - h||, which the tutorial plots: {full['mean_norm_after']:.4f} after.\n"
        f"Test accuracy {100 * full['test_accuracy']:.1f} %; the tutorial: 86 %, after a few minutes.\n"
    )
    return result, full


def _fatal(
    console: Console, names: Sequence[str], sizes: Sequence[Sequence[int]] | None, batches: Sequence[int]
) -> dict[str, str]:
    """The named plug-ins that would end the run, with the reasons."""
    found = {}
    for name in names:
        if name not in MODULES | EXTRAS:
            with console.status(f"{name}, in a process of its own"):
                found[name] = rehearsal.failure(name, sizes, batches)
    return {name: reason for name, reason in found.items() if reason}


def run(
    *,
    sizes: Sequence[Sequence[int]] | None,
    batches: Sequence[int],
    names: Sequence[str],
    epochs: int,
    json_file: Path | None,
    plot_file: Path | None,
) -> int:
    """Run the command; returns the exit status: 1 if a check failed, else 0."""
    console = standard_output()
    names = [name for name in known_backends() if name in names]
    fatal = _fatal(console, names, sizes, batches)
    left_out = missing(name for name in names if name not in fatal)
    names = [name for name in names if name not in fatal and name not in left_out]
    if not names and not fatal:
        raise ImportError("; ".join(left_out.values()))
    if plot_file is not None:
        from samenet.compare import chart as plots  # now, to report a missing matplotlib before the work
    around = environment.describe()
    threads = around["threads"]["OPENBLAS_NUM_THREADS"]
    console.print(
        f"{around['processor']}, {counted(around['cores'], 'core')}, {around['system']}\n{around['python']}, "
        f"NumPy {around['numpy']}, Numba {around['numba']}, {around['blas']}\nthreads: {threads}\n"
    )
    try:
        chosen = cases.chosen(sizes, batches, names)
    except (MemoryError, OverflowError, ValueError) as error:
        if sizes is None:
            raise
        raise MemoryError(f"--sizes, --batch: expected networks and batches that fit in memory ({error})") from None
    results = []
    for case in chosen:
        with console.status(case.title):
            results.append(measure(case))
        _show(console, results[-1], left_out, fatal)
        console.print()
    full = None
    if sizes is None:
        try:
            result, full = _digits(console, names, left_out, fatal, epochs)
            results.append(result)
        except ImportError as error:
            console.print(f"The digits are left out: {error}\n", markup=False)
    console.print(
        "error / allowed: the largest error relative to the reference, and its bound;\n"
        "checked before anything is timed. spread: half the interquartile range.\n"
        "speed-up: over the first row, median of paired rounds; noise: the speed-up of\n"
        "the last row over itself, with its 95 % interval. 1st call: compiles kernels,\n"
        "or loads cached ones. tutorial: the times printed in tutorial 000.",
        style="dim",
    )
    for note in _notes(results):
        console.print(note)
    if json_file is not None:
        content = {
            "environment": around,
            "cases": [result.as_json() for result in results],
            "digits": full,
            "left_out": left_out,
            "failed": fatal,
        }
        files.write_text(json_file, json.dumps(content, indent=1) + "\n")
    if plot_file is not None:
        plots.bars(results, plot_file)
    failed = [f"{name}, as {reason}" for name, reason in fatal.items()]
    failed += [f"{row.name} in {result.title}" for result in results for row in result.rows if not row.comparison.ok]
    if failed:
        console.print(f"[bold red]FAIL[/]: {'; '.join(failed)}")
        return 1
    order = _in_order(results)
    if len(order) > 1:
        console.print(f"Fastest here: {order[0]}. [bold]from {backend(order[0]).__name__} import Network[/]")
    return 0
