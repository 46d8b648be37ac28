"""`python -m benchmarks run`: every case of the catalogue, on every backend, into results/FOLDER/comparison.json.

Both suites time a contender by itself; ratios come from here, where contenders take turns in each process.
"""

import json
import math
from collections.abc import Sequence
from typing import Any

from benchmarks import catalogue, fresh, growth, limits, measure
from benchmarks.measure import Json, say
from samenet.compare import environment, measurement
from samenet.compare.cases import forward


def cases(seconds: float, quick: bool) -> list[Json]:
    """One process's share of the cases; `seconds` is roughly what the timing of one takes."""
    results = []
    for one in catalogue.CASES:
        if one.quick or not quick:
            say(f"{one.network}, {one.operation}")
            result = measurement.measure(catalogue.case(one.network, one.operation), seconds).as_json()
            results.append({"network": one.network, "operation": one.operation, **result})
    return results


def heat_map(seconds: float, quick: bool) -> list[Json]:
    """Its share of the points of the heat map: forward by width and batch."""

    results = []
    for width, rows in catalogue.GRID[:: 5 if quick else 1]:
        sizes = (width, width, 10)
        say(f"heat map: width {width}, batch {rows}")
        names = ["reference", "numpy", "numba"] if rows * width * (width + 10) < 500_000 else ["numpy", "numba"]
        point = {"along": [], "width": width, "batch": rows, "sizes": list(sizes)}
        results.append({**point, **measurement.measure(forward(sizes, rows, names), seconds).as_json()})
    return results


def lines(seconds: float, quick: bool) -> list[Json]:
    """Its share of the points of the lines of growth."""
    machine, results = limits.machine(quick=True), []
    for point in catalogue.POINTS[:: 7 if quick else 1]:
        made = growth.case(point)
        say(made.title)
        results.append({**growth.about(point, machine), **measurement.measure(made, seconds).as_json()})
    return results


def one_process(seconds: float, quick: bool) -> Json:
    """What one process measures: half of the seconds for a point of the heat map, a fifth for one of the lines."""
    compared = cases(seconds, quick)
    swept = heat_map(seconds / 2, quick) + lines(seconds / 5, quick)
    return {"cases": compared, "sweeps": swept, "switches": growth.switches()}


def break_even(compared: list[Json], first: Json) -> list[Json]:
    """For each case: after how many calls Numba has made up for the first calls of all kinds, against NumPy.

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
        ratio = next(r["estimate"] for r in case["ratios"] if (r["slow"], r["fast"]) == ("numpy", "numba"))
        gain = medians["numpy"] * (1 - 1 / ratio)
        calls = {state: math.ceil(seconds / gain) if gain > 0 else None for state, seconds in spent.items()}
        rows.append({"network": case["network"], "operation": case["operation"], "calls": calls})
    return rows


def main(given: Sequence[str]) -> int:
    """Measure, and write comparison.json; returns 1 if a check failed."""
    parser = measure.parser("run", __doc__, "a few cases in one process, to see that it works")
    parser.add_argument("--repeats", type=int, default=5, help="processes, one after the other, 5 unless given")
    parser.add_argument("--threads", type=int, default=1, help="for BLAS, 1 unless given")
    parser.add_argument("--name", action="store_true", help="print this machine's name in results/, and do no more")
    parser.add_argument("--process", type=float, metavar="SECONDS", help="be one of the processes: print what it takes")
    options = parser.parse_args(given)
    if options.name:
        print(measure.machine_name(environment.describe()))
        return 0
    if options.process:
        print(json.dumps(one_process(options.process, options.quick)))
        return 0
    environment.set_threads(options.threads)  # for the processes: what is loaded here has read its variables
    run = measure.Run(parser, options.into, "comparison.json")
    say("imports, first calls, memory")
    alone = fresh.of_backends(repeats=1 if options.quick else 5)
    number, seconds = (1, 0.5) if options.quick else (options.repeats, 1.0)
    quick = ["--quick"] if options.quick else []
    several = measure.in_processes(number, "run", "--process", seconds, *quick)
    content: dict[str, Any] = {part: measure.combine([one[part] for one in several]) for part in ("cases", "sweeps")}
    content |= {"switches": several[0]["switches"], "processes": alone}
    content["break_even"] = break_even(content["cases"], alone["first_calls"])
    run.write(options.quick, number, **content)
    return 0 if measure.all_right([*content["cases"], *content["sweeps"]]) else 1
