"""`samenet compare`: check every backend against the reference, and only then time them, side by side."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from samenet import cases, data, environment, files, timing
from samenet.backends import MODULES, backend
from samenet.cases import LOOPS_OVER_ARRAYS, LOOPS_OVER_LISTS, Case
from samenet.tolerance import Comparison

# What tutorial 000 prints for its feed-forward: seconds of its loops over arrays, and of its matrix version.
_TUTORIAL = {
    (3, 3, 1): {LOOPS_OVER_ARRAYS: 40e-6},
    (3, 3, 3, 1): {LOOPS_OVER_ARRAYS: 70e-6, "numpy": 46e-6},
    (100, 100, 50, 10): {LOOPS_OVER_ARRAYS: 41e-3, "numpy": 84e-6},
}
_ALPHA = 0.25
_SEED = 0


@dataclass(frozen=True)
class Row:
    """What was measured of one contender; without `seconds`, its answer was wrong and it was not timed."""

    name: str
    backend: str
    comparison: Comparison
    first_call: float
    tutorial: float | None
    seconds: timing.Seconds | None
    speed_up: timing.Ratio | None

    @property
    def median(self) -> float:
        """Median seconds, NaN if it was not timed."""
        return math.nan if self.seconds is None else float(np.median(self.seconds))

    @property
    def spread(self) -> float:
        """Half the interquartile range, as a share of the median."""
        if self.seconds is None:
            return math.nan
        low, high = np.percentile(self.seconds, [25, 75])
        return float((high - low) / 2 / self.median)

    def as_json(self) -> dict[str, Any]:
        """Plain values for a file."""
        timed = None
        if self.seconds is not None and self.speed_up is not None:
            timed = {
                "median_seconds": self.median,
                "min_seconds": float(self.seconds.min()),
                "quartiles_seconds": np.percentile(self.seconds, [25, 75]).tolist(),
                "rounds": len(self.seconds),
                "speed_up": self.speed_up._asdict(),
            }
        return {
            "name": self.name,
            "backend": self.backend,
            "ok": self.comparison.ok,
            "observed_error": self.comparison.observed if math.isfinite(self.comparison.observed) else None,
            "allowed_error": self.comparison.allowed,
            "problem": self.comparison.problem or None,
            "first_call_seconds": self.first_call,
            "tutorial_seconds": self.tutorial,
            "timed": timed,
        }


@dataclass(frozen=True)
class Result:
    """A case and its rows."""

    title: str
    rows: list[Row]

    def row(self, name: str) -> Row | None:
        """The row of a contender, if it took part and was timed."""
        return next((row for row in self.rows if row.name == name and row.seconds is not None), None)


def measure(case: Case, seconds: float = 3.0) -> Result:
    """Check every contender of a case, then time those that passed, interleaved and warm."""
    checked = []
    for contender in case.contenders:
        answers: list[Any] = []
        first_call = timing.first_call(lambda c=contender, kept=answers: kept.append(c.answer()))  # type: ignore[misc]
        checked.append((contender, first_call, case.check(answers[0])))
    passed = {contender.name: contender for contender, _, comparison in checked if comparison.ok}
    for contender in passed.values():
        contender.call()
    calls = timing.interleave({name: contender.call for name, contender in passed.items()}, seconds) if passed else {}
    times = {name: samples / passed[name].work for name, samples in calls.items()}
    baseline = next(iter(times.values()), None)
    rows = []
    for contender, first_call, comparison in checked:
        samples = times.get(contender.name)
        speed_up = None if samples is None or baseline is None else timing.ratio(baseline, samples)
        name, tutorial = contender.name, contender.tutorial
        rows.append(Row(name, contender.backend, comparison, first_call, tutorial, samples, speed_up))
    return Result(case.title, rows)


def duration(seconds: float | None) -> str:
    """A time with three digits and a unit.

    >>> duration(0.0000401), duration(12.3)
    ('40.1 us', '12.3 s')
    """
    if seconds is None or math.isnan(seconds):
        return ""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size * 0.9995:
            return f"{digits(seconds / size)} {unit}"
    return f"{digits(seconds / 1e-9)} ns"


def digits(value: float) -> str:
    """A number with three significant digits and no exponent.

    >>> digits(0.01234), digits(1.5), digits(488.4), digits(12345.6)
    ('0.0123', '1.50', '488', '12300')
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    places = 2 - math.floor(math.log10(abs(float(f"{value:.2e}"))))
    return f"{round(value, places):.{max(0, places)}f}"


def _table(result: Result) -> Table:
    table = Table(title=result.title, title_justify="left", title_style="bold", box=None, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    tutorial = any(row.tutorial for row in result.rows)
    for heading in ("median", "spread", "speed-up", "error / allowed", "1st call", *(["tutorial"] if tutorial else [])):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in result.rows:
        if row.seconds is None or row.speed_up is None:
            cells = ["[bold red]FAIL[/]", "", ""]
        else:
            cells = [duration(row.median), f"{100 * row.spread:.0f} %", f"{digits(row.speed_up.median)} x"]
        cells += [str(row.comparison), duration(row.first_call)]
        table.add_row(row.name, *cells, *([duration(row.tutorial)] if tutorial else []))
    return table


def _notes(results: Sequence[Result]) -> list[str]:
    """Where NumPy loses to plain loops: it does on the smallest networks, and that should not be overlooked."""
    notes = []
    for result in results:
        loops, numpy = result.row(LOOPS_OVER_LISTS), result.row("numpy")
        if loops and numpy and loops.median < numpy.median:
            factor = digits(numpy.median / loops.median)
            notes.append(f"{result.title}: NumPy takes {factor} times as long as plain loops.")
    return notes


def _fastest(results: Sequence[Result]) -> str | None:
    """The backend with the smallest geometric mean of medians, of those that passed every check and were timed."""
    means = {}
    for name in MODULES:
        rows = [[row for row in result.rows if row.backend == name] for result in results]
        if all(rows) and all(row.seconds is not None for group in rows for row in group):
            means[name] = sum(math.log(min(row.median for row in group)) for group in rows)
    return min(means, key=lambda name: means[name]) if means else None


def _train_in_full(console: Console, initial: Any, name: str, split: Any, Y: Any, epochs: int) -> dict[str, Any]:
    """The tutorial's whole run on one backend, with a progress bar; what came of it."""
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
            lambda: network.train(split.X_train, Y, alpha=_ALPHA, epochs=epochs, callback=advance)
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


def _digits(console: Console, names: Sequence[str], epochs: int) -> tuple[Result, dict[str, Any] | None]:
    """Tutorial 000, section 5: 64-30-10, U[0, 1) weights, all rows scaled, 40 % for testing, alpha 0.25, full batch."""
    images = data.digits()
    scaled = data.standard_scaler(images.X).transform(images.X)
    split = data.split(scaled, images.y, test_size=0.4, seed=_SEED)
    Y = data.one_hot(split.y_train, 10)
    legacy = np.random.RandomState(_SEED)
    initial = backend("reference").Network([64, 30, 10], init="uniform", seed=legacy)
    with console.status("digits"):
        result = measure(cases.training(initial, split.X_train, Y, _ALPHA, names), seconds=12.0)
    console.print(_table(result))
    fastest = _fastest([result])
    if fastest is None or epochs == 0:
        return result, None
    full = _train_in_full(console, initial, fastest, split, Y, epochs)
    console.print(
        f"{epochs} epochs on {fastest} took {digits(full['seconds'])} s.\n"
        f"Cost, the mean of 1/2 ||y - h||^2: {full['cost_before']:.4f} before, {full['cost_after']:.4f} after.\n"
        f"Mean of ||y - h||, which the tutorial plots: {full['mean_norm_after']:.4f} after.\n"
        f"Test accuracy {100 * full['test_accuracy']:.1f} %; the tutorial: 86 %, after a few minutes.\n"
    )
    return result, full


def _cases(sizes: Sequence[Sequence[int]] | None, batches: Sequence[int], names: Sequence[str]) -> list[Case]:
    if sizes is not None:
        layers = [tuple(s) for s in sizes]
        chosen = [cases.forward(s, m, names, _TUTORIAL.get(s) if m == 1 else None) for s in layers for m in batches]
        return chosen + [cases.gradient(s, m, names) for s in layers for m in batches]
    return [cases.forward(s, 1, names, printed) for s, printed in _TUTORIAL.items()] + [
        cases.gradient((64, 30, 10), 32, names)
    ]


def run(
    *,
    sizes: Sequence[Sequence[int]] | None,
    batches: Sequence[int],
    names: Sequence[str],
    epochs: int,
    json_file: Path | None,
    plot_file: Path | None,
) -> int:
    """The command itself; returns the exit status: 1 if a check failed, else 0."""
    console = Console(highlight=False)
    names = [name for name in MODULES if name in names]
    if plot_file is not None:
        from samenet import plots  # now, so that a missing matplotlib is said before the waiting
    around = environment.describe()
    threads = around["threads"]["OPENBLAS_NUM_THREADS"]
    console.print(
        f"{around['processor']}, {around['cores']} cores, {around['system']}\n{around['python']}, "
        f"NumPy {around['numpy']}, Numba {around['numba']}, {around['blas']}\nthreads: {threads}\n"
    )
    results = []
    for case in _cases(sizes, batches, names):
        with console.status(case.title):
            results.append(measure(case))
        console.print(_table(results[-1]))
        console.print()
    full = None
    if sizes is None:
        try:
            result, full = _digits(console, names, epochs)
            results.append(result)
        except ImportError as error:
            console.print(f"The digits were left out: {error}\n", markup=False)
    console.print(
        "error / allowed: the worst difference to the reference, and its derived bound;\n"
        "checked before anything is timed. spread: half the interquartile range.\n"
        "speed-up: over the first row, median of paired rounds. 1st call: compiles,\n"
        "or loads what was compiled before. tutorial: the times that tutorial 000 prints.",
        style="dim",
    )
    for note in _notes(results):
        console.print(note)
    if json_file is not None:
        content = {
            "environment": around,
            "cases": [{"title": r.title, "rows": [row.as_json() for row in r.rows]} for r in results],
            "digits": full,
        }
        files.write_text(json_file, json.dumps(content, indent=1) + "\n")
    if plot_file is not None:
        plots.bars(results, plot_file)
    failed = [f"{row.name} in {result.title}" for result in results for row in result.rows if not row.comparison.ok]
    if failed:
        console.print(f"[bold red]FAIL[/]: {'; '.join(failed)}")
        return 1
    fastest = _fastest(results)
    if fastest is not None:
        console.print(f"Fastest here: {fastest}. [bold]from {MODULES[fastest]} import Network[/]")
    return 0
