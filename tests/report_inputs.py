"""A small handmade record and history, for the tests of the report and of the page."""

import json
from itertools import combinations
from pathlib import Path
from typing import Any

SPEED_UPS = {"loops, arrays": 1.0, "loops, lists": 2.0, "numpy": 0.5, "numba": 8.0}


def row(name: str, seconds: float, gain: float, *, ok: bool = True, observed: float | None = 1e-16) -> dict[str, Any]:
    """A contender; it has times even for a wrong answer, so that a test can check that they are not shown."""
    gains = [1.0, 1.0, 1.0] if gain == 1 else [gain, gain * 0.9, gain * 1.1]
    return {
        "name": name,
        "backend": "reference" if name.startswith("loops") else name,
        "ok": ok,
        "observed_error": observed,
        "allowed_error": 2e-15,
        "problem": None if ok else "not finite where the reference is",
        "first_call_seconds": 0.001,
        "tutorial_seconds": None,
        "timed": {
            "median_seconds": seconds,
            "min_seconds": 0.9 * seconds,
            "quartiles_seconds": [0.95 * seconds, 1.05 * seconds],
            "rounds": 20,
            "speed_up": dict(zip(("estimate", "low", "high"), gains, strict=True)),
        },
    }


def rows(base: float, names: tuple[str, ...] = tuple(SPEED_UPS)) -> list[dict[str, Any]]:
    """Contenders of which the first takes `base` seconds."""
    first = SPEED_UPS[names[0]]
    return [row(name, base * first / SPEED_UPS[name], SPEED_UPS[name] / first) for name in names]


def paired(contenders: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The ratio of every two contenders, from their speed-ups over the first."""
    gains = [(r["name"], r["timed"]["speed_up"]["estimate"]) for r in contenders if r["timed"]]
    several = [(a, b, gain / base) for (a, base), (b, gain) in combinations(gains, 2)]
    return [{"slow": a, "fast": b, "estimate": r, "low": 0.9 * r, "high": 1.1 * r} for a, b, r in several]


def case(network: str, operation: str, contenders: list[dict[str, Any]], low: float = 0.99) -> dict[str, Any]:
    noise = {"estimate": 1.01, "low": low, "high": 1.02}
    title = f"{network}, {operation}"
    return {"network": network, "operation": operation, "title": title, "rows": contenders, "noise": noise} | {
        "ratios": paired(contenders)
    }


def content() -> dict[str, Any]:
    """The contents of comparison.json: a failed row, an error that is not finite, contenders that did not take part."""
    failed = [*rows(40e-6)[:-1], row("numba", 123.456e-6, 0.325, ok=False, observed=None)]
    fast = ("numpy", "numba")
    cases = [
        case("3-3-1", "one sample", rows(40e-6), low=1.001),
        case("3-3-3-1", "one sample", failed),
        case("100-100-50-10", "one sample", [row("loops, arrays", 41e-3, 1.0), row("numpy", 84e-6, 488.0)]),
        case("64-30-10", "digits, full-batch epoch", rows(1.5, ("loops, lists", *fast))),
        case("784-30-10", "batch of 1024", rows(3e-3, fast)),
    ]
    sweeps = [
        {"width": w, "batch": m, "sizes": [w, w, 10], "title": "", "noise": None}
        | {"rows": rows(1e-6 * w * w * m, ("loops, arrays", "loops, lists", *fast) if w * m < 4096 else fast)}
        for w in (4, 16, 64)
        for m in (1, 8, 64)
    ]
    sweeps[4]["rows"][-1]["timed"]["speed_up"] = {"estimate": 0.3, "low": 0.2, "high": 0.4}
    sweeps[5]["rows"][-1]["ok"] = False
    sweeps += [
        {"depth": d, "batch": 1, "sizes": [64] * (d + 1), "title": "", "rows": rows(1e-5 * d), "noise": None}
        for d in (1, 2, 4)
    ]
    for point in sweeps:
        point["ratios"] = paired(point["rows"])
    calls = {"import": 0.03, "predict": 0.2, "predict one": 0.0001, "gradient": 0.1, "train": 0.3}
    return {
        "environment": {
            "processor": "A processor @ 2.50GHz",
            "cores": 2,
            "system": "Linux x86_64",
            "python": "CPython 3.11.7",
            "samenet": "0.1.0",
            "numpy": "2.4.6",
            "blas": "scipy-openblas 0.3.31",
            "numba": "0.68.1",
            "scipy": None,
            "threads": {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": None},
            "utc": "2026-11-21T06:15:59+00:00",
            "commit": "0123456789ab",
        },
        "quick": False,
        "repeats": 6,
        "cases": cases,
        "sweeps": sweeps,
        "processes": {
            "import_seconds": {"samenet": 0.008, "reference": 0.16, "numpy": 0.16, "numba": 0.5},
            "first_calls": {n: {"cold": calls, "warm": calls} for n in ("reference", "numpy", "numba")},
            "peak_mebibytes": {"reference": 100.2, "numpy": 100.2, "numba": 160.5},
        },
        "break_even": [
            {"network": "3-3-1", "operation": "one sample", "calls": {"cold": 80345, "warm": 604}},
            {"network": "784-30-10", "operation": "batch of 1024", "calls": {"cold": None, "warm": None}},
        ],
    }


def write_history(folder: Path) -> None:
    """asv's results of three commits: a cell that was skipped, one benchmark without a result, an older version."""
    machine = folder / "machine"
    machine.mkdir(parents=True)
    (machine / "machine.json").write_text('{"machine": "machine", "version": 1}')
    (folder / "benchmarks.json").write_text('{"cells.OneSample.time_call": {"unit": "seconds"}, "version": 2}')
    columns = ["result", "params", "version", "started_at", "duration"]
    params = [["'3-3-1'", "'64-30-10'"], ["'numpy'", "'numba'"]]
    for i, commit in enumerate(("a" * 40, "b" * 40, "c" * 40)):
        timed = [(2e-5, 2.5e-5, 3e-5)[i], 4e-6, 3e-5, 1e-5 if i else float("nan")]
        found: dict[str, Any] = {"cells.OneSample.time_call": [timed, params, "1", 0, 1.0]}
        found["cells.Broken.time_call"] = [None, params, "1"]
        if i == 0:
            found["cells.Old.track_error"] = [[99.0], [], "1"]
        else:
            found["cells.Old.track_error"] = [[0.5], [], "2"]
        about = {"commit_hash": commit, "date": 1_700_000_000_000 + i, "result_columns": columns, "results": found}
        (machine / f"{commit[:8]}-virtualenv.json").write_text(json.dumps(about))
