"""The timing of a technique: a process with it and one without run at the same time, one waiting while the other works.

Each round times both, in random order; the ratio of a pair of processes is the median over rounds, and several pairs
are measured, as in the comparison of backends.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import ROOT, measure
from benchmarks.catalogue import TECHNIQUES
from benchmarks.techniques import WITH, WITHOUT, Change, Technique
from samenet.compare import timing
from samenet.compare.measurement import Result, Row
from samenet.testing.tolerance import Comparison

_SAMPLE, _ROUNDS = 0.02, (5, 51)  # minimum seconds per sample; minimum and maximum rounds
_FOLDERS = {"interface": ".", "reference": "reference", "fast": "fast"}  # their places in the package


def is_cold(case: str) -> bool:
    """Whether the first call is timed, with nothing cached, instead of later ones."""
    return TECHNIQUES[case].how == "first calls"


def copy(into: Path, changes: Sequence[Change] = ()) -> Path:
    """Copy the package samenet into a folder, with these changes and nothing compiled."""
    without = shutil.ignore_patterns("__pycache__")
    for folder, place in _FOLDERS.items():
        shutil.copytree(ROOT / folder, into / "samenet" / place, ignore=without, dirs_exist_ok=True)
    for change in changes:
        folder, _, rest = change.file.partition("/")
        path = into / "samenet" / _FOLDERS[folder] / rest
        path.write_text(change.apply(path.read_text(encoding="utf-8")), encoding="utf-8")
    return into


class Process:
    """A case in a separate process, with the package in a folder."""

    def __init__(self, package: Path, case: str, **environment: str) -> None:
        self._process = subprocess.Popen(
            measure.child("techniques", "--process", case),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(package), **environment},
            cwd=measure.ROOT,
        )
        self._package = package

    def ready(self) -> dict[str, Any]:
        """Wait until it is ready: the error of its answer, and the time of its first call."""
        found: dict[str, Any] = json.loads(self._line())
        if Path(found["package"]).resolve() != (self._package / "samenet").resolve():
            raise RuntimeError(f"{found['package']} was timed, not the package in {self._package}")
        return found

    def seconds(self, number: int) -> float:
        """Seconds per call, over `number` calls."""
        assert self._process.stdin
        self._process.stdin.write(f"{number}\n")
        self._process.stdin.flush()
        return float(self._line())

    def _line(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process ended with {self._process.wait()}")
        return line

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # closes its stdin, which ends the process


def sides(technique: Technique, whole: Path, changed: Path) -> list[tuple[str, Path, str]]:
    """Without the technique, and with it: the name, the package and the case."""
    return [(WITHOUT, changed, technique.without or technique.case), (WITH, whole, technique.case)]


def timed(technique: Technique, whole: Path, changed: Path, seconds: float) -> Result:
    """One pair of processes, timed alternately for about `seconds`, provided that both answers are right."""
    both = sides(technique, whole, changed)
    if is_cold(technique.case):
        found = {name: _cold(package, case) for name, package, case in both}
        times = {name: np.array([one["first_call"]]) for name, one in found.items()}
        return _result(technique, found, times)
    with Process(*both[0][1:]) as without, Process(*both[1][1:]) as with_it:
        processes = {WITHOUT: without, WITH: with_it}
        found = {name: process.ready() for name, process in processes.items()}
        right = all(one["ok"] for one in found.values())
        return _result(technique, found, _by_turns(processes, seconds) if right else {})


def _cold(package: Path, case: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as cache, Process(package, case, NUMBA_CACHE_DIR=cache) as process:
        return process.ready()


def _by_turns(processes: dict[str, Process], seconds: float) -> dict[str, timing.Seconds]:
    numbers = {name: max(1, round(_SAMPLE / process.seconds(1))) for name, process in processes.items()}
    # A single call takes longer than one of many: the first estimate is too low.
    numbers = {n: max(1, round(_SAMPLE / process.seconds(numbers[n]))) for n, process in processes.items()}
    a_round = sum(process.seconds(numbers[n]) * numbers[n] for n, process in processes.items())
    rounds = int(np.clip(seconds / a_round, *_ROUNDS))
    times: dict[str, list[float]] = {name: [] for name in processes}
    orders = np.random.default_rng()
    for _ in range(rounds):
        for name in orders.permutation(list(processes)):
            times[name].append(processes[name].seconds(numbers[name]))
    return {name: np.array(found) for name, found in times.items()}


def _result(technique: Technique, found: dict[str, dict[str, Any]], times: dict[str, timing.Seconds]) -> Result:
    rows = []
    right = all(one["ok"] for one in found.values())
    for name, one in found.items():
        comparison = Comparison(one["observed"], one["allowed"], one["problem"])
        samples = times.get(name) if right else None
        gain = None if samples is None else timing.ratio(times[WITHOUT], samples)
        rows.append(Row(name, "numba", comparison, one["first_call"], None, samples, gain))
    return Result(technique.name, rows)


def together(technique: Technique, pairs: Sequence[Result]) -> dict[str, Any]:
    """A technique's case, combined from its pairs of processes; the first with a wrong answer, if there is one."""
    wrong = [pair.as_json() for pair in pairs if not all(row.comparison.ok for row in pair.rows)]
    case = wrong[0] if wrong else measure.combine([[pair.as_json()] for pair in pairs])[0]
    about = {"network": technique.name, "operation": TECHNIQUES[technique.case].title, "what": technique.what}
    return {**case, **about}
