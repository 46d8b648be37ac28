"""What only a process of its own can show: the time to import, to compile, and the peak of memory."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import samenet

_IMPORT = "import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"

# The first call of each kind, in one process: compiled where needed, or loaded from Numba's cache.
_FIRST_CALLS = """
import json, time
import numpy as np
import samenet
t = time.perf_counter()
Network = samenet.backend({name!r}).Network
result = {{"import": time.perf_counter() - t}}
network = Network([64, 30, 10], seed=0)
X, Y = np.full((32, 64), 0.5), np.full((32, 10), 0.5)
calls = {{
    "predict": lambda: network.predict(X),
    "predict one": lambda: network.predict(X[0]),
    "gradient": lambda: network.gradient(X, Y),
    "train": lambda: network.train(X, Y, alpha=0.1, epochs=1),
}}
for call, function in calls.items():
    t = time.perf_counter()
    function()
    result[call] = time.perf_counter() - t
print(json.dumps(result))
"""

_MEMORY = """
import resource
import numpy as np
import samenet
network = samenet.backend({name!r}).Network([64, 30, 10], seed=0)
X, Y = np.full((1078, 64), 0.5), np.full((1078, 10), 0.5)
network.train(X, Y, alpha=0.1, epochs=2)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def run(script: str, **environment: str) -> str:
    """What a script prints, in a new process."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        cwd=tempfile.gettempdir(),  # nothing of this repository on the path but what is installed
    )
    return done.stdout


def import_seconds(module: str) -> float:
    """Seconds that a statement `import module` takes in a new process."""
    return float(run(_IMPORT.format(module=module)))


def first_calls(name: str) -> dict[str, dict[str, float]]:
    """Seconds of the first calls on a backend, "cold" with nothing compiled before, "warm" with all of it cached."""
    with tempfile.TemporaryDirectory() as folder:
        script = _FIRST_CALLS.format(name=name)
        return {state: json.loads(run(script, NUMBA_CACHE_DIR=folder)) for state in ("cold", "warm")}


def peak_memory(name: str) -> float:
    """MiB that a process needs at its peak to train 64-30-10 on 1078 samples."""
    return float(run(_MEMORY.format(name=name)))


def everything(repeats: int) -> dict[str, Any]:
    """All of it, as plain values; imports as the least of `repeats` processes."""
    modules = {"samenet": "samenet"} | {name: samenet.backend(name).__name__ for name in samenet.backends()}
    if "reference" in modules:
        modules["reference"] = "samenet.reference.network"  # the class, not the bare loops
    return {
        "import_seconds": {n: min(import_seconds(m) for _ in range(repeats)) for n, m in modules.items()},
        "first_calls": {name: first_calls(name) for name in samenet.backends()},
        "peak_mebibytes": {name: peak_memory(name) for name in samenet.backends()},
    }


def version_of_source(root: Path) -> str | None:
    """The commit that is checked out, with "+" if files were changed since."""
    git = ["git", "-C", str(root)]
    try:
        commit = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], check=True, capture_output=True, text=True)
        changed = subprocess.run([*git, "status", "--porcelain", "-uno"], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit.stdout.strip() + ("+" if changed.stdout.strip() else "")
