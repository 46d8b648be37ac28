"""The table of a run, techniques.md, and a section of results/README.md. Made from techniques.json alone."""

import json
from pathlib import Path
from typing import Any

from benchmarks.report.model import Case
from benchmarks.report.tables import NONE, Table, error, seconds, times
from benchmarks.techniques import WITH, WITHOUT
from samenet.output import files
from samenet.output.formats import counted

HOW_TO_READ = """\
A technique is turned off in a copy of the package, by another text for a line of its source, or by another call where
it is the caller's choice. Two processes, with and without it, are timed by turns, one waiting while the other works.
The ratio is the time without over the time with: above 1 the technique gains. It is the geometric mean over pairs of
processes of the median over rounds, in brackets the 95 % interval by Student's t; one pair has no interval, and shows
its order of size alone. An interval that contains 1 shows no gain, on this machine and in this case. The answers of
both are checked against the reference first, within the derived bound; a wrong one is FAIL, and neither is timed. Gains
do not multiply: each is beside all the others."""


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


def _where(around: dict[str, Any]) -> str:
    return (
        f"{around['processor']}, {counted(around['cores'], 'core')}, {around['python']}, {around['utc'][:10]}, "
        f"commit `{around['commit'] or 'unknown'}`"
    )


def page(content: dict[str, Any]) -> str:
    """techniques.md."""
    n = content["repeats"]
    quick = " **A quick run: do not quote it.**" if content["quick"] else ""
    return (
        f"# What each technique gains\n\n{_where(content['environment'])}, {counted(n, 'pair')} of processes."
        f"{quick} Made by `make techniques`; do not edit.\n\n{HOW_TO_READ}\n\n{table(content).markdown()}"
    )


def in_short(folder: Path) -> str:
    """What each gains: a few columns of the table, and what their numbers are. docs/speed.md has it."""
    content = read(folder)
    full = table(content)
    few = Table(("technique", "timed", "without / with"), [(r[0], r[2], r[5]) for r in full.rows], 2)
    return (
        "How many times as long the Numba backend takes with one technique turned off, and nothing else changed: the "
        f"geometric mean over {content['repeats']} pairs of processes, in brackets its 95 % interval; without brackets "
        "it is one pair, and has no interval. An interval that contains 1 shows no gain. A gain is that of its case, "
        f"and gains do not multiply. {_where(content['environment'])}.\n\n{few.markdown()}"
    )


def mention(folder: Path) -> str:
    """A section of results/README.md."""
    return (
        f"{in_short(folder)}\nWhat they are, times and errors: [techniques.md]({folder.name}/techniques.md), by "
        "`make techniques`."
    )


def write(folder: Path) -> list[Path]:
    """Write techniques.md beside techniques.json."""
    path = folder / "techniques.md"
    files.write_text(path, page(read(folder)))
    return [path]
