"""Several processes' measurements of the same cases as one: what differs between processes belongs into an interval.

Where a process has its memory, and when it ran, changes a ratio by some per cent; rounds within one process share
both. So it is processes that are repeated, and an interval comes from how their ratios differ.
"""

import math
from collections.abc import Sequence
from statistics import fmean, median, stdev
from typing import Any

Json = dict[str, Any]


def combine(several: Sequence[list[Json]]) -> list[Json]:
    """Cases, or points of a sweep, as `one_process.py` gives them, of every process in the same order."""
    return [_case(of_one) for of_one in zip(*several, strict=True)]


def interval(ratios: Sequence[Json]) -> Json:
    """A ratio from the ratios of n processes: their geometric mean, and its 95 % interval by Student's t.

    exp(m -+ t s / sqrt(n)), where m and s are the mean and the standard deviation of the logarithms, and t is the
    0.975 quantile with n - 1 degrees of freedom. One process has no interval: that over its rounds is of one place in
    memory.
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
    # A contender that was wrong in one process has no ratio in any.
    right = {row["name"] for row in rows if row["ok"]}
    pairs = [{(r["slow"], r["fast"]): r for r in case["ratios"]} for case in of_one]
    ratios = [interval([p[pair] for p in pairs]) for pair in pairs[0] if right.issuperset(pair)]
    noises = [case["noise"] for case in of_one]
    noise = None if None in noises else interval(noises)
    return {**of_one[0], "rows": rows, "ratios": ratios, "noise": noise}


def _row(of_one: Sequence[Json]) -> Json:
    """The row of the process whose answer was the worst, with the times of all if none was wrong."""
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
    """Which part of the allowed difference was observed; infinity for a wrong answer."""
    observed, allowed = row["observed_error"], row["allowed_error"]
    if not row["ok"] or observed is None:
        return math.inf
    return observed / allowed if allowed > 0 else 0.0
