"""`python -m benchmarks run`: measure every case of the catalogue on every backend; write comparison.json.

The asv and pytest suites time each contender alone; ratios come from here, where contenders are interleaved.
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
    """The cases, in one process; `seconds` is roughly the time to spend on each."""
    results = []
    for one in catalogue.CASES:
        if one.quick or not quick:
            say(f"{one.network}, {one.operation}")
            result = measurement.measure(catalogue.case(one.network, one.operation), seconds).as_json()
            results.append({"network": one.network, "operation": one.operation, **result})
    return results


def heat_map(seconds: float, quick: bool) -> list[Json]:
    """The points of the heat map, in one process: forward passes by width and batch."""
    results = []
    for width, rows in catalogue.GRID[:: 5 if quick else 1]:
        sizes = (width, width, 10)
        say(f"heat map: width {width}, batch {rows}")
        names = ["reference", "numpy", "numba"] if rows * width * (width + 10) < 500_000 else ["numpy", "numba"]
        point = {"along": [], "width": width, "batch": rows, "sizes": list(sizes)}
        results.append({**point, **measurement.measure(forward(sizes, rows, names), seconds).as_json()})
    return results


def lines(seconds: float, quick: bool) -> list[Json]:
    """The points of the scaling curves, in one process."""
    machine, results = limits.machine(quick=True), []
    for point in catalogue.POINTS[:: 7 if quick else 1]:
        made = growth.case(point)
        say(made.title)
        results.append({**growth.about(point, machine), **measurement.measure(made, seconds).as_json()})
    return results


def one_process(seconds: float, quick: bool) -> Json:
    """What one process measures: half of the seconds for each point of the heat map, a fifth for each of a curve."""
    compared = cases(seconds, quick)
    swept = heat_map(seconds / 2, quick) + lines(seconds / 5, quick)
    return {"cases": compared, "sweeps": swept, "switches": growth.switches()}


def break_even(compared: list[Json], first: Json) -> list[Json]:
    """For each case: the number of calls after which Numba has made up for its first calls, compared with NumPy.

    The first calls of all kinds count together, since they share kernels. The gain per call is NumPy's median times
    (1 - 1 / ratio), with the paired ratio: which median is lower may depend on other load on the machine.
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
    parser.add_argument(
        "--repeats", type=int, default=5, help="number of processes, run one after the other (default: 5)"
    )
    parser.add_argument("--threads", type=int, default=1, help="BLAS threads (default: 1)")
    parser.add_argument("--name", action="store_true", help="print this machine's name in results/ and exit")
    parser.add_argument(
        "--process", type=float, metavar="SECONDS", help="run as one of the processes, and print its measurements"
    )
    options = parser.parse_args(given)
    if options.name:
        print(measure.machine_name(environment.describe()))
        return 0
    if options.process:
        print(json.dumps(one_process(options.process, options.quick)))
        return 0
    environment.set_threads(
        options.threads
    )  # for the subprocesses: libraries loaded here have already read their variables
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
