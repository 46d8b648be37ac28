"""The tables of the report: rows of text, generated from a record, and written as markdown."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.catalogue import CONTENDERS, WAYS, way
from benchmarks.report.model import Case, Record, Row
from samenet.compare.cases import LOOPS_OVER_ARRAYS, LOOPS_OVER_LISTS
from samenet.compare.timing import Ratio
from samenet.output.formats import digits, duration

NONE = "–"  # noqa: RUF001  (a dash where there is nothing to show)
LABELS = {name: way(name).label for name in CONTENDERS}  # without those only in scaling curves


@dataclass(frozen=True)
class Table:
    """Headings, rows of text, and how many of the leading columns are text, aligned left."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int = 1

    def markdown(self) -> str:
        """The table in GitHub markdown."""
        marks = ["---"] * self.words + ["---:"] * (len(self.headings) - self.words)
        return "\n".join(_line(cells) for cells in (self.headings, marks, *self.rows)) + "\n"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def label(name: str) -> str:
    """A contender's name in a heading."""
    return way(name).label


def names(cases: Iterable[Case]) -> list[str]:
    """The contenders in these cases: the known ones first, then the others."""
    found = {name for case in cases for name in case.rows}
    known = list(dict.fromkeys((*WAYS, *CONTENDERS)))
    return [n for n in known if n in found] + sorted(found - set(known))


def times(ratio: Ratio | None) -> str:
    """A ratio with its interval, if it has one: 488x [470, 501]; with more digits if the interval is narrow."""
    if ratio is None:
        return NONE
    if not ratio.has_interval:
        return f"{digits(ratio.estimate)}x"
    n = next((n for n in range(3, 7) if digits(ratio.low, n) != digits(ratio.high, n)), 3)
    return f"{digits(ratio.estimate, n)}x [{digits(ratio.low, n)}, {digits(ratio.high, n)}]"


def near_one(ratio: Ratio) -> str:
    """A ratio that should be 1, with enough digits to see whether it is."""
    return f"{ratio.estimate:.4f}x" + (f" [{ratio.low:.4f}, {ratio.high:.4f}]" if ratio.has_interval else "")


def seconds(case: Case, name: str) -> str:
    """A contender's median time; FAIL if its answer was wrong."""
    row = case.rows.get(name)
    return NONE if row is None else _time(row, row.median)


def _time(row: Row, value: float) -> str:
    return "FAIL" if not row.ok else duration(value) or NONE


def error(row: Row) -> str:
    """The observed and the allowed error relative to the reference."""
    observed = "not finite" if row.observed is None else f"{row.observed:.2g}"
    return f"{observed} / {row.allowed:.2g}" + (f" ({row.problem})" if row.problem else "")


def worst(case: Case) -> str:
    """The largest observed / allowed error of a case's contenders; FAIL if a check failed."""
    if any(not row.ok for row in case.rows.values()):
        return "FAIL"
    shares = [row.observed / row.allowed for row in case.rows.values() if row.observed and row.allowed > 0]
    return digits(max(shares, default=0.0))


def everything(cases: Sequence[Case]) -> Table:
    """A row for every contender in every case."""
    headings = ("network", "operation", "contender", "median", "min", "spread", "speed-up", "error / allowed")
    rows = []
    for case in cases:
        for row in case.rows.values():
            spread = NONE if math.isnan(row.spread) else f"{digits(100 * row.spread)} %"
            gain = "FAIL" if not row.ok else "1x" if row.name == case.baseline else times(row.speed_up)
            cells = (_time(row, row.median), _time(row, row.minimum), spread, gain, error(row))
            rows.append((case.network, case.operation, label(row.name), *cells))
    return Table(headings, rows, words=3)


def compact(cases: Sequence[Case]) -> Table:
    """A row for every case: the median times side by side, and Numba's speed-up."""
    shown = names(cases)
    headings = ("network", "operation", *map(label, shown), "Numba over the loops", "worst error / allowed")
    rows = [
        (case.network, case.operation, *(seconds(case, n) for n in shown), _over_loops(case), worst(case))
        for case in cases
    ]
    return Table(headings, rows, words=2)


def _over_loops(case: Case) -> str:
    if "numba" in case.rows and not case.rows["numba"].ok:
        return "FAIL"
    gain = case.ratio(LOOPS_OVER_ARRAYS, "numba")
    return times(gain) if gain else times(case.ratio(LOOPS_OVER_LISTS, "numba")).replace("x [", "x * [")


def noise(cases: Sequence[Case]) -> Table:
    """The fastest contender against itself."""
    rows = []
    for case in cases:
        if case.noise:
            outside = case.noise.low > 1 or case.noise.high < 1
            rows.append((str(case), near_one(case.noise), "does not contain 1" if outside else ""))
    return Table(("case", "A/A ratio", ""), rows)


def ratios(cases: Sequence[Case], pairs: Sequence[tuple[str, str]]) -> Table:
    """A row for every case, a column for every pair: how many times longer the first takes than the second."""
    headings = ("network", "operation", *(f"{label(slow)} / {label(fast)}" for slow, fast in pairs))
    rows = [(c.network, c.operation, *(times(c.ratio(*pair)) for pair in pairs)) for c in cases]
    return Table(headings, rows, words=2)


def break_even(record: Record) -> Table:
    """The number of calls after which Numba has made up for its first ones."""

    def calls(n: int | None) -> str:
        return "never" if n is None else f"{n:,}"

    rows = [
        (row["network"], row["operation"], calls(row["calls"]["cold"]), calls(row["calls"]["warm"]))
        for row in record.break_even
    ]
    return Table(("network", "operation", "nothing cached", "cached"), rows, words=2)


def first_calls(record: Record) -> Table:
    """The cost of a new process: the import, and the first call of each kind, compiled or loaded."""
    rows = []
    for name, states in record.processes["first_calls"].items():
        for state in ("cold", "warm") if name == "numba" else ("warm",):
            kind = {"cold": ", nothing cached", "warm": ", cached"}[state] if name == "numba" else ""
            rows.append((label(name) + kind, *(duration(s) for s in states[state].values())))
    headings = ["import after samenet" if h == "import" else h for h in _calls(record)]
    return Table(("backend", *headings), rows)


def _calls(record: Record) -> list[str]:
    return list(next(iter(record.processes["first_calls"].values()), {"warm": {}})["warm"])


def imports(record: Record) -> Table:
    """Import times, and peak memory."""
    memory = record.processes["peak_mebibytes"]
    rows = [
        (
            "`samenet` alone" if name == "samenet" else label(name),
            duration(s),
            f"{digits(memory[name])} MiB" if name in memory else NONE,
        )
        for name, s in record.processes["import_seconds"].items()
    ]
    return Table(("", "import in a new process", "peak memory of a training"), rows)
