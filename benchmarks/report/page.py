"""All measurements in one self-contained web page: build/page/index.html.

page.html is the template; page.css and page.js are put into it, with the numbers as JSON, so that the page is one file.
"""

import json
import math
import re
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from benchmarks.report import claims, history, kinds, tables, text
from benchmarks.report.model import Case, Outcome, Record, Row, newest
from benchmarks.report.scaling import lines, slope
from benchmarks.report.tables import label, names, times
from samenet.compare.cases import LOOPS_OVER_ARRAYS, LOOPS_OVER_LISTS
from samenet.output import files
from samenet.output.formats import digits, duration

HERE = Path(__file__).resolve().parent
_PAIRS = [
    ("numpy", "numba"),
    (LOOPS_OVER_LISTS, "numba"),
    (LOOPS_OVER_ARRAYS, "numba"),
    (LOOPS_OVER_LISTS, "numpy"),
    (LOOPS_OVER_ARRAYS, "numpy"),
]


def _contender(row: Row) -> dict[str, Any]:
    median = row.median if math.isfinite(row.median) else None
    return {"median": median, "text": duration(row.median) or "FAIL", "error": tables.error(row), "ok": row.ok}


def _point(case: Case) -> dict[str, Any]:
    """A cell of the heat map: its contenders, and every ratio of two of them."""
    ratios = {f"{a}/{b}": ratio for a, b in _PAIRS if (ratio := case.ratio(a, b))}
    return {
        "width": case.width,
        "batch": case.batch,
        "title": f"{case.network}, {case.operation}",
        "rows": {name: _contender(row) for name, row in case.rows.items()},
        "ratios": {
            key: {"estimate": ratio.estimate, "text": f"{digits(ratio.estimate)}x", "interval": times(ratio)}
            for key, ratio in ratios.items()
        },
    }


def _scaling(record: Record, along: str) -> list[dict[str, Any]]:
    return [
        {
            "contender": name,
            "held": held,
            "name": f"{label(name)}, {held}: slope {slope(x, y):.2f}",
            "points": [
                [a, b, f"{label(name)}, {along} {a:g}, {held}: {duration(b)}"] for a, b in zip(x, y, strict=True)
            ],
        }
        for (name, held), (x, y) in lines(record.sweeps, along).items()
    ]


def _history(folder: Path) -> dict[str, Any]:
    """Curves over commits, each commit listed once."""
    found = history.lines(folder)
    commits = sorted({(point.date, point.commit) for line in found for point in line.points})
    place = {commit: i for i, (_, commit) in enumerate(commits)}
    return {
        "commits": [commit for _, commit in commits],
        "lines": [
            {
                "machine": line.machine,
                "benchmark": line.benchmark,
                "parameters": line.parameters,
                "unit": line.unit,
                "points": [[place[p.commit], float(f"{p.value:.4g}")] for p in line.points],
            }
            for line in found
        ],
    }


def _sort_key(case: Case, row: Row) -> list[float | None]:
    """The sort keys of the numeric columns."""
    gain = row.speed_up.estimate if row.speed_up else math.nan
    share = math.inf if row.observed is None else row.observed / row.allowed if row.allowed else 0.0
    return [row.median, row.minimum, row.spread, gain, share]


def _cases(record: Record) -> list[dict[str, Any]]:
    """The table of all cases: the text of every cell, and its sort key."""
    cells = tables.everything(record.cases).rows
    keys = [_sort_key(case, row) for case in record.cases for row in case.rows.values()]
    rows = [row for case in record.cases for row in case.rows.values()]
    return [
        {
            "words": words[:3],
            "numbers": [
                (t, k if k is not None and math.isfinite(k) else "") for t, k in zip(words[3:], key, strict=True)
            ],
            "ok": row.ok,
        }
        for words, key, row in zip(cells, keys, rows, strict=True)
    ]


def _rich(line: str) -> Markup:
    """A line of our markdown, which has only bold and code, as HTML."""
    safe = str(escape(line))
    safe = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", safe)
    return Markup(re.sub(r"`(.+?)`", r"<code>\1</code>", safe))


def numbers(record: Record, asv: Path) -> dict[str, Any]:
    """The data for the page's script."""
    return {
        "pairs": [{"key": f"{a}/{b}", "slow": label(a), "fast": label(b), "contenders": [a, b]} for a, b in _PAIRS],
        "names": {name: label(name) for name in names((*record.cases, *record.sweeps))},
        "points": [_point(case) for case in record.grid],
        "scaling": {along: _scaling(record, along) for along in ("width", "depth", "batch")},
        "history": _history(asv),
    }


def _beside(results: Path) -> dict[str, Any] | None:
    """Other libraries beside samenet: the counts of settings, and the worst ones; None if they were not measured."""
    folder = newest(results, "peers.json")
    if folder is None:
        return None
    outcome = Outcome.read(folder)
    around = outcome.content["environment"]
    return {
        "words": kinds.in_words(outcome.settings),
        "where": f"{around['utc'][:10]}, commit `{around['commit'] or 'unknown'}`",
        "quick": outcome.content["quick"],
        "counts": kinds.counts(outcome.settings),
        "worst": kinds.worst_settings(outcome.settings),
    }


def page(record: Record, asv: Path) -> str:
    """The page."""
    loader = jinja2.FileSystemLoader(HERE)
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined)
    environment.filters["rich"] = _rich
    data = json.dumps(numbers(record, asv), allow_nan=False, separators=(",", ":"))
    how = [" ".join(item.split()) for item in re.split(r"^- ", text.HOW_TO_READ, flags=re.MULTILINE) if item]
    return environment.get_template("page.html").render(
        style=Markup((HERE / "page.css").read_text(encoding="utf-8")),
        script=Markup((HERE / "page.js").read_text(encoding="utf-8")),
        data=Markup(data.replace("<", "\\u003c")),
        where=text.where(record),
        quick=record.quick,
        tutorial=claims.table(record),
        answers=claims.answers(record),
        cases=_cases(record),
        columns=tables.everything(record.cases).headings,
        wins=text.reference_wins(record).replace("- ", "").splitlines(),
        noise=text.noise(record).replace("\n- ", "\n").split("\n\n"),
        apart=[
            ("First calls", tables.first_calls(record)),
            ("Import and memory", tables.imports(record)),
            ("Calls until Numba has paid", tables.break_even(record)),
        ],
        beside=_beside(record.folder.parent),
        around=text.environment(record),
        how=how,
    )


def write(record: Record, asv: Path, into: Path) -> Path:
    """Write the page into a folder."""
    files.write_text(into / "index.html", page(record, asv))
    return into / "index.html"
