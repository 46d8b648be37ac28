"""techniques.md, and a section of results/README.md, generated from techniques.json alone."""

import json
from pathlib import Path
from typing import Any

from benchmarks.report.model import Case
from benchmarks.report.tables import NONE, Table, error, seconds, times
from benchmarks.techniques import WITH, WITHOUT
from samenet.output import files
from samenet.output.formats import counted

HOW_TO_READ = """\
A technique is turned off in a copy of the package, by replacing a line of its source, or by another call if it is the
caller's choice. Two processes, with and without it, are timed alternately, one waiting while the other works. The ratio
is the time without over the time with: above 1, the technique gains. It is the geometric mean over pairs of processes
of the median over rounds, with its 95 % interval (Student's t) in brackets; a single pair has no interval, and shows
only the order of magnitude. An interval that contains 1 shows no gain, on this machine and in this case. Both answers
are first checked against the reference, within the derived bound; if one is wrong, it is shown as FAIL and neither is
timed. Gains do not multiply: each is measured with all other techniques turned on."""


def read(folder: Path) -> dict[str, Any]:
    """The run in a folder."""
    content: dict[str, Any] = json.loads((folder / "techniques.json").read_text(encoding="utf-8"))
    return content


def table(content: dict[str, Any]) -> Table:
    """A row for every technique."""
    rows = []
    for one in content["techniques"]:
        case = Case.read(one)
        both = [seconds(case, name) if case.rows[name].ok else "FAIL" for name in (WITH, WITHOUT)]
        shares = "; ".join(error(case.rows[name]) for name in (WITH, WITHOUT))
        ratio = times(case.ratio(WITHOUT, WITH)) if all(row.ok for row in case.rows.values()) else NONE
        rows.append((case.network, one["what"], case.operation, *(t or NONE for t in both), ratio, shares))
    measured = ("time with", "time without", "without / with", "error / allowed, with; without")
    return Table(("technique", "what it is", "case", *measured), rows, words=3)


def where(around: dict[str, Any]) -> str:
    """The machine, the date and the commit of a run."""
    return (
        f"{around['processor']}, {counted(around['cores'], 'core')}, {around['python']}, {around['utc'][:10]}, "
        f"commit `{around['commit'] or 'unknown'}`"
    )


def page(content: dict[str, Any]) -> str:
    """techniques.md."""
    n = content["repeats"]
    quick = " **A quick run: do not quote it.**" if content["quick"] else ""
    return (
        f"# What each technique gains\n\n{where(content['environment'])}, {counted(n, 'pair')} of processes."
        f"{quick} Made by `make techniques`; do not edit.\n\n{HOW_TO_READ}\n\n{table(content).markdown()}"
    )


def in_short(folder: Path) -> str:
    """A few columns of the table, and an explanation of their numbers; also used in docs/speed.md."""
    content = read(folder)
    full = table(content)
    few = Table(("technique", "timed", "without / with"), [(r[0], r[2], r[5]) for r in full.rows], 2)
    return (
        "The ratio of the Numba backend's time with one technique turned off, and nothing else changed, to its usual "
        f"time: the geometric mean over {content['repeats']} pairs of processes, with its 95 % interval in brackets; a "
        "ratio without brackets is from a single pair. An interval that contains 1 shows no gain. Gains hold for their "
        f"case, and do not multiply. {where(content['environment'])}.\n\n{few.markdown()}"
    )


def mention(folder: Path) -> str:
    """A section of results/README.md."""
    return (
        f"{in_short(folder)}\nDescriptions, times and errors: [techniques.md]({folder.name}/techniques.md), by "
        "`make techniques`."
    )


def write(folder: Path) -> list[Path]:
    """Write techniques.md beside techniques.json."""
    path = folder / "techniques.md"
    files.write_text(path, page(read(folder)))
    return [path]
