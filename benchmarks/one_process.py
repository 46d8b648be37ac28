"""One process's share of the comparison: every case checked, its contenders interleaved, as JSON on standard output.

    python benchmarks/one_process.py SECONDS [--quick]

SECONDS is roughly what the timing of a case takes, half of it that of a point of the heat map, and a fifth that of a
point of the lines of growth: all of those together take about a minute.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parent))

import cases as listed
import growth
from peers import limits

from samenet.compare import cases
from samenet.compare.measurement import measure

QUICK = {
    ("3-3-1", "one sample"),
    ("3-3-3-1", "one sample"),
    ("100-100-50-10", "one sample"),
    ("64-30-10", "gradient of 32"),
    ("64-30-10", "digits, full-batch epoch"),
}
WIDTHS, BATCHES = (4, 16, 64, 256), (1, 8, 64, 512)  # of the heat map


def comparison(seconds: float, quick: bool) -> list[dict[str, Any]]:
    """Every operation of the list."""
    results = []
    for network, operation in listed.operations():
        if quick and (network, operation) not in QUICK:
            continue
        say(f"{network}, {operation}")
        result = measure(listed.case(network, operation), seconds)
        results.append({"network": network, "operation": operation, **result.as_json()})
    return results


def sweeps(seconds: float, quick: bool) -> list[dict[str, Any]]:
    """Forward by width and batch (width-width-10), for the heat map."""
    results = []
    for width, rows in [(w, m) for w in WIDTHS for m in BATCHES][:: 5 if quick else 1]:
        sizes = (width, width, 10)
        say(f"heat map: {cases.title(sizes)}, {rows}")
        names = ["reference", "numpy", "numba"] if rows * width * (width + 10) < 500_000 else ["numpy", "numba"]
        point = {"along": [], "width": width, "batch": rows, "sizes": list(sizes)}
        results.append({**point, **measure(cases.forward(sizes, rows, names), seconds).as_json()})
    return results


def lines(seconds: float, quick: bool) -> list[dict[str, Any]]:
    """How cost grows: every point of `growth`."""
    machine, results = limits.machine(quick=True), []
    for point in [*growth.points()][:: 7 if quick else 1]:
        made = growth.case(point)
        say(made.title)
        results.append({**point.about(machine), **measure(made, seconds).as_json()})
    return results


def say(text: str) -> None:
    """Progress, to the side of the output."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seconds", type=float)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    compared = comparison(options.seconds, options.quick)
    swept = sweeps(options.seconds / 2, options.quick) + lines(options.seconds / 5, options.quick)
    print(json.dumps({"cases": compared, "sweeps": swept, "switches": growth.switches()}))


if __name__ == "__main__":
    main()
