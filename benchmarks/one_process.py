"""One process's share of the comparison: every case checked, its contenders interleaved, as JSON on standard output.

    python benchmarks/one_process.py SECONDS [--quick]

SECONDS is roughly what the timing of a case takes, and half of it that of a point of the sweeps.
"""

import argparse
import json
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parent))

import cases as listed

from samenet import cases
from samenet.measurement import measure

QUICK = {
    ("3-3-1", "one sample"),
    ("3-3-3-1", "one sample"),
    ("100-100-50-10", "one sample"),
    ("64-30-10", "gradient of 32"),
    ("64-30-10", "digits, full-batch epoch"),
}
WIDTHS, BATCHES, DEPTHS = (4, 16, 64, 256), (1, 8, 64, 512), (1, 2, 4, 8)


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
    """Forward over width and batch (width-width-10), and over depth (64-64-...-64, one sample)."""
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
    swept = sweeps(options.seconds / 2, options.quick)
    print(json.dumps({"cases": compared, "sweeps": swept}))


if __name__ == "__main__":
    main()
