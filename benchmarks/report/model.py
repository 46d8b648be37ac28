"""The measurements in the files of results/FOLDER, and the ratios in them.

`Record` is comparison.json, `Outcome` is peers.json, whose cases are `Setting`s; `newest` finds any of them.
"""

import json
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.contenders.ours import NUMBA, NUMPY, PREDICTOR
from samenet.compare.timing import Ratio
from samenet.output.formats import counted


@dataclass(frozen=True)
class Row:
    """One contender in one case. Without `speed_up` it was not timed; if not `ok`, because its answer was wrong."""

    name: str
    ok: bool
    observed: float | None
    allowed: float
    problem: str | None
    first_call: float
    median: float
    minimum: float
    spread: float
    speed_up: Ratio | None

    @classmethod
    def read(cls, row: dict[str, Any]) -> "Row":
        """A row from its JSON; the times of a wrong answer are dropped."""
        timed = row.get("timed") if row["ok"] else None
        median = minimum = spread = math.nan
        if timed:
            median, minimum = timed["median_seconds"], timed["min_seconds"]
            low, high = timed["quartiles_seconds"]
            spread = (high - low) / 2 / median
        return cls(
            row["name"],
            row["ok"],
            _finite(row["observed_error"]),
            row["allowed_error"],
            row.get("problem"),
            row["first_call_seconds"],
            median,
            minimum,
            spread,
            _ratio(timed["speed_up"]) if timed else None,
        )


def _ratio(found: dict[str, Any]) -> Ratio:
    """A ratio from its JSON, where a missing interval is null."""
    low, high = (math.nan if found[end] is None else found[end] for end in ("low", "high"))
    return Ratio(found["estimate"], low, high)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


@dataclass(frozen=True)
class Case:
    """A computation and its contenders; `speed_up` is relative to the first that was timed."""

    network: str
    operation: str
    rows: dict[str, Row]
    noise: Ratio | None
    ratios: dict[tuple[str, str], Ratio]
    width: int | None = None
    depth: int | None = None
    batch: int | None = None
    along: tuple[str, ...] = ()  # the scaling curves that it belongs to: "width", "depth", "batch"
    held: str = ""  # what is held fixed on the curve
    limit: float = math.nan  # the minimum seconds for its arithmetic on the machine

    @classmethod
    def read(cls, case: dict[str, Any]) -> "Case":
        """A case of the list, or a point of a sweep, from its JSON."""
        rows = {row["name"]: Row.read(row) for row in case["rows"]}
        noise = _ratio(case["noise"]) if case["noise"] else None
        right = {name for name, row in rows.items() if row.ok}
        ratios = {(r["slow"], r["fast"]): _ratio(r) for r in case["ratios"] if {r["slow"], r["fast"]} <= right}
        batch = case.get("batch")
        network = case.get("network") or "-".join(map(str, case["sizes"]))
        return cls(
            network,
            case.get("operation") or f"batch of {batch}",
            rows,
            noise,
            ratios,
            case.get("width"),
            case.get("depth"),
            batch,
            # In records without scaling curves, the points of the heat map take their place.
            tuple(case.get("along", ("depth",) if "depth" in case else ("width", "batch"))),
            case.get("held", ""),
            case.get("limit_seconds", math.nan),
        )

    def __str__(self) -> str:
        return f"{self.network}, {self.operation}"

    @property
    def baseline(self) -> str | None:
        """The contender that the others' speed-ups are relative to."""
        return next((row.name for row in self.rows.values() if row.speed_up), None)

    def median(self, name: str) -> float:
        """Median seconds of a contender; NaN if it took no part or was wrong."""
        return self.rows[name].median if name in self.rows else math.nan

    def ratio(self, slow: str, fast: str) -> Ratio | None:
        """How many times longer `slow` takes than `fast`, paired, with a 95 % interval; None if one was not timed."""
        if (slow, fast) in self.ratios:
            return self.ratios[slow, fast]
        turned = self.ratios.get((fast, slow))
        return None if turned is None else Ratio(1 / turned.estimate, 1 / turned.high, 1 / turned.low)


@dataclass(frozen=True)
class Record:
    """One run of `python -m benchmarks run`."""

    folder: Path
    environment: dict[str, Any]
    quick: bool
    repeats: int
    cases: tuple[Case, ...]
    sweeps: tuple[Case, ...]
    processes: dict[str, Any]
    break_even: list[dict[str, Any]]
    switches: dict[str, list[dict[str, Any]]]

    @classmethod
    def read(cls, folder: Path) -> "Record":
        """The record in a folder."""
        content = json.loads((folder / "comparison.json").read_text(encoding="utf-8"))
        return cls(
            folder,
            content["environment"],
            content["quick"],
            content["repeats"],
            tuple(map(Case.read, content["cases"])),
            tuple(map(Case.read, content["sweeps"])),
            content["processes"],
            content["break_even"],
            content.get("switches", {}),
        )

    @property
    def grid(self) -> tuple[Case, ...]:
        """The points of the heat map."""
        return tuple(p for p in self.sweeps if p.width is not None and not p.held)

    def case(self, network: str, operation: str) -> Case | None:
        """The case of that name, if it was measured."""
        return next((c for c in self.cases if (c.network, c.operation) == (network, operation)), None)

    @property
    def machine(self) -> str:
        """The processor and its number of cores."""
        return f"{self.environment['processor']}, {counted(self.environment['cores'], 'core')}"


@dataclass(frozen=True)
class Setting:
    """A case in one dtype with a number of threads; contenders are compared only within it."""

    case: Case
    dtype: str
    threads: int
    limit: float
    notes: dict[str, str]
    left_out: dict[str, str]
    kind: str = ""  # the kind of settings; empty for the tutorials' cases

    @classmethod
    def read(cls, case: dict[str, Any]) -> "Setting":
        """From its JSON."""
        others = (case[key] for key in ("dtype", "threads", "limit_seconds", "notes", "left_out"))
        return cls(Case.read(case), *others, case.get("kind", ""))

    def __str__(self) -> str:
        usual = self.dtype == "float64", self.threads == 1
        words = ["" if usual[0] else f", {self.dtype}", "" if usual[1] else f", {self.threads} threads"]
        return f"{self.case}{''.join(words)}"

    @property
    def ours(self) -> str:
        """The contender that represents samenet: Numba, by a predictor for one sample."""
        return PREDICTOR if PREDICTOR in self.case.rows else NUMBA

    @property
    def others(self) -> list[str]:
        """The contenders from other libraries; in a kind of settings, also samenet's NumPy backend."""
        return [name for name in self.case.rows if not name.startswith("samenet") or (self.kind and name == NUMPY)]

    def ratio(self, name: str) -> Ratio | None:
        """The ratio of a contender's time to samenet's."""
        return self.case.ratio(name, self.ours)

    @cached_property
    def best(self) -> str | None:
        """The fastest of the others, by its ratio to samenet."""
        timed = {name: ratio.estimate for name in self.others if (ratio := self.ratio(name)) is not None}
        return min(timed, key=lambda name: timed[name], default=None)


@dataclass(frozen=True)
class Outcome:
    """One run of `python -m benchmarks peers`."""

    folder: Path
    content: dict[str, Any]
    settings: tuple[Setting, ...]

    @classmethod
    def read(cls, folder: Path, name: str = "peers") -> "Outcome":
        """The run in a folder, by the name of its files."""
        content = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        return cls(folder, content, tuple(map(Setting.read, content["cases"])))

    @property
    def tutorials(self) -> tuple[Setting, ...]:
        """The settings that are not of a kind."""
        return tuple(s for s in self.settings if not s.kind)


def newest(results: Path, name: str = "comparison.json") -> Path | None:
    """The folder with the newest file of that name in results/, by the date in the file; None if there is none."""
    found = sorted(results.glob(f"*/{name}"))
    written = {path: json.loads(path.read_text(encoding="utf-8"))["environment"]["utc"] for path in found}
    return max(found, key=lambda path: written[path]).parent if found else None
