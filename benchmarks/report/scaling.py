"""How time scales with width, depth and batch: the curves through a record's sweeps, their slopes and crossovers."""

import math
from collections.abc import Sequence
from itertools import groupby

import numpy as np

from benchmarks.report.model import Case
from benchmarks.report.tables import Table, label, names
from samenet.output.formats import digits, duration

_END = 16  # the slope is fitted over the points from the largest down to one 16 times smaller

Line = tuple[list[float], list[float]]


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """The exponent p in y ~ x^p at the large end: the slope of a straight line fitted to the logarithms."""
    kept = [(a, b) for a, b in zip(x, y, strict=True) if a * _END >= max(x)]
    return float(np.polyfit(*np.log(kept).T, 1)[0])


def held(points: Sequence[Case], along: str) -> dict[str, list[Case]]:
    """The points along width, depth or batch, in order, by what is held fixed; for the heat map, its edges."""
    line = sorted((p for p in points if along in p.along), key=lambda p: getattr(p, along))
    if any(p.held for p in line):
        return {what: [p for p in line if p.held == what] for what in dict.fromkeys(p.held for p in line)}
    other = {"width": "batch", "batch": "width", "depth": "batch"}[along]
    values = sorted({getattr(p, other) for p in line})
    return {
        f"{other} {v}": [p for p in line if getattr(p, other) == v] for v in dict.fromkeys([*values[:1], *values[-1:]])
    }


def lines(points: Sequence[Case], along: str) -> dict[tuple[str, str], Line]:
    """Curves of time along width, depth or batch, by contender and what is held fixed, as ("numpy", "batch 1")."""
    found = {}
    for what, some in held(points, along).items():
        for name in names(some):
            timed = [(float(getattr(p, along)), p.median(name)) for p in some if p.median(name) > 0]
            if len(timed) > 2:
                x, y = zip(*timed, strict=True)
                found[name, what] = list(x), list(y)
    return found


def limits(points: Sequence[Case], along: str) -> list[Line]:
    """The limit of `benchmarks.limits`, for each curve that has one."""
    found = []
    for some in held(points, along).values():
        known = [(float(getattr(p, along)), p.limit) for p in some if not math.isnan(p.limit)]
        if known:
            x, y = zip(*known, strict=True)
            found.append((list(x), list(y)))
    return found


def growth(points: Sequence[Case]) -> Table:
    """A row for every curve: its slope at the large end, and the ratio of its last point to the limit."""
    rows = []
    for along in ("width", "depth", "batch"):
        last = {what: some[-1] for what, some in held(points, along).items()}
        for (name, what), (x, y) in lines(points, along).items():
            over = y[-1] / last[what].limit if getattr(last[what], along) == x[-1] else math.nan
            share = f"{digits(over)}x" if over > 0 else ""
            rows.append((along, what, label(name), f"{slope(x, y):.2f}", f"{x[-1]:g}", duration(y[-1]), share))
    return Table(("along", "held", "contender", "slope", "last at", "its time", "/ limit in float64"), rows, words=3)


def crossings(points: Sequence[Case], slow: str = "numpy", fast: str = "numba") -> str:
    """The ranges in which either of two is faster, by the interval of their ratio, curve by curve."""
    found = []
    for along in ("width", "depth", "batch"):
        for what, some in held(points, along).items():
            at = [(getattr(p, along), _faster(p, slow, fast)) for p in some if p.ratio(slow, fast)]
            runs = [(who, [x for x, _ in run]) for who, run in groupby(at, key=lambda one: one[1])]
            told = "; ".join(f"{who} {_span(xs)}" for who, xs in runs)
            if told:
                found.append(f"- {along}, {what}: {told}")
    return "\n".join(found)


def _faster(point: Case, slow: str, fast: str) -> str:
    ratio = point.ratio(slow, fast)
    assert ratio is not None
    if ratio.low > 1:
        return f"{label(fast)} is faster"
    return f"{label(slow)} is faster" if ratio.high < 1 else "neither is significantly faster"


def _span(xs: Sequence[float]) -> str:
    return f"at {xs[0]:,}" if len(xs) == 1 else f"from {xs[0]:,} to {xs[-1]:,}"
