"""The history recorded by asv, results/asv/MACHINE/COMMIT-ENVIRONMENT.json, as curves over commits."""

import ast
import json
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

_NOT_RESULTS = {"machine.json", "benchmarks.json"}


@dataclass(frozen=True, order=True)
class Point:
    """A value at a commit; the date is in milliseconds, as in asv."""

    date: int
    commit: str
    value: float


@dataclass(frozen=True)
class Line:
    """One benchmark with one set of parameters on one machine, over commits."""

    machine: str
    benchmark: str
    parameters: tuple[str, ...]
    unit: str
    points: tuple[Point, ...]


def _results(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*/*.json")):
        if path.name not in _NOT_RESULTS:
            yield json.loads(path.read_text(encoding="utf-8")) | {"machine": path.parent.name}


def _rows(content: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every benchmark of one file: asv omits trailing nulls of a row."""
    for name, row in content["results"].items():
        yield name, dict(zip(content["result_columns"], row, strict=False))


def _plain(text: str) -> str:
    """A parameter as its value: asv keeps the repr."""
    try:
        return str(ast.literal_eval(text))
    except (ValueError, SyntaxError):
        return text


def lines(folder: Path) -> list[Line]:
    """All curves, each for the newest version of its benchmark, without NaN and null; none if there is no history."""
    files = sorted(_results(folder), key=lambda content: content["date"])
    version = {name: row.get("version") for content in files for name, row in _rows(content)}
    points: dict[tuple[str, str, tuple[str, ...]], dict[str, Point]] = defaultdict(dict)
    for content in files:
        for name, row in _rows(content):
            if row.get("version") != version[name] or not isinstance(row.get("result"), list):
                continue
            choices = product(*(map(_plain, values) for values in row.get("params") or []))
            for parameters, value in zip(choices, row["result"], strict=False):
                if isinstance(value, int | float) and math.isfinite(value):
                    commit = content["commit_hash"][:8]
                    points[content["machine"], name, parameters][commit] = Point(content["date"], commit, float(value))
    units = _units(folder)
    return [Line(*key, units.get(key[1], ""), tuple(sorted(some.values()))) for key, some in sorted(points.items())]


def _units(folder: Path) -> dict[str, str]:
    path = folder / "benchmarks.json"
    about = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {name: one.get("unit", "") for name, one in about.items() if isinstance(one, dict)}
