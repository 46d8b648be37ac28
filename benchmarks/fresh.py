"""Measurements that need a new process: the time to import and to compile, and peak memory.

`of_backends` is for the comparison of backends, `once` for that with other libraries; its numbers are

first answer         seconds to import samenet.fast.numba and get a first answer, all of it cached
all kernels, cold    seconds of the first call of every kind, in float64, with nothing cached
new shapes           how many kernels another depth and width compile: none
memory               what training on MNIST adds to peak memory, relative to the size of the data
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from statistics import median
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

_PEAK = """
import resource
import numpy as np
import samenet
network = samenet.backend({name!r}).Network([64, 30, 10], seed=0)
X, Y = np.full((1078, 64), 0.5), np.full((1078, 10), 0.5)
network.train(X, Y, alpha=0.1, epochs=2)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""

_ANSWER = """
import time
t = time.perf_counter()
from samenet.fast.numba import Network
network = Network([3, 3, 1], seed=0)
network.predict([0.5, 0.5, 0.5])
print(time.perf_counter() - t)
"""

_KERNELS = """
import json, sys, time
import numpy as np
from samenet.fast.numba import Network

def compiled():
    "The number of compiled signatures of all kernels."
    found = {id(f): len(f.signatures) for name, module in sorted(sys.modules.items()) if name.startswith("samenet.fast")
             for f in vars(module).values() if isinstance(getattr(f, "signatures", None), list)}
    return sum(found.values())

def use(sizes):
    network = Network(sizes, seed=0)
    X, Y = np.full((32, sizes[0]), 0.5), np.full((32, sizes[-1]), 0.5)
    network.predict(X[0]), network.predict(X), network.cost(X, Y), network.gradient(X, Y)
    network.train(X, Y, alpha=0.1, epochs=1, batch_size=8)
    network.predictor()(X[0])

t = time.perf_counter()
use([64, 30, 10]), use([2, 3, 2])
seconds, kernels = time.perf_counter() - t, compiled()
use([5, 7, 11, 3]), use([3, 4, 5, 1])
print(json.dumps({"cold_seconds": seconds, "kernels": kernels, "more_for_another_shape": compiled() - kernels}))
"""

_MEMORY = """
import json, resource, sys
import numpy as np
from samenet.fast.numba import Network

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

rows = {rows}
network = Network([784, 30, 10], seed=0)
X, Y = np.full((rows, 784), 0.19), np.full((rows, 10), 0.1)
few = dict(alpha=0.1, epochs=1, batch_size=10, seed=0)
network.train(X[:20], Y[:20], **few)
before = peak()
network.train(X, Y, record_every=0, **few)
print(json.dumps({{"data_bytes": X.nbytes + Y.nbytes, "added_bytes": peak() - before}}))
"""


def run(script: str, **environment: str) -> str:
    """The output of a script in a new process."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        cwd=tempfile.gettempdir(),  # so that only the installed package is on the path
    )
    return done.stdout


def import_seconds(module: str) -> float:
    """Seconds that `import module` takes in a new process."""
    return float(run(_IMPORT.format(module=module)))


def first_calls(name: str) -> dict[str, dict[str, float]]:
    """Seconds of the first calls on a backend, "cold" with nothing compiled before, "warm" with all of it cached."""
    with tempfile.TemporaryDirectory() as folder:
        script = _FIRST_CALLS.format(name=name)
        return {state: json.loads(run(script, NUMBA_CACHE_DIR=folder)) for state in ("cold", "warm")}


def peak_memory(name: str) -> float:
    """Peak memory in MiB of a process that trains 64-30-10 on 1078 samples."""
    return float(run(_PEAK.format(name=name)))


def of_backends(repeats: int) -> dict[str, Any]:
    """All measurements, as plain values; import times are the minimum over `repeats` processes."""
    modules = {"samenet": "samenet"} | {name: samenet.backend(name).__name__ for name in samenet.backends()}
    if "reference" in modules:
        modules["reference"] = "samenet.reference.network"  # the class, not the bare loops
    return {
        "import_seconds": {n: min(import_seconds(m) for _ in range(repeats)) for n, m in modules.items()},
        "first_calls": {name: first_calls(name) for name in samenet.backends()},
        "peak_mebibytes": {name: peak_memory(name) for name in samenet.backends()},
    }


def once(modules: Sequence[str], quick: bool) -> dict[str, Any]:
    """All measurements, as plain values; `modules` are the names under which the peers are imported."""
    times = 1 if quick else 3

    def typical(script: str) -> float:
        run(script)  # its compiled kernels are cached from now on
        return median(float(run(script)) for _ in range(times))

    with tempfile.TemporaryDirectory() as folder:
        kernels = json.loads(run(_KERNELS, NUMBA_CACHE_DIR=folder))
    return {
        "first_answer_seconds": typical(_ANSWER),
        "import_seconds": {name: median(import_seconds(name) for _ in range(times)) for name in modules},
        "kernels": kernels,
        "memory": json.loads(run(_MEMORY.format(rows=2_000 if quick else 50_000))),
    }
