"""The comparison proper: every case of the list, checked and timed in several processes, and written to results/.

    python benchmarks/measure.py [--quick]

Both suites time a contender by itself; ratios come from here, where contenders take turns in each process.
"""

import argparse
import json
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from samenet.compare import environment
from samenet.output.formats import counted

ROOT = Path(__file__).resolve().parent.parent


def folder_name(around: dict[str, Any]) -> str:
    """One folder a machine and date."""
    return f"{machine_name(around)}-{around['utc'][:10]}"


def machine_name(around: dict[str, Any]) -> str:
    """The processor's name and the number of cores; not the host's name."""
    name = re.sub(r"\((r|tm)\)|\bcpu\b|\bprocessor\b|@", " ", around["processor"].lower())
    return "-".join([*re.findall(r"[a-z0-9.]+", name), counted(around["cores"], "core").replace(" ", "")])


def passes(number: int, seconds: float, quick: bool) -> list[dict[str, Any]]:
    """What one_process.py gives in so many processes, one after the other, all with this one's environment."""
    command = [sys.executable, str(Path(__file__).with_name("one_process.py")), str(seconds)]
    results = []
    for i in range(number):
        say(f"process {i + 1} of {number}")
        done = subprocess.run(
            [*command, *(["--quick"] if quick else [])], check=True, stdout=subprocess.PIPE, text=True
        )
        results.append(json.loads(done.stdout))
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
        ratio = next(r["estimate"] for r in case["ratios"] if (r["slow"], r["fast"]) == ("numpy", "numba"))
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
    parser.add_argument("--repeats", type=int, default=5, help="processes, one after the other, 5 unless given")
    parser.add_argument("--threads", type=int, default=1, help="for BLAS, 1 unless given")
    parser.add_argument("--into", type=Path, help="the folder to write to, results/MACHINE-DATE unless given")
    parser.add_argument("--name", action="store_true", help="print this machine's name in results/, and do no more")
    options = parser.parse_args()
    if options.name:
        print(machine_name(environment.describe()))
        return 0
    environment.set_threads(options.threads)  # before NumPy is loaded, here and in every process
    sys.path.append(str(Path(__file__).resolve().parent))
    import processes
    from combine import combine

    from samenet.output import files

    around = environment.describe()
    folder = files.writable_or_exit(parser, options.into or ROOT / "results" / folder_name(around), "comparison.json")
    say("imports, first calls, memory")
    alone = processes.everything(repeats=1 if options.quick else 5)
    number, seconds = (1, 0.5) if options.quick else (options.repeats, 1.0)
    several = passes(number, seconds, options.quick)
    compared, swept = (combine([one[part] for one in several]) for part in ("cases", "sweeps"))
    content = {
        "environment": {**around, "commit": processes.version_of_source(ROOT)},
        "quick": options.quick,
        "repeats": number,
        "cases": compared,
        "sweeps": swept,
        "switches": several[0]["switches"],
        "processes": alone,
        "break_even": break_even(compared, alone["first_calls"]),
    }
    files.write_text(folder / "comparison.json", json.dumps(content, indent=1) + "\n")
    print(folder / "comparison.json")
    every = [row for case in (*compared, *swept) for row in case["rows"]]
    return 0 if all(row["ok"] for row in every) else 1


if __name__ == "__main__":
    sys.exit(main())
