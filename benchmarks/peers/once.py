"""What only a process of its own can show of samenet and its peers: importing, compiling, memory. A number each.

import over Numba's   seconds to import samenet.fast.numba and get a first answer, all of it cached, less the
                      seconds to import Numba alone
all kernels, cold     seconds of the first calls of every kind, in float64, with nothing cached
new shapes            how many kernels another depth and width compile: none
memory                what training on MNIST adds to the peak of memory, as a part of the data's own
"""

import json
import tempfile
from collections.abc import Sequence
from statistics import median
from typing import Any

import processes

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
    "How many compilations all kernels have."
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


def once(modules: Sequence[str], quick: bool) -> dict[str, Any]:
    """All of it, as plain values; modules are the peers' to import, by the name of `import`."""
    times = 1 if quick else 3

    def typical(script: str) -> float:
        processes.run(script)  # what it compiles is cached from now on
        return median(float(processes.run(script)) for _ in range(times))

    with tempfile.TemporaryDirectory() as folder:
        kernels = json.loads(processes.run(_KERNELS, NUMBA_CACHE_DIR=folder))
    return {
        "first_answer_seconds": typical(_ANSWER),
        "import_seconds": {name: median(processes.import_seconds(name) for _ in range(times)) for name in modules},
        "kernels": kernels,
        "memory": json.loads(processes.run(_MEMORY.format(rows=2_000 if quick else 50_000))),
    }
