"""The comparison proper: every case of the list, its contenders interleaved, checked, and written to results/.

    python benchmarks/measure.py [--quick]

Both suites time a contender by itself; ratios come from here, where contenders take turns.
"""

import argparse
import json
import math
import re
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

from samenet import environment

ROOT = Path(__file__).resolve().parent.parent
WIDTHS, BATCHES, DEPTHS = (4, 16, 64, 256), (1, 8, 64, 512), (1, 2, 4, 8)


def folder_name(around: dict[str, Any]) -> str:
    """One folder a machine and date."""
    return f"{machine_name(around)}-{around['utc'][:10]}"


def machine_name(around: dict[str, Any]) -> str:
    """The processor's name and the number of cores; not the host's name."""
    name = re.sub(r"\((r|tm)\)|\bcpu\b|\bprocessor\b|@", " ", around["processor"].lower())
    return "-".join([*re.findall(r"[a-z0-9.]+", name), f"{around['cores']}cores"])


def comparison(seconds: float, quick: bool) -> list[dict[str, Any]]:
    """Every operation of the list."""
    import cases

    from samenet.measurement import measure

    chosen = [(n, op) for n, op in cases.operations() if not quick or (n, op) in QUICK]
    results = []
    for network, operation in chosen:
        say(f"{network}, {operation}")
        result = measure(cases.case(network, operation), seconds)
        results.append({"network": network, "operation": operation, **result.as_json()})
    return results


QUICK = {
    ("3-3-1", "one sample"),
    ("3-3-3-1", "one sample"),
    ("100-100-50-10", "one sample"),
    ("64-30-10", "gradient of 32"),
    ("64-30-10", "digits, full-batch epoch"),
}


def sweeps(seconds: float, quick: bool) -> list[dict[str, Any]]:
    """Forward over width and batch (width-width-10), and over depth (64-64-...-64, one sample)."""
    from samenet import cases
    from samenet.measurement import measure

    points = [{"width": w, "batch": m, "sizes": (w, w, 10)} for w in WIDTHS for m in BATCHES]
    points += [{"depth": d, "batch": 1, "sizes": (64,) * (d + 1)} for d in DEPTHS]
    results = []
    for point in points[:: 5 if quick else 1]:
        sizes, rows = point["sizes"], point["batch"]
        say(f"sweep: {cases.title(sizes)}, {rows}")
        work = rows * sum(a * b for a, b in pairwise(sizes))
        names = ["reference", "numpy", "numba"] if work < 500_000 else ["numpy", "numba"]
        results.append({**point, "sizes": list(sizes), **measure(cases.forward(sizes, rows, names), seconds).as_json()})
    return results


def break_even(compared: list[dict[str, Any]], first: dict[str, Any]) -> list[dict[str, Any]]:
    """For each operation: after how many calls Numba has made up for the first calls of all kinds, against NumPy.

    All kinds, since what one of them compiles the next finds compiled.

    What a call gains is NumPy's median less its part 1 / ratio, by the paired ratio: medians alone may be ordered by
    what else the machine did.
    """
    spent = {state: sum(s for call, s in calls.items() if call != "import") for state, calls in first["numba"].items()}
    rows = []
    for case in compared:
        medians = {row["name"]: row["timed"]["median_seconds"] for row in case["rows"] if row["timed"]}
        if not {"numpy", "numba"} <= medians.keys():
            continue
        operation = case["operation"]
        ratio = next(r["median"] for r in case["ratios"] if (r["slow"], r["fast"]) == ("numpy", "numba"))
        gain = medians["numpy"] * (1 - 1 / ratio)
        calls = {state: math.ceil(seconds / gain) if gain > 0 else None for state, seconds in spent.items()}
        rows.append({"network": case["network"], "operation": operation, "calls": calls})
    return rows


def say(text: str) -> None:
    """Progress, to the side of the output."""
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Measure, and write results/FOLDER/comparison.json; returns 1 if a check failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a few cases, for less than a minute")
    parser.add_argument("--threads", type=int, default=1, help="for BLAS, 1 unless given")
    parser.add_argument("--into", type=Path, help="the folder to write to, results/MACHINE-DATE unless given")
    parser.add_argument("--name", action="store_true", help="print this machine's name in results/, and do no more")
    options = parser.parse_args()
    if options.name:
        print(machine_name(environment.describe()))
        return 0
    environment.set_threads(options.threads)  # before NumPy is loaded
    sys.path.append(str(Path(__file__).resolve().parent))
    import processes

    from samenet import files

    around = environment.describe()
    seconds = 0.5 if options.quick else 4.0
    say("processes")
    alone = processes.everything(repeats=1 if options.quick else 5)
    compared = comparison(seconds, options.quick)
    content = {
        "environment": {**around, "commit": processes.version_of_source(ROOT)},
        "quick": options.quick,
        "cases": compared,
        "sweeps": sweeps(seconds / 2, options.quick),
        "processes": alone,
        "break_even": break_even(compared, alone["first_calls"]),
    }
    folder = options.into or ROOT / "results" / folder_name(around)
    folder.mkdir(parents=True, exist_ok=True)
    files.write_text(folder / "comparison.json", json.dumps(content, indent=1) + "\n")
    print(folder / "comparison.json")
    every = [row for case in (*compared, *content["sweeps"]) for row in case["rows"]]
    return 0 if all(row["ok"] for row in every) else 1


if __name__ == "__main__":
    sys.exit(main())
