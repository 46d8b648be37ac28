"""`samenet advise`: which backend is the fastest for a network, measured briefly, ranked, and stored.

NumPy and Numba are timed interleaved. The reference's loops are timed for one sample, and assumed to take as long for
each sample of a batch.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from samenet.backends import backend
from samenet.compare import environment, timing
from samenet.output import files

OPERATIONS = ("predict", "gradient")
_SECONDS = 0.7  # for each operation and batch

_FIRST_CALLS = """
import json, sys, time
import numpy as np
from samenet.fast.numba import Network
sizes, batch = json.loads(sys.argv[1])
net, X, Y = Network(sizes, seed=0), np.ones((batch, sizes[0])), np.zeros((batch, sizes[-1]))
found = {}
for name, call in (("predict", lambda: net.predict(X)), ("gradient", lambda: net.gradient(X, Y))):
    start = time.perf_counter()
    call()
    found[name] = time.perf_counter() - start
print(json.dumps(found))
"""


def measure(sizes: Sequence[int], batches: Sequence[int], names: Sequence[str]) -> dict[str, Any]:
    """Median seconds of each operation, batch and backend, fastest first, and the times of Numba's first calls."""
    networks = {name: backend(name).Network(sizes, seed=0) for name in names}
    random = np.random.default_rng(0)
    one = {name: _loops(networks["reference"], random) for name in OPERATIONS} if "reference" in networks else None
    rows = []
    for batch in batches:
        X, Y = random.standard_normal((batch, sizes[0])), random.random((batch, sizes[-1]))
        for operation in OPERATIONS:
            given = (X,) if operation == "predict" else (X, Y)
            calls = {n: partial(getattr(net, operation), *given) for n, net in networks.items() if n != "reference"}
            for call in calls.values():
                call()
            times = timing.interleave(calls, _SECONDS) if calls else {}
            seconds = {name: float(np.median(found)) for name, found in times.items()}
            if one is not None:
                seconds["reference"] = batch * one[operation][operation]
            ranked = dict(sorted(seconds.items(), key=lambda item: item[1]))
            rows.append({"operation": operation, "batch": batch, "seconds": ranked})
    compiling = first_calls(sizes, min(batches)) if "numba" in names else None
    return {"sizes": list(sizes), "rows": rows, "first_calls": compiling}


def _loops(network: Any, random: np.random.Generator) -> dict[str, float]:
    """Seconds of one sample on the reference."""
    x, y = random.standard_normal((1, network.sizes[0])), random.random((1, network.sizes[-1]))
    calls = {"predict": partial(network.predict, x), "gradient": partial(network.gradient, x, y)}
    return {name: float(np.median(times)) for name, times in timing.interleave(calls, _SECONDS).items()}


def first_calls(sizes: Sequence[int], batch: int) -> dict[str, dict[str, float]] | None:
    """Seconds of Numba's first calls in a process, with an empty cache and with cached kernels; None without a JIT."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return None
    with tempfile.TemporaryDirectory() as folder:
        around = {**os.environ, "NUMBA_CACHE_DIR": folder}
        run = [sys.executable, "-c", _FIRST_CALLS, json.dumps([list(sizes), batch])]
        found = [subprocess.run(run, env=around, capture_output=True, text=True, check=False) for _ in range(2)]
    if any(done.returncode for done in found):
        return None
    return {when: json.loads(done.stdout) for when, done in zip(("compiling", "loading"), found, strict=True)}


def crossings(told: dict[str, Any]) -> list[dict[str, Any]]:
    """For each operation, the pairs of batch sizes between which the fastest backend changes."""
    found = []
    for operation in OPERATIONS:
        rows = sorted((row for row in told["rows"] if row["operation"] == operation), key=lambda row: row["batch"])
        for before, after in pairwise(rows):
            first, second = next(iter(before["seconds"])), next(iter(after["seconds"]))
            if first != second:
                places = {"after": before["batch"], "by": after["batch"]}
                found.append({"operation": operation, "from": first, "to": second, **places})
    return found


def pays(told: dict[str, Any]) -> list[dict[str, Any]]:
    """The number of calls after which Numba has made up for its first one, against the best other; None for never."""
    found = []
    for row in told["rows"] if told["first_calls"] else []:
        others = {name: seconds for name, seconds in row["seconds"].items() if name != "numba"}
        if not others:
            continue
        other = min(others, key=lambda name: others[name])
        saved = others[other] - row["seconds"]["numba"]
        calls = {
            when: int(np.ceil(seconds[row["operation"]] / saved)) if saved > 0 else None
            for when, seconds in told["first_calls"].items()
        }
        found.append({"operation": row["operation"], "batch": row["batch"], "against": other, **calls})
    return found


# --- stored measurements ---------------------------------------------------------------------------------------


def folder() -> Path:
    """The folder for stored measurements: samenet's folder in the user's cache."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "samenet"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "samenet"


def advice(
    sizes: Sequence[int], batches: Sequence[int], names: Sequence[str], again: bool = False
) -> tuple[dict[str, Any], Path | None]:
    """The result of `measure`, with its time and place; the stored one if it was measured here with the same versions.

    again: measure in any case. Also returns the file, or None if it cannot be written.
    """
    around = environment.describe()
    when = around.pop("utc")
    key = json.dumps([list(sizes), list(batches), list(names), around], sort_keys=True)
    try:
        path = folder() / f"advice-{hashlib.sha256(key.encode()).hexdigest()[:20]}.json"
    except RuntimeError:  # the user has no home folder
        path = None
    kept = None if again or path is None else _kept(path, key)
    if kept is not None:
        return kept | {"remembered": True}, path
    told = {"utc": when, "environment": around, **measure(sizes, batches, names)}
    if path is not None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            files.write_text(path, json.dumps({"key": key, "told": told}, indent=1) + "\n")
        except OSError:
            path = None
    return told | {"remembered": False}, path


def _kept(path: Path, key: str) -> dict[str, Any] | None:
    """The contents of a file, if it has the same key; None for a missing or damaged file."""
    try:
        content = json.loads(path.read_text("utf-8"))
        told: dict[str, Any] = content["told"]
        if content["key"] != key or not {"utc", "rows", "first_calls"} <= told.keys():
            return None
        crossings(told), pays(told)
        return told
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
