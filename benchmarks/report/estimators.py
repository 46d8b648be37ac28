"""estimators.md, and the table in docs/estimators.md, generated from estimators.json alone."""

import json
from pathlib import Path
from typing import Any

from benchmarks.estimators import OURS, THEIRS, outcome
from benchmarks.report.tables import Table
from benchmarks.report.techniques import where
from samenet.output import files
from samenet.output.formats import digits, duration

_BUSY = 0.5  # a load average above this is of other processes
HEADINGS = (
    *("data set", "samples", "score", THEIRS, OURS, "difference", "equal seeds"),
    *(f"{THEIRS}, fit", f"{OURS}, fit", "speed-up", "smallest of the seeds"),
)


def read(folder: Path) -> dict[str, Any]:
    """The run in a folder."""
    content: dict[str, Any] = json.loads((folder / "estimators.json").read_text(encoding="utf-8"))
    return content


def table(content: dict[str, Any]) -> Table:
    """A row for every data set."""
    rows = []
    for one in content["data_sets"]:
        o = outcome(one)
        what = f"{one['samples']} x {one['inputs']}"
        score = "R2" if one["classes"] is None else f"accuracy, {one['classes']} classes"
        apart = f"{o['difference']:+.4f} ± {o['interval']:.4f}{'' if o['is_equal'] else ' DIFFERS'}"
        means = [f"{o['scores'][name]:.4f}" for name in (THEIRS, OURS)]
        times = [duration(o["seconds"][name]) for name in (THEIRS, OURS)]
        gains = [f"{digits(o[name])}x" for name in ("ratio", "least_ratio")]
        rows.append((one["name"], what, score, *means, apart, f"{o['same']} of {len(one['seeds'])}", *times, *gains))
    return Table(HEADINGS, rows, words=3)


def in_short(content: dict[str, Any]) -> str:
    """The table, and how to read it."""
    load = content["load"]
    busy = load is not None and load > _BUSY
    shared = f" Other processes were running (load average {load:.1f}): the times are approximate." if busy else ""
    quick = " **A quick run: do not quote it.**" if content["quick"] else ""
    return (
        f"Default settings, {content['repeats']} seeds, each with its own split: a quarter of the samples is the test "
        "set. Scores are means over seeds on the test set. The difference is their mean difference, with half of its "
        "95 % interval (Student's t over seeds); equal seeds are those with identical scores. Times are medians of the "
        f"CPU time of `fit`, on one thread, without compiling; backend {content['backend']}.{shared}{quick} "
        f"{where(content['environment'])}. `make estimators` repeats it.\n\n{table(content).markdown()}"
    )


def write(folder: Path) -> list[Path]:
    """Write estimators.md beside estimators.json."""
    path = folder / "estimators.md"
    files.write_text(path, f"# samenet's estimators and scikit-learn's own\n\n{in_short(read(folder))}")
    return [path]
