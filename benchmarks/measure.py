"""How everything here is measured, shared by `run`, `peers` and `techniques`.

1. `samenet.compare.measurement` checks each answer against the reference before it is timed; a wrong one has no time.
2. It interleaves the contenders of a case within one process, in a new random order each round: whatever slows a round
   down slows all of them. The ratio of a process is the median over rounds of the ratio within a round.
3. This is repeated in several processes, one after the other: `in_processes`. Memory placement and the time of the run
   change a ratio by a few per cent, and all rounds of a process share them.
4. So intervals come from the variation between the processes' ratios: `combine`.
5. The results are written with the machine, the versions and the commit: `Run`.
"""

import argparse
import json
import math
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Any

from benchmarks import ROOT
from samenet.compare import environment
from samenet.output import files
from samenet.output.formats import counted

Json = dict[str, Any]


def say(text: str) -> None:
    """Print progress to stderr."""
    print(text, file=sys.stderr, flush=True)


# Processes


def child(*given: object) -> list[str]:
    """The command line of a subprocess of this package; run it in ROOT."""
    return [sys.executable, "-m", "benchmarks", *map(str, given)]


def in_process(*given: object) -> Any:
    """The JSON in the last line that a subprocess prints: libraries may print before it."""
    done = subprocess.run(child(*given), check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    return json.loads(done.stdout.splitlines()[-1])


def in_processes(number: int, *given: object) -> list[Any]:
    """The JSON from `number` processes, run one after the other."""
    found = []
    for i in range(number):
        say(f"process {i + 1} of {number}")
        found.append(in_process(*given))
    return found


# Combining processes


def combine(several: Sequence[list[Json]]) -> list[Json]:
    """Merge the processes' lists of cases or points, in the same order and as `Result.as_json` gives them, into one."""
    return [_case(of_one) for of_one in zip(*several, strict=True)]


def interval(ratios: Sequence[Json]) -> Json:
    """A ratio from the ratios of n processes: their geometric mean, and its 95 % interval by Student's t.

    exp(m -+ t s / sqrt(n)), where m and s are the mean and the standard deviation of the logarithms, and t is the
    0.975 quantile with n - 1 degrees of freedom. One process has no interval: its rounds share one memory placement.
    """
    if len(ratios) == 1:
        return {**ratios[0], "low": None, "high": None}
    from scipy.stats import t

    logarithms = [math.log(ratio["estimate"]) for ratio in ratios]
    half = float(t.ppf(0.975, len(ratios) - 1)) * stdev(logarithms) / math.sqrt(len(ratios))
    center = fmean(logarithms)
    low, middle, high = (math.exp(center + step) for step in (-half, 0, half))
    names = {key: value for key, value in ratios[0].items() if isinstance(value, str)}
    return {**names, "estimate": middle, "low": low, "high": high}


def _case(of_one: Sequence[Json]) -> Json:
    rows = [_row(rows) for rows in zip(*(case["rows"] for case in of_one), strict=True)]
    # A contender with a wrong answer in any process has no ratio.
    right = {row["name"] for row in rows if row["ok"]}
    pairs = [{(r["slow"], r["fast"]): r for r in case["ratios"]} for case in of_one]
    ratios = [interval([p[pair] for p in pairs]) for pair in pairs[0] if right.issuperset(pair)]
    noises = [case["noise"] for case in of_one]
    noise = None if None in noises else interval(noises)
    return {**of_one[0], "rows": rows, "ratios": ratios, "noise": noise}


def _row(of_one: Sequence[Json]) -> Json:
    """The row of the process with the worst answer, with the times of all processes if none was wrong."""
    worst = max(of_one, key=_share)
    first = median(row["first_call_seconds"] for row in of_one)
    timed = None
    if worst["ok"]:
        times = [row["timed"] for row in of_one]
        timed = {
            "median_seconds": median(t["median_seconds"] for t in times),
            "min_seconds": min(t["min_seconds"] for t in times),
            "quartiles_seconds": [median(t["quartiles_seconds"][i] for t in times) for i in (0, 1)],
            "rounds": sum(t["rounds"] for t in times),
            "medians_of_processes": [t["median_seconds"] for t in times],
            "speed_up": interval([t["speed_up"] for t in times]),
        }
    return {**worst, "first_call_seconds": first, "timed": timed}


def _share(row: Json) -> float:
    """Observed over allowed error; infinity for a wrong answer."""
    observed, allowed = row["observed_error"], row["allowed_error"]
    if not row["ok"] or observed is None:
        return math.inf
    return observed / allowed if allowed > 0 else 0.0


def all_right(cases: Iterable[Json], whose: str = "") -> bool:
    """Whether every answer of the contenders whose names begin with `whose` was right."""
    return all(row["ok"] for case in cases for row in case["rows"] if row["name"].startswith(whose))


# Output


def about(doc: str | None) -> str:
    """A command's description, from the first line of its module's docstring: "`python -m benchmarks run`: what"."""
    text = (doc or "").partition(": ")[2].splitlines()[0]
    return text[:1].upper() + text[1:]


def parser(command: str, doc: str | None, quick: str) -> argparse.ArgumentParser:
    """A parser with the options common to all commands that measure."""
    made = argparse.ArgumentParser(prog=f"python -m benchmarks {command}", description=about(doc))
    made.add_argument("--quick", action="store_true", help=quick)
    made.add_argument("--into", type=Path, help="folder to write to (default: results/MACHINE-DATE)")
    return made


class Run:
    """The folder of a run, checked to be writable (else the parser exits with an error), and the environment."""

    def __init__(self, made: argparse.ArgumentParser, into: Path | None, *names: str) -> None:
        around = environment.describe()
        folder = into or ROOT / "results" / folder_name(around)
        self.folder, self._name = files.writable_or_exit(made, folder, *names), names[0]
        self.environment = {**around, "commit": commit(ROOT)}

    def write(self, quick: bool, repeats: int, **content: Any) -> Path:
        """Write the JSON file, the first of the names."""
        content = {"environment": self.environment, "quick": quick, "repeats": repeats, **content}
        files.write_text(self.folder / self._name, json.dumps(content, indent=1) + "\n")
        print(self.folder / self._name)
        return self.folder


def folder_name(around: Json) -> str:
    """One folder per machine and date."""
    return f"{machine_name(around)}-{around['utc'][:10]}"


def machine_name(around: Json) -> str:
    """The processor's name and the number of cores; not the host's name."""
    name = re.sub(r"\((r|tm)\)|\bcpu\b|\bprocessor\b|@", " ", around["processor"].lower())
    return "-".join([*re.findall(r"[a-z0-9.]+", name), counted(around["cores"], "core").replace(" ", "")])


def commit(root: Path) -> str | None:
    """The commit that is checked out, with "+" if files have changed since; None without git."""
    git = ["git", "-C", str(root)]
    try:
        at = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], check=True, capture_output=True, text=True)
        changed = subprocess.run([*git, "status", "--porcelain", "-uno"], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return at.stdout.strip() + ("+" if changed.stdout.strip() else "")
